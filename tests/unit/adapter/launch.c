/* adapter/launch: what FIEF_RUN says is what a library under a program does; what it says wrongly is told, and
 * harms nothing else. */
#include "adapter/launch.h"

#include "support/child.h"
#include "support/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const fi_launch *read_of(const char *text) {
    setenv("FIEF_RUN", text, 1);
    return fi_launch_get();
}

Test(launch, nothing_said_is_nothing_asked) {
    unsetenv("FIEF_RUN");
    const fi_launch *l = fi_launch_get();
    assert_equal(l->limit_bytes, 0);
    cr_assert_str_eq(l->report, "");
    cr_assert_not(l->stats || l->check || l->leaks);
    cr_assert_null(fi_launch_report_fn());
}

Test(launch, all_that_can_be_asked) {
    const fi_launch *l = read_of("limit:64M,report:/tmp/a folder/b:c.txt,stats:1,check:1,leaks:1");
    assert_equal(l->limit_bytes, 64 << 20);
    cr_assert_str_eq(l->report, "/tmp/a folder/b:c.txt");
    cr_assert(l->stats && l->check && l->leaks);
    cr_assert_eq(fi_launch_report_fn(), fi_launch_report);
}

Test(launch, read_once) {
    assert_equal(read_of(",limit:1K,,stats:1,stats:0,")->limit_bytes, 1 << 10);
    cr_assert_not(read_of("limit:2K,stats:1")->stats);
    assert_equal(fi_launch_get()->limit_bytes, 1 << 10);
}

/* As in a dynamic linker that allocates before the C library has begun. */
Test(launch, no_environment_yet_is_not_an_empty_one) {
    setenv("FIEF_RUN", "limit:7", 1);
    char **kept = environ;
    environ = NULL;
    size_t before = fi_launch_get()->limit_bytes;
    environ = kept;
    assert_equal(before, 0);
    assert_equal(fi_launch_get()->limit_bytes, 7);
}

/* ---- values, each read by a process of its own ---- */

typedef struct size_case {
    const char *item;
    size_t bytes; /* SIZE_MAX: none */
} size_case;

static int check_size(void *arg) {
    const size_case *c = arg;
    size_t read = read_of(c->item)->limit_bytes;
    return read != (c->bytes == SIZE_MAX ? 0 : c->bytes);
}

