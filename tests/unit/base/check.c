/* base/check: a broken invariant says which, and ends the process. */
#include "base/check.h"

#include "support/child.h"
#include "support/compare.h"

#include <signal.h>

static int break_an_invariant(void *arg) {
    (void)arg;
    FI_ASSERT(1 + 1 == 3);
    return 0;
}

Test(check, a_broken_invariant_is_named_and_aborts) {
    child_end end = run_in_child(break_an_invariant, NULL);
    assert_aborted(end);
    assert_says(end, "fief: broken invariant: 1 + 1 == 3 (");
    assert_says(end, "check.c:");
}

Test(check, a_kept_invariant_is_evaluated_once_and_says_nothing) {
    int evaluated = 0;
    FI_ASSERT(++evaluated == 1);
    assert_equal(evaluated, 1);
}

static int break_a_long_invariant(void *arg) {
    char condition[1000];
    memset(condition, 'y', sizeof condition - 1);
    condition[sizeof condition - 1] = '\0';
    (void)arg;
    fi_broken(condition, "file.c", 1);
}

Test(check, a_text_that_does_not_fit_is_cut) {
    child_end end = run_in_child(break_a_long_invariant, NULL);
    assert_aborted(end);
    assert_says(end, "fief: broken invariant: yyy");
    assert_equal(end.said_bytes, 255);
}

Test(check, a_debug_assertion_costs_nothing_in_a_release_build) {
    int evaluated = 0;
    FI_DEBUG_ASSERT(++evaluated > 0);
#ifdef NDEBUG
    assert_equal(evaluated, 0);
#else
    assert_equal(evaluated, 1);
#endif
}
