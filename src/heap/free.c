#include "heap/free.h"

#include "base/atomics.h"
#include "heap/large.h"
#include "heap/pools.h"
#include "heap/remote.h"

#include <stdlib.h>

/* Late frees of the whole process, for fief_leaks_read. */
static uint64_t late_frees;

uint64_t fi_heap_late_frees(void) {
    return fi_load_relaxed(&late_frees);
}

bool fi_found_is_late(const fief *f, const fi_found *found) {
    return !fi_found_is_own(f, found) && found->owner_id != FIEF_ID_NONE && found->owner_state != FIEF_LIVE;
}

/* Reported once for each interpreter that ended; of those that are forgotten, once for every 64 of them. */
static bool is_late_news(const fi_found *found) {
    static uint64_t told_forgotten;
    if (found->slot != NULL && fi_load_acquire(&found->slot->id) == found->owner_id)
        return fi_add_relaxed(&found->slot->late_in, 1) == 0;
    uint64_t bit = UINT64_C(1) << (found->owner_id % 64);
    return (fi_or_acq_rel(&told_forgotten, bit) & bit) == 0;
}

static void meet_late(fief *f, const fi_found *found, const fi_incident *incident) {
    fi_incident late = *incident;
    late.kind = FIEF_MISUSE_LATE_FREE;
    fi_add_relaxed(&late_frees, 1);
    if (f != NULL)
        f->count.late_out++;
    fi_misuse_tell(&late, "the block stays dead", !is_late_news(found));
}

/* The first of each pair is written to stderr (64 pairs a caller, told apart by the owner's id modulo 64); a
 * callback gets all. */
static bool is_news(fief *f, fief_id owner) {
    uint64_t bit = UINT64_C(1) << (owner % 64);
    bool news = (f->told_foreign & bit) == 0;
    f->told_foreign |= bit;
    return news;
}

bool fi_heap_meet_foreign(fief *f, const fi_found *found, const fi_incident *incident, const char *verdict) {
    f->count.foreign_out++;
    fi_add_relaxed(&found->slot->foreign_in, 1);
    fi_store_relaxed(&found->slot->last_sender, f->slot);
    switch ((fief_foreign_policy)f->on_foreign) {
    case FIEF_FOREIGN_ABORT:
        fi_misuse_tell(incident, "abort", false);
        abort();
    case FIEF_FOREIGN_IGNORE:
        fi_misuse_tell(incident, "the call does nothing", !is_news(f, found->owner_id));
        return false;
    case FIEF_FOREIGN_ROUTE:
        break;
    }
    fi_misuse_tell(incident, verdict, !is_news(f, found->owner_id));
    return true;
}

/* What looks like misuse may be a free that the owner's end has overtaken. */
void fi_heap_blame(fief *f, fi_found *found, const fi_incident *incident) {
    fi_found_look_again(found);
    if (fi_found_is_late(f, found))
        meet_late(f, found, incident);
    else
        fi_misuse(incident);
}

bool fi_heap_send_home(fief *f, fi_found *found, fi_incident incident) {
    switch (fi_remote_send(found->arena, found->pool, &found->view, found->index)) {
    case FI_REMOTE_TWICE:
        incident.kind = FIEF_MISUSE_DOUBLE_FREE;
        fi_heap_blame(f, found, &incident);
        return false;
    case FI_REMOTE_LATE:
        meet_late(f, found, &incident);
        return false;
    case FI_REMOTE_SENT:
        break;
    }
    return true;
}

static void free_own(fief *f, const fi_found *found, fi_incident incident) {
    if (fi_found_is_free(f, found)) {
        incident.kind = FIEF_MISUSE_DOUBLE_FREE;
        fi_misuse(&incident);
    } else if (fi_pool_is_small(found->pool)) {
        fi_heap_take_back(f, found->pool, (fi_block *)(void *)found->block);
    } else {
        fi_large_free(f, found->pool);
    }
}

void fi_heap_free_slow(fief *f, void *p, const char *operation) {
    if (p == NULL)
        return;
    fi_pool *large = f != NULL ? fi_find_own_large(f, p) : NULL;
    if (large != NULL) {
        fi_large_free(f, large);
        return;
    }
    if (f != NULL && !fi_misuse_check_handle(f, operation))
        return;
    fi_found found = fi_find(p);
    fi_incident incident = fi_found_incident(&found, p, f, operation);
    if (found.place != FI_PLACE_BLOCK || fi_found_is_late(f, &found)) {
        fi_heap_blame(f, &found, &incident);
    } else if (fi_found_is_own(f, &found)) {
        free_own(f, &found, incident);
    } else if (f == NULL) {
        fi_heap_send_home(f, &found, incident);
    } else {
        incident.kind = FIEF_MISUSE_FOREIGN_FREE;
        if (fi_heap_meet_foreign(f, &found, &incident, "the block goes home to its owner"))
            fi_heap_send_home(f, &found, incident);
    }
}
