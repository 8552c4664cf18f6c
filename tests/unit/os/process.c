/* os: threads' numbers, the environment, files that are appended to, faults. */
#include "os/os.h"
#include "support/child.h"
#include "support/compare.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* ---- threads ---- */

static void *ask(void *arg) {
    *(uint64_t *)arg = fi_os_thread_id();
    return NULL;
}

Test(process, each_thread_has_the_systems_number) {
    uint64_t mine = fi_os_thread_id(), others = 0;
    assert_equal(mine, syscall(SYS_gettid));
    pthread_t thread;
    pthread_create(&thread, NULL, ask, &others);
    pthread_join(thread, NULL);
    cr_assert(others != 0 && others != mine);
    assert_equal(fi_os_thread_id(), mine);
}

static int compare_ids(void *arg) {
    uint64_t parents = *(const uint64_t *)arg;
    return fi_os_thread_id() == (uint64_t)syscall(SYS_gettid) && fi_os_thread_id() != parents ? 0 : 1;
}

Test(process, a_forked_child_is_another_thread) {
    uint64_t mine = fi_os_thread_id();
    assert_returned(run_in_child(compare_ids, &mine));
    assert_equal(fi_os_thread_id(), mine);
}

/* ---- the environment ---- */

Test(process, a_setting_is_what_the_environment_says) {
    unsetenv("FIEF_TEST_SETTING");
    cr_assert_null(fi_os_setting("FIEF_TEST_SETTING"));
    setenv("FIEF_TEST_SETTING", "some text", 1);
    cr_assert_str_eq(fi_os_setting("FIEF_TEST_SETTING"), "some text");
}

/* ---- files ---- */

Test(process, a_file_is_made_and_appended_to) {
    char path[] = "/tmp/fief-append-XXXXXX", text[32] = "";
    int file = mkstemp(path);
    cr_assert_neq(file, -1);
    unlink(path);
    close(file);
    cr_assert(fi_os_append_file(path, "one ", 4));
    cr_assert(fi_os_append_file(path, "two", 3));
    FILE *made = fopen(path, "r");
    cr_assert_not_null(made);
    cr_assert_not_null(fgets(text, sizeof text, made));
    cr_assert_str_eq(text, "one two");
    fclose(made);
    unlink(path);
}

Test(process, a_file_that_can_not_be_written_is_said_to_be_none) {
    errno = 17;
    cr_assert_not(fi_os_append_file("/there/is/no/such/folder/file", "text", 4));
    assert_equal(errno, 17);
}

/* ---- stops and faults ---- */

static int stop(void *arg) {
    (void)arg;
    fi_os_stop();
    return 0;
}

Test(process, a_stop_is_a_trap) {
    assert_equal(run_in_child(stop, NULL).signal, SIGTRAP);
}

static char *volatile forbidden;
static volatile unsigned met;

/* The second access in a row is let through. */
static bool meet(const fi_fault *fault) {
    met++;
    return fault->address == forbidden + 5 && fi_os_commit(forbidden, fi_os_page_bytes());
}

static bool concerns(const fi_fault *fault) {
    return fault != NULL;
}

static int touch_forbidden(void *arg) {
    fi_os_init();
    size_t page = fi_os_page_bytes();
    forbidden = fi_os_reserve(page, page);
    if (!fi_os_catch_faults(concerns, meet) || !fi_os_catch_faults(concerns, meet))
        return 1;
    ((volatile char *)forbidden)[5] = 42;
    if (met != 1 || forbidden[5] != 42 || !fi_os_forbid(forbidden, page))
        return 2;
    if (arg != NULL)
        ((volatile char *)forbidden)[6] = 1;
    return 0;
}

Test(process, a_fault_that_is_settled_is_tried_again) {
    assert_returned(run_in_child(touch_forbidden, NULL));
}

Test(process, a_fault_that_is_not_settled_ends_the_program) {
    assert_equal(run_in_child(touch_forbidden, (void *)(uintptr_t)&met).signal, SIGSEGV);
}

static int send_itself(void *arg) {
    (void)arg;
    fi_os_init();
    if (!fi_os_catch_faults(concerns, meet))
        return 1;
    raise(SIGSEGV);
    raise(SIGSEGV); /* the first put the default back */
    return 0;
}

Test(process, a_signal_that_somebody_sent_is_not_met) {
    assert_equal(run_in_child(send_itself, NULL).signal, SIGSEGV);
    assert_equal(met, 0);
}
