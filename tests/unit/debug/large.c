/* debug/large: large blocks with room for a fence before them. */
#include "debug/large.h"

#include "heap.h"
#include "os/os.h"
#include "support/pages.h"

static void set_up(void) {
    conf("");
}

TestSuite(large, .init = set_up);

Test(large, a_block_is_aligned_and_has_room_on_both_sides) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    for (size_t alignment = 8; alignment <= (size_t)1 << 21; alignment *= 2)
        for (size_t bytes = 0; bytes < 3000000; bytes = 3 * bytes + 1000) {
            fi_spot spot = fi_debug_large_alloc(f, bytes, alignment, true);
            cr_assert_not_null(spot.block);
            assert_equal((uintptr_t)spot.block % alignment, 0);
            assert_at_least(spot.slot_bytes, bytes + FI_FENCE_BYTES);
            assert_at_least((size_t)(spot.block - fi_map_address(spot.pool)), FI_FENCE_BYTES);
            cr_assert(is_zeros(spot.block, bytes));
            memset(spot.block, 1, spot.slot_bytes);
            fi_debug_large_free(f, &spot);
        }
    assert_equal(f->count.large_blocks, 0);
    assert_equal(f->count.large_bytes, 0);
    fief_destroy(f);
}

Test(large, sizes_that_no_memory_has_are_refused) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    cr_assert_null(fi_debug_large_alloc(f, PTRDIFF_MAX, 16, false).block);
    cr_assert_null(fi_debug_large_alloc(f, PTRDIFF_MAX - FI_UNIT_BYTES, 4096, false).block);
    fief_destroy(f);
}

Test(large, exhaustion_leaves_nothing_behind) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    uint64_t charged = f->count.charged_bytes;
    unsigned failures = 0;
    for (unsigned k = 1;; k++) {
        fi_os_fail_at(k);
        fi_spot spot = fi_debug_large_alloc(f, 700000, 16, false);
        bool fewer = fi_os_request_count() < k;
        fi_os_fail_at(0);
        if (spot.block == NULL)
            cr_assert(f->count.charged_bytes == charged && f->count.large_blocks == 0);
        else
            fi_debug_large_free(f, &spot);
        failures += spot.block == NULL;
        if (fewer)
            break;
    }
    assert_at_least(failures, 2);
    fief_destroy(f);
}
