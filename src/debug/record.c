#include "debug/record.h"

#include "base/check.h"
#include "base/lock.h"
#include "os/os.h"

enum { REGION_SHEETS = 32 };

fi_record **fi_sheets;

/* Address space for further sheets. Under FI_RANK_PROCESS. */
static char *region, *region_end;

static_assert(FI_SHEET_RECORDS <= 1 << 16, "a reference has 16 bits for it");

/* Granules that nobody uses, and that nobody can ask about any more. */
static void forget(size_t first, size_t granules) {
    for (size_t i = first; i < first + granules; i++)
        if (fi_sheets[i] != NULL)
            fi_os_purge(fi_sheets[i], FI_SHEET_BYTES);
}

bool fi_records_init(void) {
    if (fi_load_acquire(&fi_sheets) != NULL)
        return true;
    fi_lock(FI_RANK_PROCESS);
    if (fi_sheets == NULL) {
        size_t granules = fi_the_map.units * FI_UNIT_GRANULES;
        fi_store_release(&fi_sheets, fi_os_map_zeros(granules * sizeof *fi_sheets));
        fi_map_on_forget = fi_sheets != NULL ? forget : NULL;
    }
    fi_unlock(FI_RANK_PROCESS);
    return fi_sheets != NULL;
}

/* ---- sheets ---- */

static char *take_space(void) {
    if (region == region_end) {
        char *fresh = fi_os_reserve(REGION_SHEETS * FI_SHEET_BYTES, FI_SHEET_BYTES);
        if (fresh == NULL)
            return NULL;
        region = fresh;
        region_end = fresh + REGION_SHEETS * FI_SHEET_BYTES;
    }
    return region;
}

static bool enable_entry(fi_record **entry) {
    return fi_os_enable((void *)fi_round_down((uintptr_t)entry, fi_os_page_bytes()), fi_os_page_bytes());
}

/* What fails half-way is found by the next one. */
static bool make_sheet(fi_record **entry) {
    char *space = take_space();
    if (space == NULL || !enable_entry(entry) || !fi_os_commit(space, FI_SHEET_BYTES))
        return false;
    region += FI_SHEET_BYTES;
    fi_store_release(entry, (fi_record *)(void *)space);
    return true;
}

bool fi_records_enable(const fi_pool *pool) {
    fi_record **entry = &fi_sheets[fi_map_index(pool)];
    if (fi_load_acquire(entry) != NULL)
        return true;
    fi_lock(FI_RANK_PROCESS);
    bool made = *entry != NULL || make_sheet(entry);
    fi_unlock(FI_RANK_PROCESS);
    return made;
}

/* What is read of a record before it is written. */
static void blank(fi_record *record) {
    record->next = 0;
    fi_store_relaxed(&record->serial, 0);
    fi_store_relaxed(&record->room_shift, 0);
    fi_store_release(&record->state, FI_RECORD_NONE);
}

/* Writing them costs less than having the system make zeros: pools come and go. */
bool fi_records_open(const fi_pool *pool, unsigned count) {
    FI_ASSERT(count < FI_SHEET_RECORDS);
    fi_record *had = fi_load_acquire(&fi_sheets[fi_map_index(pool)]);
    if (had == NULL)
        return fi_records_enable(pool);
    for (unsigned i = 0; i < count; i++)
        blank(had + i);
    return true;
}
