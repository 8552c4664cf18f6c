/* The stand-in for Criterion must not pass what should fail: each test of the suite `wrong` has to come out as not
 * ok, and each of the suite `right` as ok. meson.build runs every wrong one by itself. */
#include <criterion/criterion.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- right ---- */

static int prepared;

static void prepare(void) {
    prepared = 1;
}

static void prepare_otherwise(void) {
    prepared = 2;
}

TestSuite(right, .init = prepare);

Test(right, what_holds_passes) {
    int one = 1, *nothing = NULL;
    cr_assert(one);
    cr_assert(one == 1, "with %s", "a message");
    cr_assert_not(one == 2);
    cr_assert_null(nothing);
    cr_assert_not_null(&one, "with %d", one);
    cr_assert_eq(one, 1);
    cr_assert_neq(one, 2);
    cr_assert_lt(one, 2);
    cr_assert_leq(one, 1);
    cr_assert_gt(one, 0);
    cr_assert_geq(one, 1);
    cr_assert_str_eq("a", "a");
    cr_assert_str_neq("a", "b");
    cr_assert_str_empty("");
    cr_assert_str_not_empty("a");
    cr_assert_arr_eq("ab", "ac", 1);
}

Test(right, a_suite_prepares) {
    cr_assert_eq(prepared, 1);
}

Test(right, a_test_prepares_otherwise, .init = prepare_otherwise) {
    cr_assert_eq(prepared, 2);
}

Test(right, a_signal_that_is_expected, .signal = SIGABRT) {
    abort();
}

Test(right, a_status_that_is_expected, .exit_code = 7) {
    exit(7);
}

Test(right, a_test_that_is_skipped) {
    cr_skip_test("for %s", "a reason");
}

Test(right, a_test_that_is_disabled, .disabled = true) {
    cr_assert_fail("it was run");
}

Test(right, a_test_has_a_process_of_its_own) {
    cr_assert_eq(prepared, 1);
    prepared = 3;
}

/* ---- wrong ---- */

Test(wrong, an_assertion_that_fails) {
    cr_assert(prepared == 5, "it is %d,\nwhich takes two lines", prepared);
}

Test(wrong, numbers_that_differ) {
    cr_assert_eq(1, 2);
}

Test(wrong, strings_that_differ) {
    cr_assert_str_eq("a", "b");
}

Test(wrong, a_pointer_that_is_null) {
    cr_assert_not_null(prepared == 0 ? NULL : &prepared);
}

Test(wrong, what_is_not_reached) {
    cr_assert_fail("here");
}

Test(wrong, an_abort_that_nobody_expects) {
    abort();
}

Test(wrong, a_crash) {
    raise(SIGSEGV);
}

Test(wrong, a_signal_that_does_not_come, .signal = SIGABRT) {
}

Test(wrong, another_signal_than_expected, .signal = SIGABRT) {
    raise(SIGTERM);
}

Test(wrong, an_assertion_that_fails_where_a_signal_is_expected, .signal = SIGABRT) {
    cr_assert(false);
}

Test(wrong, a_status_that_nobody_expects) {
    exit(3);
}

Test(wrong, another_status_than_expected, .exit_code = 7) {
    exit(8);
}

Test(wrong, a_test_that_ends_the_process_halfway) {
    exit(0);
}

Test(wrong, a_test_that_never_ends, .timeout = 0.5) {
    for (;;)
        pause();
}

Test(wrong, an_assertion_that_fails_in_a_child) {
    pid_t child = fork();
    if (child == 0)
        cr_assert(false, "the child says so");
    waitpid(child, NULL, 0);
}