Test(launch, sizes) {
    size_case cases[] = {
        {"limit:0", 0},
        {"limit:1", 1},
        {"limit:12k", 12 << 10},
        {"limit:3G", (size_t)3 << 30},
        {"limit:9223372036854775807", PTRDIFF_MAX},
        {"limit:9223372036854775808", SIZE_MAX},
        {"limit:8589934592G", SIZE_MAX},
        {"limit:", SIZE_MAX},
        {"limit", SIZE_MAX},
        {"limit:K", SIZE_MAX},
        {"limit:-1", SIZE_MAX},
        {"limit: 1", SIZE_MAX},
        {"limit:1T", SIZE_MAX},
        {"limit:99999999999999999999999", SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        child_end end = run_in_child(check_size, &cases[i]);
        assert_returned(end);
        char warning[128] = "";
        if (cases[i].bytes == SIZE_MAX)
            snprintf(warning, sizeof warning, "fief: FIEF_RUN: not understood: \"%s\"\n", cases[i].item);
        cr_assert_str_eq(end.said, warning);
    }
}

static int check_the_rest_applies(void *arg) {
    (void)arg;
    const fi_launch *l = read_of("limt:1M,leaks:2,report:,check,stats:1");
    return !(l->limit_bytes == 0 && l->report[0] == '\0' && l->stats && !l->leaks && !l->check);
}

Test(launch, a_wrong_item_is_told_and_the_rest_applies) {
    child_end end = run_in_child(check_the_rest_applies, NULL);
    assert_returned(end);
    for (const char *const *item = (const char *const[]){"limt:1M", "leaks:2", "report:", "check", NULL};
         *item != NULL; item++) {
        char warning[128];
        snprintf(warning, sizeof warning, "fief: FIEF_RUN: not understood: \"%s\"\n", *item);
        assert_says(end, warning);
    }
}

/* `path` of `bytes` bytes is read, or not. */
static int check_path(void *arg) {
    size_t bytes = *(size_t *)arg;
    char text[FI_LAUNCH_PATH_BYTES + 16] = "report:";
    size_t before = strlen(text);
    memset(text + before, 'x', bytes);
    return strlen(read_of(text)->report) != (bytes < FI_LAUNCH_PATH_BYTES ? bytes : 0);
}

Test(launch, a_path_that_is_too_long_is_none) {
    size_t bytes = FI_LAUNCH_PATH_BYTES - 1;
    child_end longest = run_in_child(check_path, &bytes);
    assert_returned(longest);
    assert_equal(longest.said_bytes, 0);
    bytes++;
    child_end longer = run_in_child(check_path, &bytes);
    assert_returned(longer);
    assert_says(longer, "not understood");
    cr_assert_lt(longer.said_bytes, 256);
}

/* ---- telling ---- */

static void name_file(char *path, size_t room) {
    snprintf(path, room, "/tmp/fief-launch-%ld.txt", (long)getpid());
}

static void assert_file_is(const char *path, const char *text) {
    char content[256] = "";
    int file = open(path, O_RDONLY);
    cr_assert_geq(file, 0);
    cr_assert_geq(read(file, content, sizeof content - 1), 0);
    close(file);
    cr_assert_str_eq(content, text);
}

static int tell_two_reports(void *arg) {
    const char *path = arg;
    char text[256];
    snprintf(text, sizeof text, "report:%s", path);
    read_of(text);
    fief_report first = {.text = "first\n"}, second = {.text = "second\n"};
    errno = EDOM;
    fi_launch_report_fn()(&first, NULL);
    fi_launch_report_fn()(&second, NULL);
    return errno != EDOM;
}

Test(launch, reports_are_appended_to_the_file) {
    char path[64];
    name_file(path, sizeof path);
    for (int i = 0; i < 2; i++) {
        child_end end = run_in_child(tell_two_reports, path);
        assert_returned(end);
        assert_equal(end.said_bytes, 0);
    }
    assert_file_is(path, "first\nsecond\nfirst\nsecond\n");
    unlink(path);
}

static int tell_something(void *arg) {
    read_of(arg);
    errno = EDOM;
    fi_launch_tell("something\n", 10);
    return errno != EDOM;
}

Test(launch, without_a_file_it_is_stderr) {
    child_end end = run_in_child(tell_something, "stats:1");
    assert_returned(end);
    cr_assert_str_eq(end.said, "something\n");
}

/* As programs do that want to know whether all was written. */
static int tell_with_stderr_closed(void *arg) {
    read_of(arg);
    close(STDERR_FILENO);
    fi_launch_tell("at the end\n", 11);
    return 0;
}

Test(launch, what_is_wanted_at_the_end_outlives_stderr) {
    char *const wanted[] = {"stats:1", "check:1", "leaks:1"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        child_end end = run_in_child(tell_with_stderr_closed, wanted[i]);
        assert_returned(end);
        cr_assert_str_eq(end.said, "at the end\n");
    }
    child_end end = run_in_child(tell_with_stderr_closed, "limit:1M");
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
}

static int put_a_file_in_its_place(void *arg) {
    FILE *other = tmpfile();
    read_of(arg);
    close(STDERR_FILENO);
    for (int file = STDERR_FILENO + 1; file < 1024; file++)
        if (file != fileno(other) && fcntl(file, F_GETFD) >= 0)
            dup2(fileno(other), file);
    fi_launch_tell("at the end\n", 11);
    return fseek(other, 0, SEEK_END) != 0 || ftell(other) != 0;
}

Test(launch, a_file_of_the_programs_is_not_taken_for_stderr) {
    child_end end = run_in_child(put_a_file_in_its_place, "stats:1");
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
}

Test(launch, a_file_that_cannot_be_opened_loses_nothing) {
    child_end end = run_in_child(tell_something, "report:/no such folder/report.txt");
    assert_returned(end);
    cr_assert_str_eq(end.said, "something\n");
}

/* ---- threads ---- */

static void *read_limit(void *arg) {
    (void)arg;
    return (void *)fi_launch_get()->limit_bytes;
}

Test(launch, whoever_comes_first_all_see_the_same) {
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    setenv("FIEF_RUN", "limit:5M", 1);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_limit, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *limit_bytes;
        cr_assert_eq(pthread_join(threads[i], &limit_bytes), 0);
        assert_equal((uintptr_t)limit_bytes, 5 << 20);
    }
}
