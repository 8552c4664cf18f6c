/* Assertions about numbers, which say what the numbers were. */
#ifndef FI_TESTS_SUPPORT_COMPARE_H
#define FI_TESTS_SUPPORT_COMPARE_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>

#define assert_relation(actual, relation, wanted)                                                                 \
    do {                                                                                                          \
        uintmax_t actual_ = (uintmax_t)(actual), wanted_ = (uintmax_t)(wanted);                                   \
        cr_assert(actual_ relation wanted_, "%s is %ju; wanted " #relation " %ju", #actual, actual_, wanted_);    \
    } while (false)

#define assert_equal(actual, wanted) assert_relation(actual, ==, wanted)
#define assert_at_least(actual, wanted) assert_relation(actual, >=, wanted)
#define assert_at_most(actual, wanted) assert_relation(actual, <=, wanted)

#endif
