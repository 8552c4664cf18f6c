/* Every class of misuse, for every kind of block, at every debug level, by every policy: told exactly as promised,
 * and once; and the same program without the bug, of which nothing is told. The cases are in files of their own.
 */
#include "misuse/cases.h"
#include "misuse/prove.h"

#include <criterion/criterion.h>

static void assert_as_promised(const misuse_case *of, fief_debug level) {
    static char why[4096];
    tally score;
    bool right = prove(of, level, &score, why, sizeof why);
    cr_assert(right, "%s", why);
    cr_assert_eq(score.found, score.promised);
    cr_assert_eq(score.quiet, score.clean);
}

#define TEST_CASE(name)                                                                                           \
    Test(off, name) {                                                                                             \
        assert_as_promised(&case_##name, FIEF_DEBUG_OFF);                                                         \
    }                                                                                                             \
    Test(check, name) {                                                                                           \
        assert_as_promised(&case_##name, FIEF_DEBUG_CHECK);                                                       \
    }                                                                                                             \
    Test(full, name) {                                                                                            \
        assert_as_promised(&case_##name, FIEF_DEBUG_FULL);                                                        \
    }                                                                                                             \
    Test(guard, name) {                                                                                           \
        assert_as_promised(&case_##name, FIEF_DEBUG_GUARD);                                                       \
    }

FOR_CASES(TEST_CASE)
