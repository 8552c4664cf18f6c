/* debug/conf: what FIEF_CONF says is what is set; what it says wrongly is told, and harms nothing else. */
#include "debug/conf.h"

#include "support/child.h"
#include "support/compare.h"
#include "support/random.h"

#include <stdio.h>

static const char *const kinds[FIEF_MISUSE_COUNT] = {
    [FIEF_MISUSE_FOREIGN_FREE] = "foreign free",
    [FIEF_MISUSE_FOREIGN_REALLOC] = "foreign realloc",
    [FIEF_MISUSE_LATE_FREE] = "late free",
    [FIEF_MISUSE_DOUBLE_FREE] = "double free",
    [FIEF_MISUSE_INTERIOR] = "interior pointer",
    [FIEF_MISUSE_WRITE_AFTER_FREE] = "write after free",
    [FIEF_MISUSE_WILD] = "",
};

static const char *kind_name(fief_misuse kind) {
    return kinds[kind];
}

/* What was told, one after the other. */
static char told[4096];
static size_t told_bytes;

static void hear(const char *text, size_t bytes, void *arg) {
    cr_assert_eq(arg, &told_bytes);
    cr_assert_lt(told_bytes + bytes, sizeof told);
    memcpy(told + told_bytes, text, bytes);
    told_bytes += bytes;
    told[told_bytes] = '\0';
}

static fi_conf conf;

static size_t parse(const char *text) {
    told_bytes = 0;
    told[0] = '\0';
    memset(&conf, 0x55, sizeof conf);
    return fi_conf_parse(&conf, text, kind_name, hear, &told_bytes);
}

static void assert_good(const char *text) {
    size_t warnings = parse(text);
    cr_assert_eq(warnings, 0, "%s: %s", text, told);
}

/* One warning, and nothing set. */
static void assert_told(const char *text, const char *warning) {
    assert_equal(parse(text), 1);
    cr_assert_str_eq(told, warning);
    assert_equal(conf.given, 0);
}

Test(conf, nothing_said_is_nothing_given) {
    const char *const texts[] = {"", ",", " , ,, ", "\t\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_good(texts[i]);
        assert_equal(conf.given, 0);
        assert_equal(conf.quarantine_bytes, 0);
        assert_equal(conf.on_kind[FIEF_MISUSE_DOUBLE_FREE], FIEF_POLICY_DEFAULT);
        cr_assert_str_empty(conf.json);
    }
}

Test(conf, every_key_sets_its_field) {
    assert_good("debug:full,quarantine:64M,sample:1000,guarded:16,guard_align:left,frames:32,on_foreign:abort,"
                "on_misuse:report,leaks:1,on_leak:strict,suppressions:/etc/leaks.supp,json:stderr,"
                "text:/tmp/reports,break:77,"
                "symbols:1,tools:1");
    assert_equal(conf.given, (1U << FI_CONF_KEYS) - 1);
    assert_equal(conf.debug, 2);
    assert_equal(conf.quarantine_bytes, 64 << 20);
    assert_equal(conf.sample, 1000);
    assert_equal(conf.guarded, 16);
    assert_equal(conf.guard_align, 1);
    assert_equal(conf.frames, 32);
    assert_equal(conf.on_foreign, FIEF_POLICY_ABORT);
    assert_equal(conf.on_misuse, FIEF_POLICY_REPORT);
    assert_equal(conf.leaks, 1);
    assert_equal(conf.on_leak, 2);
    cr_assert_str_eq(conf.suppressions, "/etc/leaks.supp");
    cr_assert_str_eq(conf.json, "stderr");
    cr_assert_str_eq(conf.text, "/tmp/reports");
    assert_equal(conf.break_serial, 77);
    assert_equal(conf.symbols, 1);
    assert_equal(conf.tools, 1);
}

Test(conf, a_zero_that_was_given_is_told_from_one_that_was_not) {
    assert_good("debug:off,leaks:0,sample:0");
    cr_assert(fi_conf_gives(&conf, FI_CONF_DEBUG));
    cr_assert(fi_conf_gives(&conf, FI_CONF_LEAKS));
    cr_assert(fi_conf_gives(&conf, FI_CONF_SAMPLE));
    cr_assert_not(fi_conf_gives(&conf, FI_CONF_FRAMES));
}

