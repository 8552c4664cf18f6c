#include "debug/record.h"

#include "base/check.h"
#include "base/lock.h"
#include "os/os.h"

#include <string.h>

enum { REGION_SHEETS = 32 };

fi_record **fi_sheets;

/* Address space for further sheets. Under FI_RANK_PROCESS. */
static char *region, *region_end;

static_assert((1 << FI_GRANULE_SHIFT) / FI_LEAST_SLOT_BYTES == FI_SHEET_RECORDS,
              "with a fence before the first block, one record of a sheet is never a block's");

bool fi_records_init(void) {
    if (fi_load_acquire(&fi_sheets) != NULL)
        return true;
    fi_lock(FI_RANK_PROCESS);
    if (fi_sheets == NULL) {
        size_t granules = fi_the_map.units * FI_UNIT_GRANULES;
        fi_store_release(&fi_sheets, fi_os_map_zeros(granules * sizeof *fi_sheets));
    }
    fi_unlock(FI_RANK_PROCESS);
    return fi_sheets != NULL;
}

/* ---- sheets ---- */

/* The last record of a sheet says whose it is, for the way back. */
static void sign(fi_record *sheet, uint32_t pool_index) {
    sheet[FI_SHEET_RECORDS - 1].serial = pool_index;
}

static fi_record *sheet_of(const fi_record *record) {
    return (fi_record *)fi_round_down((uintptr_t)record, FI_SHEET_BYTES);
}

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
static bool make_sheet(fi_record **entry, uint32_t pool_index) {
    char *space = take_space();
    if (space == NULL || !enable_entry(entry) || !fi_os_commit(space, FI_SHEET_BYTES))
        return false;
    region += FI_SHEET_BYTES;
    fi_record *sheet = (fi_record *)(void *)space;
    sign(sheet, pool_index);
    fi_store_release(entry, sheet);
    return true;
}

bool fi_records_enable(const fi_pool *pool) {
    fi_record **entry = &fi_sheets[fi_map_index(pool)];
    if (fi_load_acquire(entry) != NULL)
        return true;
    fi_lock(FI_RANK_PROCESS);
    bool made = *entry != NULL || make_sheet(entry, fi_map_index(pool));
    fi_unlock(FI_RANK_PROCESS);
    return made;
}

/* Writing zeros costs less than having the system make them: pools come and go. */
bool fi_records_open(const fi_pool *pool, unsigned count) {
    FI_ASSERT(count < FI_SHEET_RECORDS);
    fi_record *had = fi_load_acquire(&fi_sheets[fi_map_index(pool)]);
    if (had == NULL)
        return fi_records_enable(pool);
    memset(had, 0, count * sizeof *had);
    return true;
}

/* ---- the way back ---- */

fi_pool *fi_record_pool(const fi_record *record) {
    return &fi_the_map.pools[sheet_of(record)[FI_SHEET_RECORDS - 1].serial];
}

unsigned fi_record_index(const fi_record *record) {
    return (unsigned)(record - sheet_of(record));
}
