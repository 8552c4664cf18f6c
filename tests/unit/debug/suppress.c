/* debug/suppress: what LeakSanitizer would suppress is suppressed, and type tags can be, too. */
#include "debug/suppress.h"

#include "fief/debug.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/tracer.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(suppress, .init = fi_os_init);

static const char *const strings[] = {"foobar", "foo", "barfoo", "foofoo", "", "a.c", "x"};
enum { STRINGS = sizeof strings / sizeof *strings };

/* Which of the strings a pattern matches, as a letter each. */
static void assert_matches(const char *pattern, const char *wanted) {
    char got[STRINGS + 1] = "";
    for (unsigned i = 0; i < STRINGS; i++)
        got[i] = fi_suppress_matches(pattern, strings[i]) ? 'y' : '-';
    cr_assert_str_eq(got, wanted, "%s: %s, wanted %s", pattern, got, wanted);
}

Test(suppress, a_pattern_is_found_anywhere) {
    assert_matches("foo", "yyyy---");
    assert_matches("oba", "y------");
    assert_matches("bar", "y-y----");
    assert_matches("nothing", "-------");
    assert_matches(".c", "-----y-");
}

Test(suppress, an_empty_pattern_matches_all_but_the_empty_string) {
    assert_matches("", "yyyy-yy");
    assert_matches("^", "yyyy-yy");
    assert_matches("*", "yyyy-yy");
    assert_matches("**", "yyyy-yy");
    assert_matches("*$", "yyyy-yy");
    assert_matches("^*$", "yyyy-yy");
    assert_matches("$", "-------");
    assert_matches("^$", "-------");
}

Test(suppress, a_caret_is_the_start) {
    assert_matches("^foo", "yy-y---");
    assert_matches("^bar", "--y----");
    assert_matches("^*bar", "y-y----");
    assert_matches("f^o", "-------");
    cr_assert(fi_suppress_matches("a^b", "xa^b"));
}

Test(suppress, a_dollar_is_the_end) {
    assert_matches("foo$", "-yyy---");
    assert_matches("bar$", "y------");
    assert_matches("^foo$", "-y-----");
    assert_matches("^foofoo$", "---y---");
    assert_matches("foo*$", "yyyy---");
    assert_matches("*foo$", "-yyy---");
    assert_matches("foo$bar", "-yyy---"); /* what stands behind it is nothing */
}

Test(suppress, a_star_is_anything) {
    assert_matches("f*r", "y------");
    assert_matches("foo*foo", "---y---");
    assert_matches("^f*o$", "-y-y---");
    assert_matches("b*f*o", "--y----");
    assert_matches("o*f", "---y---");
    assert_matches("o**b", "y------");
    assert_matches("^f*b*r$", "y------");
    assert_matches("*a.*", "-----y-");
    assert_matches("foo*bar*", "y------");
    cr_assert_not(fi_suppress_matches("^ab*ba$", "aba")); /* no letter counts twice */
    cr_assert(fi_suppress_matches("^ab*ba$", "abba"));
}

/* ---- rules ---- */

static const fi_frame in_foo[] = {{.function = "alloc", .file = "", .module = "/lib/libc.so.6"},
                                  {.function = "foo", .file = "src/foo.c", .module = "/usr/bin/app"},
                                  {.function = NULL}};
static const fi_frame in_lua[] = {{.function = "script.lua:12: in function 'go'", .file = "", .module = ""},
                                  {.function = NULL}};
enum { NO_TRACE, IN_FOO, IN_LUA };

static void set_traces(void) {
    test_traces[IN_FOO] = in_foo;
    test_traces[IN_LUA] = in_lua;
}

static void add(const char *text) {
    set_traces();
    cr_assert(fi_suppress_add(text, strlen(text)));
}

static void assert_covers(fi_trace trace, const char *tag, bool wanted) {
    cr_assert_eq(fi_suppress_covers(trace, tag), wanted, "trace %u, tag \"%s\"", trace, tag);
}

Test(suppress, without_rules_nothing_is_and_no_trace_is_looked_at) {
    set_traces();
    assert_covers(IN_FOO, "tuple", false);
    assert_equal(traces_told, 0);
    assert_equal(fi_suppress_version(), 0);
}

Test(suppress, functions_files_and_modules_are_looked_at) {
    static const char *const rules[] = {"leak:foo\n", "leak:^foo$\n", "leak:foo.c$",
                                        "leak:^src/", "leak:libc",    "leak:bin/*p$"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        pid_t child = fork(); /* rules are never taken back */
        if (child == 0) {
            add(rules[i]);
            _exit(fi_suppress_covers(IN_FOO, "") && !fi_suppress_covers(IN_LUA, "") ? 0 : 1);
        }
        int state;
        waitpid(child, &state, 0);
        cr_assert_eq(state, 0, "%s", rules[i]);
    }
}

Test(suppress, frames_of_a_runtime_are_looked_at) {
    add("leak:script.lua:12");
    assert_covers(IN_LUA, "", true);
    assert_covers(IN_FOO, "", false);
}

