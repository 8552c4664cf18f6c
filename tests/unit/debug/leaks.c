/* debug/leaks: whether a heap that ends holds what it should not. */
#include "debug/leaks.h"

#include "heap.h"
#include "os/os.h"
#include "support/child.h"

static void set_up(void) {
    conf("");
}

TestSuite(leaks, .init = set_up);

Test(leaks, live_blocks_are_leaks_and_freed_ones_are_none) {
    FOR_LEVELS(level) {
        fief *f = heap_at(level);
        cr_assert_not(fi_leaks_at_end(f, false));
        void *block = fief_alloc(f, 100);
        cr_assert(fi_leaks_at_end(f, false));
        fief_free(f, block);
        cr_assert_not(fi_leaks_at_end(f, false));
        fief_destroy(f);
    }
}

Test(leaks, what_a_suppression_covers_is_none) {
    fief_tag tag;
    assert_equal(fief_tag_register("covered", &tag), FIEF_OK);
    assert_equal(fief_leaks_suppress("tag:covered"), FIEF_OK);
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        cr_assert_not_null(fief_alloc_tagged(f, 100, tag));
        cr_assert_not(fi_leaks_at_end(f, true));
        cr_assert_not_null(fief_alloc(f, 100));
        cr_assert(fi_leaks_at_end(f, false));
        fief_destroy(f);
    }
}

static int tell_or_not(void *arg) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    return fief_alloc(f, 100) != NULL && fi_leaks_at_end(f, *(const bool *)arg) ? 0 : 1;
}

Test(leaks, they_are_told_if_that_is_wanted) {
    child_end end = run_in_child(tell_or_not, &(bool){true});
    assert_returned(end);
    assert_says(end, "100 bytes in 1 block");
    end = run_in_child(tell_or_not, &(bool){false});
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
}

/* The end goes on. */
Test(leaks, without_memory_nothing_is_told_and_nothing_is_wrong) {
    FOR_LEVELS(level) {
        fief *f = heap_at(level);
        cr_assert_not_null(fief_alloc(f, 100));
        uint64_t live = exact_stats(f).live_blocks;
        for (unsigned k = 1; k < 6; k++) {
            fi_os_fail_at(k);
            (void)fi_leaks_at_end(f, false);
            fi_os_fail_at(0);
            assert_equal(exact_stats(f).live_blocks, live);
        }
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}
