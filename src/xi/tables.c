#include "xi/tables.h"

#include "base/atomics.h"
#include "base/lock.h"
#include "interp/life.h"

enum { BUCKETS = 1024 };

static fi_table *buckets[BUCKETS]; /* by number, each under its numbers' lock */
static fief_xi_table last_id;
static FI_THREAD_LOCAL bool inside;

static_assert(BUCKETS % FI_TABLE_LOCKS == 0, "the numbers of a bucket have one lock");

static fi_lock_rank lock_of(fief_xi_table id) {
    return (fi_lock_rank)(FI_RANK_TABLES + (unsigned)(id % FI_TABLE_LOCKS));
}

static fi_table **bucket_of(fief_xi_table id) {
    return &buckets[id % BUCKETS];
}

void fi_tables_add(fi_table *table) {
    table->id = fi_add_relaxed(&last_id, 1) + 1;
    fi_lock(lock_of(table->id));
    table->next = *bucket_of(table->id);
    *bucket_of(table->id) = table;
    fi_unlock(lock_of(table->id));
}

bool fi_tables_inside(void) {
    return inside;
}

fi_table *fi_tables_enter(fief_xi_table id, fief_xi_table_result *why) {
    *why = FIEF_XI_TABLE_BUSY;
    if (inside)
        return NULL;
    fi_lock(lock_of(id));
    fi_table *table = *bucket_of(id);
    while (table != NULL && table->id != id)
        table = table->next;
    if (table == NULL) {
        fi_unlock(lock_of(id));
        *why = FIEF_XI_TABLE_GONE;
        return NULL;
    }
    inside = true;
    return table;
}

void fi_tables_leave(fief_xi_table id) {
    inside = false;
    fi_unlock(lock_of(id));
}

static void unchain(fi_table *table) {
    fi_table **link = bucket_of(table->id);
    while (*link != table)
        link = &(*link)->next;
    *link = table->next;
}

void fi_tables_take_out(fi_table *table) {
    unchain(table);
    fi_tables_leave(table->id);
}

/* ---- an owner's end ---- */

static fi_table *take_one_of(fief_id owner, unsigned bucket) {
    fi_lock(lock_of(bucket));
    fi_table *table = buckets[bucket];
    while (table != NULL && table->owner != owner)
        table = table->next;
    if (table != NULL)
        unchain(table);
    fi_unlock(lock_of(bucket));
    return table;
}

/* A callback of a table's that ends the owner of one would wait for itself. */
static void end_all_of(fief *f, void *arg) {
    (void)arg;
    FI_ASSERT(!inside);
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
        for (fi_table *table; (table = take_one_of(f->id, bucket)) != NULL;)
            fi_table_end(table);
    f->has_tables = false;
}

fief_status fi_tables_end_with(fief *f) {
    if (f->has_tables)
        return FIEF_OK;
    fief_status status = fi_life_at_last(f, end_all_of);
    f->has_tables = status == FIEF_OK;
    return status;
}