Test(suppress, tags_have_rules_of_their_own) {
    add("tag:^tup\n");
    assert_covers(NO_TRACE, "tuple", true);
    assert_covers(IN_FOO, "tuple", true);
    assert_covers(IN_FOO, "list", false);
    assert_covers(IN_FOO, "", false);
    assert_equal(traces_told, 0);
    add("leak:tuple");
    assert_covers(NO_TRACE, "list", false);
    assert_covers(IN_FOO, "foo", false);
}

Test(suppress, what_is_unknown_is_not_covered) {
    add("leak:\ntag:\n"); /* everything, but what has no name */
    assert_covers(NO_TRACE, "", false);
    assert_covers(IN_FOO, "", true);
    assert_covers(NO_TRACE, "x", true);
}

Test(suppress, lines_are_read_as_leak_sanitizer_does) {
    add("# leak:foo\n"
        "\n"
        "   \t \r\n"
        "race:foo\n"
        "leak foo\n"
        "Leak:foo\n"
        "leaks:foo\n"
        "xleak:foo\n"
        "leak: foo\n" /* the blank is the pattern's */
        "tag\n"
        ":\n"
        "called_from_lib:libc\n");
    assert_covers(IN_FOO, "foo", false);
    assert_covers(IN_LUA, "foo", false);
    add(" \tleak:^src/foo.c$ \t\r\n");
    assert_covers(IN_FOO, "", true);
    assert_covers(IN_LUA, "", false);
}

Test(suppress, the_last_line_needs_no_end) {
    add("leak:nothing\nleak:foo");
    assert_covers(IN_FOO, "", true);
}

Test(suppress, a_zero_ends_the_text) {
    static const char text[] = "leak:foo\0leak:script\n";
    set_traces();
    cr_assert(fi_suppress_add(text, sizeof text - 1));
    assert_covers(IN_FOO, "", true);
    assert_covers(IN_LUA, "", false);
    static const char cut[] = "tag:lis\0t";
    cr_assert(fi_suppress_add(cut, 6)); /* no further than it is said to be */
    assert_covers(NO_TRACE, "li", true);
}

Test(suppress, texts_add_up) {
    add("leak:foo");
    uint32_t version = fi_suppress_version();
    assert_covers(IN_LUA, "", false);
    add("# nothing");
    assert_equal(fi_suppress_version(), version);
    add("leak:script");
    cr_assert_neq(fi_suppress_version(), version);
    assert_covers(IN_LUA, "", true);
    assert_covers(IN_FOO, "", true);
}

Test(suppress, exhaustion_adds_nothing) {
    static char long_text[100000];
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text, "leak:foo\n", 9);
    set_traces();
    for (unsigned nth = 1; nth <= 2; nth++) {
        fi_os_fail_at(nth);
        cr_assert_not(fi_suppress_add(long_text, sizeof long_text));
        assert_covers(IN_FOO, "", false);
    }
    cr_assert(fi_suppress_add(long_text, sizeof long_text));
    assert_covers(IN_FOO, "", true);
}

enum { THREADS = 4, TEXTS = 100 };

static void *add_some(void *number) {
    char text[64];
    for (unsigned i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof text, "tag:^%zu.%u$", (size_t)number, i);
        bool added = fi_suppress_add(text, strlen(text));
        cr_assert(added);
    }
    return NULL;
}

Test(suppress, threads_lose_no_rule) {
    pthread_t threads[THREADS];
    for (size_t t = 0; t < THREADS; t++)
        cr_assert_eq(pthread_create(&threads[t], NULL, add_some, (void *)t), 0);
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    assert_equal(fi_suppress_version(), THREADS * TEXTS);
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < TEXTS; i++) {
            char tag[32];
            snprintf(tag, sizeof tag, "%u.%u", t, i);
            assert_covers(NO_TRACE, tag, true);
        }
}

/* ---- the verbs ---- */

Test(suppress, texts_and_files_can_be_given) {
    set_traces();
    cr_assert_eq(fief_leaks_suppress(NULL), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_leaks_suppress_file(NULL), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_leaks_suppress_file("/nowhere/at/all"), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_leaks_suppress(""), FIEF_OK);
    assert_covers(IN_FOO, "", false);
    cr_assert_eq(fief_leaks_suppress("leak:foo"), FIEF_OK);
    assert_covers(IN_FOO, "", true);
    assert_covers(IN_LUA, "", false);

    char path[] = "/tmp/fief-suppress-XXXXXX";
    int file = mkstemp(path);
    cr_assert_eq(write(file, "# ours\r\nleak:script\r\n", 21), 21);
    close(file);
    cr_assert_eq(fief_leaks_suppress_file(path), FIEF_OK);
    assert_covers(IN_LUA, "", true);
    remove(path);
}

Test(suppress, a_file_that_no_memory_is_left_for_is_not_taken) {
    cr_assert_eq(fief_leaks_suppress(""), FIEF_OK);
    char path[] = "/tmp/fief-suppress-XXXXXX";
    int file = mkstemp(path);
    cr_assert_eq(write(file, "leak:foo", 8), 8);
    close(file);
    for (unsigned nth = 1; nth <= 2; nth++) {
        fi_os_fail_at(nth);
        cr_assert_eq(fief_leaks_suppress_file(path), FIEF_NO_MEMORY);
    }
    assert_equal(fi_suppress_version(), 0);
    remove(path);
}
