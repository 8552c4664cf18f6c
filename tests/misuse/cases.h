/* All cases, in the order of the table. */
#ifndef FI_TESTS_MISUSE_CASES_H
#define FI_TESTS_MISUSE_CASES_H

#include "misuse/scene.h"

#define FOR_CASES(X)                                                                                              \
    X(double_free)                                                                                                \
    X(double_free_by_another)                                                                                     \
    X(double_free_remote)                                                                                         \
    X(remote_then_own_free)                                                                                       \
    X(realloc_after_free)                                                                                         \
    X(foreign_free)                                                                                               \
    X(foreign_sized_free)                                                                                         \
    X(foreign_realloc)                                                                                            \
    X(late_free)                                                                                                  \
    X(late_free_while_closing)                                                                                    \
    X(late_free_while_closing_by_a_thread)                                                                        \
    X(interior_pointer)                                                                                           \
    X(misaligned_pointer)                                                                                         \
    X(wild_pointer)                                                                                               \
    X(pointer_to_the_stack)                                                                                       \
    X(pointer_of_libc)                                                                                            \
    X(overflow_by_1)                                                                                              \
    X(overflow_by_64)                                                                                             \
    X(underflow_by_1)                                                                                             \
    X(write_after_free)                                                                                           \
    X(read_after_free)                                                                                            \
    X(wrong_size)                                                                                                 \
    X(wrong_size_of_realloc)                                                                                      \
    X(wrong_alignment)                                                                                            \
    X(wrong_domain)                                                                                               \
    X(two_threads)                                                                                                \
    X(two_threads_in_a_report)                                                                                    \
    X(strict_leak)                                                                                                \
    X(dead_handle)

#define DECLARE_CASE(name) extern const misuse_case case_##name;
FOR_CASES(DECLARE_CASE)

#endif
