/* A small stand-in for Criterion, for where that can't run: under an emulator, against musl, under ThreadSanitizer
 * or Valgrind. It has what this project's tests use, by the same names, and nothing else. Like Criterion it runs
 * each test in a process of its own; unlike it, one after the other, and always with TAP output. */
#ifndef FI_TESTS_SUPPORT_PLAIN_CRITERION_H
#define FI_TESTS_SUPPORT_PLAIN_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What may be said of a test, or of a suite, after its name. */
typedef struct plain_options {
    void (*init)(void);
    void (*fini)(void);
    int signal;     /* that must end it; 0: none may */
    int exit_code;  /* it must end with */
    double timeout; /* in seconds; 0: none */
    bool disabled;
    const char *description;
    int end_of_list; /* lets an empty list of options be written */
} plain_options;

typedef struct plain_suite {
    const char *name;
    plain_options options;
    struct plain_suite *next;
} plain_suite;

typedef struct plain_test {
    const char *suite, *name;
    void (*body)(void);
    plain_options options;
    struct plain_test *next;
} plain_test;

/* Called before main. */
void plain_add_suite(plain_suite *suite);
void plain_add_test(plain_test *test);

/* End the test's process. `message` is a format, or NULL; what comes behind its arguments is ignored. */
_Noreturn void plain_fail(const char *file, int line, const char *what, const char *message, ...);
_Noreturn void plain_skip(const char *reason, ...);

/* ---- tests ---- */

#define TestSuite(...) PLAIN_SUITE(__VA_ARGS__, .end_of_list = 0)

#define PLAIN_SUITE(suite_, ...)                                                                                  \
    static plain_suite plain_suite_##suite_ = {.name = #suite_, .options = {__VA_ARGS__}};                        \
    __attribute__((constructor)) static void plain_add_suite_##suite_(void) {                                     \
        plain_add_suite(&plain_suite_##suite_);                                                                   \
    }                                                                                                             \
    struct plain_suite_needs_a_semicolon

#define Test(...) PLAIN_TEST(__VA_ARGS__, .end_of_list = 0)

#define PLAIN_TEST(suite_, name_, ...)                                                                            \
    static void suite_##_##name_##_body(void);                                                                    \
    static plain_test suite_##_##name_##_test = {                                                                 \
        .suite = #suite_, .name = #name_, .body = suite_##_##name_##_body, .options = {__VA_ARGS__}};             \
    __attribute__((constructor)) static void suite_##_##name_##_add(void) {                                       \
        plain_add_test(&suite_##_##name_##_test);                                                                 \
    }                                                                                                             \
    static void suite_##_##name_##_body(void)

/* ---- assertions: after the arguments there may be a format and what it takes ---- */

#define PLAIN_CHECK(holds, what, ...)                                                                             \
    do {                                                                                                          \
        if (!(holds))                                                                                             \
            plain_fail(__FILE__, __LINE__, what, __VA_ARGS__);                                                    \
    } while (false)

#define PLAIN_TRUE(condition, ...) PLAIN_CHECK(condition, #condition, __VA_ARGS__)
#define PLAIN_FALSE(condition, ...) PLAIN_CHECK(!(condition), "not " #condition, __VA_ARGS__)
#define PLAIN_NULL(p, ...) PLAIN_CHECK((p) == NULL, #p " is NULL", __VA_ARGS__)
#define PLAIN_NOT_NULL(p, ...) PLAIN_CHECK((p) != NULL, #p " is not NULL", __VA_ARGS__)
#define PLAIN_RELATION(relation, a, b, ...) PLAIN_CHECK((a)relation(b), #a " " #relation " " #b, __VA_ARGS__)
#define PLAIN_STRINGS(relation, a, b, ...)                                                                        \
    PLAIN_CHECK(strcmp(a, b) relation 0, #a " " #relation " " #b ", as strings", __VA_ARGS__)
#define PLAIN_EMPTY(relation, s, ...)                                                                             \
    PLAIN_CHECK(strlen(s) relation 0, "length of " #s " " #relation " 0", __VA_ARGS__)
#define PLAIN_ARRAYS(a, b, bytes, ...)                                                                            \
    PLAIN_CHECK(memcmp(a, b, bytes) == 0, #a " == " #b ", as bytes", __VA_ARGS__)

#define cr_assert(...) PLAIN_TRUE(__VA_ARGS__, NULL)
#define cr_assert_not(...) PLAIN_FALSE(__VA_ARGS__, NULL)
#define cr_assert_null(...) PLAIN_NULL(__VA_ARGS__, NULL)
#define cr_assert_not_null(...) PLAIN_NOT_NULL(__VA_ARGS__, NULL)
#define cr_assert_eq(...) PLAIN_RELATION(==, __VA_ARGS__, NULL)
#define cr_assert_neq(...) PLAIN_RELATION(!=, __VA_ARGS__, NULL)
#define cr_assert_lt(...) PLAIN_RELATION(<, __VA_ARGS__, NULL)
#define cr_assert_leq(...) PLAIN_RELATION(<=, __VA_ARGS__, NULL)
#define cr_assert_gt(...) PLAIN_RELATION(>, __VA_ARGS__, NULL)
#define cr_assert_geq(...) PLAIN_RELATION(>=, __VA_ARGS__, NULL)
#define cr_assert_str_eq(...) PLAIN_STRINGS(==, __VA_ARGS__, NULL)
#define cr_assert_str_neq(...) PLAIN_STRINGS(!=, __VA_ARGS__, NULL)
#define cr_assert_str_empty(...) PLAIN_EMPTY(==, __VA_ARGS__, NULL)
#define cr_assert_str_not_empty(...) PLAIN_EMPTY(!=, __VA_ARGS__, NULL)
#define cr_assert_arr_eq(...) PLAIN_ARRAYS(__VA_ARGS__, NULL)
#define cr_assert_fail(...) PLAIN_CHECK(false, "this is not reached", __VA_ARGS__, NULL)
#define cr_skip_test(...) plain_skip(__VA_ARGS__, NULL)

#endif