Test(conf, choices_have_the_numbers_that_the_headers_give_them) {
    static const char *const levels[] = {"off", "check", "full", "guard"};
    static const char *const ends[] = {"force", "keep", "strict"};
    char text[64];
    for (unsigned i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "debug:%s", levels[i]);
        assert_good(text);
        assert_equal(conf.debug, i);
    }
    for (unsigned i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "on_leak:%s", ends[i]);
        assert_good(text);
        assert_equal(conf.on_leak, i);
    }
    assert_good("on_foreign:route");
    assert_equal(conf.on_foreign, FIEF_POLICY_ROUTE);
    assert_good("on_foreign:report");
    assert_equal(conf.on_foreign, FIEF_POLICY_REPORT);
    assert_good("on_foreign:ignore,on_misuse:ignore");
    assert_equal(conf.on_foreign, FIEF_POLICY_IGNORE);
    assert_equal(conf.on_misuse, FIEF_POLICY_IGNORE);
}

Test(conf, each_kind_of_misuse_is_a_key) {
    assert_good("on_double_free:report,on_foreign_free:route,on_foreign_realloc:ignore,on_interior_pointer:abort,"
                "on_write_after_free:ignore");
    assert_equal(conf.on_kind[FIEF_MISUSE_DOUBLE_FREE], FIEF_POLICY_REPORT);
    assert_equal(conf.on_kind[FIEF_MISUSE_FOREIGN_FREE], FIEF_POLICY_ROUTE);
    assert_equal(conf.on_kind[FIEF_MISUSE_FOREIGN_REALLOC], FIEF_POLICY_IGNORE);
    assert_equal(conf.on_kind[FIEF_MISUSE_INTERIOR], FIEF_POLICY_ABORT);
    assert_equal(conf.on_kind[FIEF_MISUSE_WRITE_AFTER_FREE], FIEF_POLICY_IGNORE);
    assert_equal(conf.on_kind[FIEF_MISUSE_LATE_FREE], FIEF_POLICY_DEFAULT);
    assert_equal(conf.given, 1 << FI_CONF_ON_KIND);
}

Test(conf, blanks_and_empty_items_mean_nothing) {
    assert_good(" debug : full ,,\tframes:\t8 ,\n leaks :1, ");
    assert_equal(conf.debug, 2);
    assert_equal(conf.frames, 8);
    assert_equal(conf.leaks, 1);
}

Test(conf, the_last_good_value_counts) {
    assert_good("frames:8,frames:9");
    assert_equal(conf.frames, 9);
    assert_equal(parse("frames:8,frames:99"), 1);
    assert_equal(conf.frames, 8);
}

Test(conf, a_value_may_contain_colons_and_blanks) {
    assert_good("json:/tmp/a:b c:d.json");
    cr_assert_str_eq(conf.json, "/tmp/a:b c:d.json");
}

Test(conf, sizes_have_suffixes) {
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {{"0", 0},
                 {"1", 1},
                 {"4096", 4096},
                 {"1K", 1024},
                 {"3k", 3072},
                 {"64M", UINT64_C(64) << 20},
                 {"2G", UINT64_C(2) << 30},
                 {"8589934591G", UINT64_C(8589934591) << 30},
                 {"9223372036854775807", INT64_MAX}};
    char text[64];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(text, sizeof text, "quarantine:%s", sizes[i].text);
        assert_good(text);
        assert_equal(conf.quarantine_bytes, sizes[i].bytes);
    }
}

Test(conf, what_is_no_number_is_told) {
    static const char *const wrong[] = {
        "sample:",    "sample:-1", "sample:+1",      "sample:1x",     "sample:0x10", "sample:1K",
        "sample:1 0", "frames:0",  "frames:65",      "quarantine:K",  "quarantine:", "quarantine:1T",
        "break:1.5",  "frames:-",  "quarantine:1KK", "quarantine:-1", "guarded:ten", "sample:1:2",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_equal(parse(wrong[i]), 1);
        assert_equal(conf.given, 0);
    }
}

Test(conf, numbers_do_not_wrap) {
    assert_good("sample:18446744073709551615");
    assert_equal(conf.sample, UINT64_MAX);
    assert_equal(parse("sample:18446744073709551616"), 1);
    assert_equal(parse("sample:99999999999999999999999"), 1);
    assert_equal(parse("quarantine:9223372036854775808"), 1);
    assert_equal(parse("quarantine:8589934592G"), 1);
    assert_equal(parse("quarantine:18014398509481984K"), 1);
    assert_equal(conf.quarantine_bytes, 0);
}

