#include "debug/record.h"

#include "base/lock.h"
#include "os/os.h"

fi_record *fi_records;

static size_t granule_bytes(void) {
    return FI_GRANULE_RECORDS * sizeof(fi_record);
}

bool fi_records_init(void) {
    if (fi_load_acquire(&fi_records) != NULL)
        return true;
    fi_lock(FI_RANK_PROCESS);
    if (fi_records == NULL)
        fi_store_release(&fi_records, fi_os_map_zeros(fi_the_map.units * FI_UNIT_GRANULES * granule_bytes()));
    fi_unlock(FI_RANK_PROCESS);
    return fi_records != NULL;
}

bool fi_records_enable(const fi_pool *pool) {
    return fi_os_enable(fi_record_of(pool, 0), granule_bytes());
}

bool fi_records_open(const fi_pool *pool) {
    if (!fi_records_enable(pool))
        return false;
    fi_os_purge(fi_record_of(pool, 0), granule_bytes());
    return true;
}

fi_pool *fi_record_pool(const fi_record *record) {
    return &fi_the_map.pools[(size_t)(record - fi_records) / FI_GRANULE_RECORDS];
}

unsigned fi_record_index(const fi_record *record) {
    return (unsigned)((size_t)(record - fi_records) % FI_GRANULE_RECORDS);
}
