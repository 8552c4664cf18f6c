/* debug/record: a record for each block, found by arithmetic, for good. */
#include "heap.h"
#include "os/os.h"

static void set_up(void) {
    conf("");
}

TestSuite(record, .init = set_up);

Test(record, each_block_has_one_of_its_own) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_record *seen[100];
    for (unsigned i = 0; i < 100; i++) {
        fi_spot spot = spot_at(f, fief_alloc(f, i * 5));
        seen[i] = spot.record;
        assert_equal((uintptr_t)spot.record % sizeof(fi_record), 0);
        assert_equal(spot.record->size, i * 5);
        assert_equal(spot.record->serial, i + 1);
        assert_equal(fi_record_state_of(spot.record), FI_RECORD_LIVE);
        for (unsigned k = 0; k < i; k++)
            cr_assert_neq(seen[k], seen[i]);
    }
    fief_destroy(f);
}

Test(record, a_reference_leads_back) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    for (unsigned i = 0; i < 100; i++) {
        fi_spot spot = spot_at(f, fief_alloc(f, i * 500));
        fi_pool *pool;
        unsigned index;
        cr_assert(fi_record_find(fi_record_ref_to(spot.pool, spot.index), &pool, &index));
        cr_assert(pool == spot.pool && index == spot.index);
    }
    fief_destroy(f);
}

Test(record, what_is_no_reference_leads_nowhere) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_spot spot = spot_at(f, fief_alloc(f, 10));
    uint64_t granules = fi_the_map.units * FI_UNIT_GRANULES;
    fi_pool *pool;
    unsigned index;
    cr_assert_not(fi_record_find(0, &pool, &index));
    cr_assert_not(fi_record_find(UINT64_MAX, &pool, &index));
    cr_assert_not(fi_record_find((granules << 16) + 1, &pool, &index));
    cr_assert_not(fi_record_find(fi_record_ref_to(spot.pool, FI_SHEET_RECORDS - 1), &pool, &index));
    cr_assert_not(fi_record_find(fi_record_ref_to(&fi_the_map.pools[granules - 1], 0), &pool, &index));
    fief_destroy(f);
}

Test(record, there_is_none_beyond_a_sheet) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_spot spot = spot_at(f, fief_alloc(f, 10));
    cr_assert_not_null(fi_record_of(spot.pool, FI_SHEET_RECORDS - 2));
    cr_assert_null(fi_record_of(spot.pool, FI_SHEET_RECORDS - 1));
    cr_assert_null(fi_record_of(spot.pool, UINT16_MAX));
    fief_destroy(f);
}

Test(record, before_the_first_watched_heap_there_are_none) {
    fief *f = heap_at(FIEF_DEBUG_OFF);
    fi_found found = fi_find(fief_alloc(f, 10));
    cr_assert_null(fi_record_of(found.pool, found.index));
    fief_destroy(f);
}

Test(record, a_pool_that_is_opened_anew_has_blank_ones) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_spot spot = spot_at(f, fief_alloc(f, 10));
    cr_assert(fi_records_open(spot.pool, FI_SHEET_RECORDS - 1));
    assert_equal(fi_record_state_of(spot.record), FI_RECORD_NONE);
    assert_equal(spot.record->serial, 0);
}

Test(record, what_is_forgotten_gives_its_memory_back) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_record *record = spot_at(f, fief_alloc(f, 10)).record;
    fief_destroy(f);
    assert_equal(fi_record_state_of(record), FI_RECORD_LIVE);
    fief_trim(NULL);
    assert_equal(fi_record_state_of(record), FI_RECORD_NONE);
}

/* Every request in turn: the table, address space, an entry, a sheet. */
Test(record, exhaustion_leaves_all_as_it_was) {
    fief *f = heap_at(FIEF_DEBUG_OFF);
    fi_found found = fi_find(fief_alloc(f, 10));
    fi_os_fail_at(1);
    cr_assert_not(fi_records_init());
    fi_os_fail_at(0);
    cr_assert(fi_records_init());
    unsigned k = 1;
    for (;; k++) {
        fi_os_fail_at(k);
        bool enabled = fi_records_enable(found.pool);
        fi_os_fail_at(0);
        if (enabled)
            break;
        cr_assert_null(fi_record_of(found.pool, 0));
    }
    assert_equal(k, 3); /* what a failed one has got, the next one uses */
    assert_equal(fi_record_state_of(fi_record_of(found.pool, 0)), FI_RECORD_NONE);
    fief_destroy(f);
}