Test(conf, warnings_say_what_would_be_right) {
    assert_told("foo:1", "fief: FIEF_CONF: unknown key \"foo\"\n");
    assert_told("Debug:full", "fief: FIEF_CONF: unknown key \"Debug\"\n");
    assert_told("debug", "fief: FIEF_CONF: no value for \"debug\"\n");
    assert_told(":full", "fief: FIEF_CONF: unknown key \"\"\n");
    assert_told("debug:max", "fief: FIEF_CONF: debug is \"max\", and should be off, check, full or guard\n");
    assert_told("debug:", "fief: FIEF_CONF: debug is \"\", and should be off, check, full or guard\n");
    assert_told("frames:65", "fief: FIEF_CONF: frames is \"65\", and should be a number from 1 to 64\n");
    assert_told("sample:x", "fief: FIEF_CONF: sample is \"x\", and should be a number\n");
    assert_told("quarantine:big", "fief: FIEF_CONF: quarantine is \"big\", and should be a size, as in 64M\n");
    assert_told("json:", "fief: FIEF_CONF: json is \"\", and should be a path of less than 1024 bytes\n");
    assert_told("on_misuse:route",
                "fief: FIEF_CONF: on_misuse is \"route\", and should be abort, report or ignore\n");
    assert_told("on_double_free:route",
                "fief: FIEF_CONF: on_double_free is \"route\", and should be abort, report or ignore\n");
    assert_told("on_foreign_free:force",
                "fief: FIEF_CONF: on_foreign_free is \"force\", and should be abort, report, route or ignore\n");
    assert_told("on_:abort", "fief: FIEF_CONF: unknown key \"on_\"\n");
    assert_told("on_nothing:abort", "fief: FIEF_CONF: unknown key \"on_nothing\"\n");
    assert_told("off|check:1", "fief: FIEF_CONF: unknown key \"off|check\"\n");
    assert_told("debug:off|check",
                "fief: FIEF_CONF: debug is \"off|check\", and should be off, check, full or guard\n");
    assert_told("\x1b[31m\xff\":1", "fief: FIEF_CONF: unknown key \"\\u001b[31m\\ufffd\\\"\"\n");
}

Test(conf, what_is_wrong_harms_nothing_else) {
    assert_equal(parse("debug:full,foo:1,frames:x,leaks:1"), 2);
    assert_equal(conf.debug, 2);
    assert_equal(conf.leaks, 1);
    assert_equal(conf.frames, 0);
}

Test(conf, a_path_is_whole_or_not_taken) {
    static char text[FI_CONF_PATH_BYTES + 16] = "json:";
    memset(text + 5, 'p', FI_CONF_PATH_BYTES - 1);
    assert_good(text);
    assert_equal(strlen(conf.json), FI_CONF_PATH_BYTES - 1);
    text[5 + FI_CONF_PATH_BYTES - 1] = 'p';
    assert_equal(parse(text), 1);
    cr_assert_str_empty(conf.json);
}

static int parse_to_stderr(void *arg) {
    (void)arg;
    return fi_conf_parse(&conf, "foo:1,leaks:2", kind_name, NULL, NULL) == 2 ? 0 : 1;
}

Test(conf, warnings_go_to_stderr_by_themselves) {
    child_end end = run_in_child(parse_to_stderr, NULL);
    assert_returned(end);
    cr_assert_str_eq(end.said, "fief: FIEF_CONF: unknown key \"foo\"\n"
                               "fief: FIEF_CONF: leaks is \"2\", and should be 0 or 1\n");
}

/* ---- anything ---- */

static void count(const char *text, size_t bytes, void *arg) {
    cr_assert(bytes > 0 && text[bytes - 1] == '\n' && memchr(text, '\n', bytes - 1) == NULL);
    ++*(size_t *)arg;
}

/* Words that mean something, with bytes that don't between them. Each text lies in a block of its own length, so
 * that a sanitizer sees a step beyond it. */
Test(conf, random_texts_are_told_of_and_never_crash) {
    static const char *const words[] = {
        "debug",  "full", ":",       ",",    "quarantine", "64M",    "on_",
        "double", "_",    "free",    "json", "|",          "frames", "18446744073709551615",
        "0",      " ",    "on_leak", "keep", "sample",     "K",      "\xC3"};
    enum { WORDS = sizeof words / sizeof *words, TEXTS = 100000 };
    random_source rng = random_seeded(7);
    for (unsigned i = 0; i < TEXTS; i++) {
        char text[512] = "";
        size_t length = 0;
        for (size_t parts = random_below(&rng, 16); parts > 0; parts--) {
            char byte[2] = {(char)(1 + random_below(&rng, 255)), '\0'};
            const char *part = random_below(&rng, 4) == 0 ? byte : words[random_below(&rng, WORDS)];
            memcpy(text + length, part, strlen(part) + 1);
            length += strlen(part);
        }
        char *exact = malloc(length + 1);
        memcpy(exact, text, length + 1);
        size_t heard = 0;
        size_t warnings = fi_conf_parse(&conf, exact, kind_name, count, &heard);
        assert_equal(heard, warnings);
        free(exact);
    }
}
