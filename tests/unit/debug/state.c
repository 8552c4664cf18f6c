/* debug/state: events, and who is inside a handle. */
#include "heap.h"
#include "os/os.h"

#include <unistd.h>

static void set_up(void) {
    conf("");
}

TestSuite(state, .init = set_up);

Test(state, an_event_is_this_thread_now) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        fi_visit visit = fi_debug_enter(f, "a test", NULL);
        fi_event event = fi_event_now(f, __builtin_return_address(0));
        fi_debug_leave(f, visit);
        fi_event there = fi_event_elsewhere((unsigned)level, __builtin_return_address(0));
        assert_equal(event.thread, fi_os_thread_id());
        assert_equal(there.thread, fi_os_thread_id());
        cr_assert(event.trace != 0 && there.trace != 0);
        assert_at_most(event.ms, fi_debug_ms());
        fief_destroy(f);
    }
}

/* A heap that is made late does not say that its blocks are as old as the first one's. */
Test(state, the_first_allocations_know_when_they_were_made) {
    uint32_t began = fi_debug_ms();
    while (fi_debug_ms() - began < 100)
        usleep(10000);
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    assert_at_least(spot_at(f, fief_alloc(f, 10)).record->made.ms, 90);
    fief_destroy(f);
}

Test(state, one_thread_may_be_inside_again) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_visit outer = fi_debug_enter(f, "outer", NULL), inner = fi_debug_enter(f, "inner", NULL);
    assert_equal(outer.previous, 0);
    assert_equal(inner.previous, fi_os_thread_id());
    fi_debug_leave(f, inner);
    fi_debug_leave(f, outer);
    assert_equal(f->debug->inside_thread, 0);
    assert_equal(heard.count, 0);
    fief_destroy(f);
}

Test(state, a_second_thread_that_comes_in_is_told) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    f->debug->inside_thread = 4711;
    f->debug->inside_operation = "fief_alloc";
    fi_visit before = fi_debug_enter(f, "fief_free", NULL);
    assert_equal(heard.kinds[FIEF_MISUSE_TWO_THREADS], 1);
    cr_assert_not_null(strstr(heard.text, "thread 4711, in fief_alloc\n"));
    fi_debug_leave(f, before);
    assert_equal(heard.count, 1);
    fief_destroy(f);
}

Test(state, one_that_came_in_meanwhile_is_told_at_the_way_out) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_visit before = fi_debug_enter(f, "fief_free", NULL);
    f->debug->inside_thread = 4711;
    fi_debug_leave(f, before);
    assert_equal(heard.kinds[FIEF_MISUSE_TWO_THREADS], 1);
    f->debug->inside_thread = 0;
    fief_destroy(f);
}
