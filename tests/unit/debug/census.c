/* debug/census: every block is counted once, in its group; reports say so in the order that matters, as text and
 * as JSON, whatever the names. */
#include "debug/census.h"

#include "debug/suppress.h"
#include "os/os.h"
#include "support/child.h"
#include "support/compare.h"
#include "support/json.h"
#include "support/random.h"
#include "support/sanitizer.h"
#include "support/tracer.h"

#include <pthread.h>
#include <stdio.h>

/* ---- what is told ---- */

enum { TOLD_BYTES = 1 << 20 };

static char told[TOLD_BYTES];
static size_t told_bytes, told_parts;

static void hear(const char *text, size_t bytes, void *arg) {
    cr_assert_eq(arg, told);
    cr_assert_gt(bytes, 0);
    cr_assert_lt(told_bytes + bytes, TOLD_BYTES);
    memcpy(told + told_bytes, text, bytes);
    told_bytes += bytes;
    told[told_bytes] = '\0';
    told_parts++;
}

static void forget(void) {
    told_bytes = told_parts = 0;
    told[0] = '\0';
}

static void tell(const fi_census *census, fief_format format) {
    forget();
    cr_assert(fi_census_tell(census, format, hear, told));
}

static void tell_growth(const fi_census *before, const fi_census *after, fief_format format) {
    forget();
    cr_assert(fi_census_tell_growth(before, after, format, hear, told));
}

static void assert_told(const char *wanted) {
    cr_assert_str_eq(told, wanted, "it was told:\n%s\nwanted:\n%s", told, wanted);
}

static void assert_tells(const char *part) {
    cr_assert_not_null(strstr(told, part), "it was told:\n%s\nwanted in it:\n%s", told, part);
}

static void assert_text(const fi_census *census, const char *wanted) {
    tell(census, FIEF_TEXT);
    assert_told(wanted);
}

static void assert_json(const fi_census *census, const char *wanted) {
    tell(census, FIEF_JSON);
    cr_assert(is_json_line(told), "%s", told);
    assert_told(wanted);
}

/* ---- what there is to tell ---- */

enum { NO_TRACE, TUPLE, LIST, LUA, BARE, HOSTILE, DEEP };

static const fi_frame tuple_frames[] = {{.pc = (void *)0x1234,
                                         .function = "make_tuple",
                                         .file = "objects.c",
                                         .line = 41,
                                         .module = "/usr/lib/libobj.so",
                                         .offset = 0x1234},
                                        {.function = "main", .file = "main.c", .line = 12, .module = ""},
                                        {.function = NULL}};
static const fi_frame list_frames[] = {{.function = "make_list", .file = "", .module = ""}, {.function = NULL}};
static const fi_frame lua_frames[] = {{.function = "script.lua:12: in 'go'", .file = "", .module = ""},
                                      {.function = NULL}};
static const fi_frame bare_frames[] = {
    {.pc = (void *)0x4321, .function = "", .file = "", .module = "app", .offset = 0x321},
    {.pc = (void *)0x9876, .function = "", .file = "", .module = ""},
    {.function = NULL}};
static const fi_frame hostile_frames[] = {{.function = "operator\"\"_x\\\x01\n\x1b[31m\xFF",
                                           .file = "a\"b\n.c",
                                           .line = 1,
                                           .module = "\xC3(\"",
                                           .offset = 1},
                                          {.function = NULL}};

static char long_name[5000];
static fi_frame deep_frames[MOST_TEST_FRAMES + 1];

static void set_up(void) {
    fi_os_init();
    memset(long_name, 'f', sizeof long_name - 1);
    for (unsigned i = 0; i < MOST_TEST_FRAMES; i++)
        deep_frames[i] = (fi_frame){.function = long_name, .file = "\"\"\"\"", .line = i, .module = long_name};
    test_traces[TUPLE] = tuple_frames;
    test_traces[LIST] = list_frames;
    test_traces[LUA] = lua_frames;
    test_traces[BARE] = bare_frames;
    test_traces[HOSTILE] = hostile_frames;
    test_traces[DEEP] = deep_frames;
}

TestSuite(census, .init = set_up, .timeout = 120);

static fi_census *worker(void) {
    fi_census *census = fi_census_create(7, "worker");
    cr_assert_not_null(census);
    return census;
}

static void add(fi_census *census, fi_live_block block) {
    cr_assert(fi_census_add(census, &block));
}

static fief_tag tag(const char *name) {
    fief_tag number = 0;
    cr_assert_eq(fief_tag_register(name, &number), FIEF_OK);
    return number;
}

static const void *at(uintptr_t address) {
    return (const void *)address;
}

/* Twelve blocks of three places, with all that can be known. */
static fi_census *framed(void) {
    fi_census *census = worker();
    fief_tag tuple = tag("tuple");
    for (unsigned i = 0; i < 8; i++)
        add(census, (fi_live_block){at(0x7f0000001000 + 0x100 * i), 256, 17 + i, 4310 - 500 * i, TUPLE, tuple,
                                    FIEF_DOMAIN_OBJ});
    for (unsigned i = 0; i < 3; i++)
        add(census, (fi_live_block){at(0x7f0000002000 + 0x1000 * i), 400 + 8 * i, 100 + i, 9, LIST, 0, 0});
    add(census, (fi_live_block){at(0x7f0000009000), 140, 0, 0, NO_TRACE, 0, FIEF_DOMAIN_RAW});
    return census;
}

/* ---- the report ---- */

Test(census, nothing_lives) {
    fi_census *census = worker();
    assert_text(census, "fief: leaks of interpreter 7 \"worker\": none\n");
    assert_json(census, "{\"report\":\"leaks\",\"interpreter\":7,\"name\":\"worker\",\"blocks\":0,\"bytes\":0,"
                        "\"suppressed_blocks\":0,\"suppressed_bytes\":0,\"groups\":[]}\n");
    fi_census_destroy(census);
    fi_census_destroy(NULL);
}

Test(census, what_lives_is_told_by_place) {
    fi_census *census = framed();
    assert_text(census,
                "fief: leaks of interpreter 7 \"worker\": 3,412 bytes in 12 blocks from 3 places\n"
                "  2,048 bytes in 8 blocks of 256, tag \"tuple\", domain obj, allocated 810 to 4,310 ms ago, "
                "serials 17 to 24\n"
                "    first 0x7f0000001000, 0x7f0000001100, 0x7f0000001200, 0x7f0000001300\n"
                "    #0  make_tuple at objects.c:41 (libobj.so+0x1234)\n"
                "    #1  main at main.c:12\n"
                "  1,224 bytes in 3 blocks of 400 to 416, allocated 9 ms ago, serials 100 to 102\n"
                "    at 0x7f0000002000 (400), 0x7f0000003000 (408), 0x7f0000004000 (416)\n"
                "    #0  make_list\n"
                "  140 bytes in 1 block, domain raw\n"
                "    at 0x7f0000009000\n");
    fi_census_destroy(census);
}

Test(census, what_lives_is_told_as_one_line_of_json) {
    fi_census *census = framed();
    assert_json(
        census,
        "{\"report\":\"leaks\",\"interpreter\":7,\"name\":\"worker\",\"blocks\":12,\"bytes\":3412,"
        "\"suppressed_blocks\":0,\"suppressed_bytes\":0,\"groups\":["
        "{\"blocks\":8,\"bytes\":2048,\"tag\":\"tuple\",\"domain\":\"obj\",\"oldest_ms\":4310,\"youngest_ms\":810,"
        "\"first_serial\":17,\"last_serial\":24,\"addresses\":[\"0x7f0000001000\",\"0x7f0000001100\","
        "\"0x7f0000001200\",\"0x7f0000001300\"],\"sizes\":[256,256,256,256],\"frames\":["
        "{\"function\":\"make_tuple\",\"file\":\"objects.c\",\"line\":41,\"module\":\"/usr/lib/libobj.so\","
        "\"offset\":4660},{\"function\":\"main\",\"file\":\"main.c\",\"line\":12,\"module\":\"\",\"offset\":0}]},"
        "{\"blocks\":3,\"bytes\":1224,\"tag\":\"\",\"domain\":\"\",\"oldest_ms\":9,\"youngest_ms\":9,"
        "\"first_serial\":100,\"last_serial\":102,\"addresses\":[\"0x7f0000002000\",\"0x7f0000003000\","
        "\"0x7f0000004000\"],\"sizes\":[400,408,416],\"frames\":[{\"function\":\"make_list\",\"file\":\"\","
        "\"line\":0,\"module\":\"\",\"offset\":0}]},"
        "{\"blocks\":1,\"bytes\":140,\"tag\":\"\",\"domain\":\"raw\",\"oldest_ms\":0,\"youngest_ms\":0,"
        "\"first_serial\":0,\"last_serial\":0,\"addresses\":[\"0x7f0000009000\"],\"sizes\":[140],\"frames\":[]}]}"
        "\n");
    fi_census_destroy(census);
}

Test(census, one_of_everything_is_no_plural) {
    fi_census *census = worker();
    add(census, (fi_live_block){at(0x10), 1, 5, 1234, LUA, 0, 0});
    assert_text(census, "fief: leaks of interpreter 7 \"worker\": 1 byte in 1 block from 1 place\n"
                        "  1 byte in 1 block, allocated 1,234 ms ago, serial 5\n"
                        "    at 0x10\n"
                        "    #0  script.lua:12: in 'go'\n");
    fi_census_destroy(census);
}

Test(census, frames_without_names_have_addresses) {
    fi_census *census = worker();
    add(census, (fi_live_block){at(0x10), 0, 0, 0, BARE, 0, 0});
    add(census, (fi_live_block){at(0x20), 0, 0, 0, BARE, 0, 0});
    assert_text(census, "fief: leaks of interpreter 7 \"worker\": 0 bytes in 2 blocks from 1 place\n"
                        "  0 bytes in 2 blocks of 0\n"
                        "    at 0x10, 0x20\n"
                        "    #0  0x4321 (app+0x321)\n"
                        "    #1  0x9876\n");
    fi_census_destroy(census);
}

Test(census, a_group_has_one_trace_one_tag_and_one_domain) {
    fi_census *census = worker();
    fief_tag a = tag("a"), b = tag("b");
    const fi_live_block blocks[] = {{at(0x10), 8, 0, 0, TUPLE, a, FIEF_DOMAIN_RAW},
                                    {at(0x20), 8, 0, 0, TUPLE, a, FIEF_DOMAIN_MEM},
                                    {at(0x30), 8, 0, 0, TUPLE, b, FIEF_DOMAIN_RAW},
                                    {at(0x40), 8, 0, 0, LIST, a, FIEF_DOMAIN_RAW},
                                    {at(0x50), 8, 0, 0, TUPLE, a, FIEF_DOMAIN_RAW}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        add(census, blocks[i]);
    fi_census_total total = fi_census_sum(census);
    assert_equal(total.groups, 4);
    assert_equal(total.blocks, 5);
    assert_equal(total.bytes, 40);
    fi_census_destroy(census);
}

Test(census, a_name_is_copied_and_cut) {
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fi_census *census = fi_census_create(1, name);
    name[0] = 'x';
    tell(census, FIEF_TEXT);
    name[0] = 'n';
    name[63] = '\0';
    char wanted[200];
    snprintf(wanted, sizeof wanted, "fief: leaks of interpreter 1 \"%s\": none\n", name);
    assert_told(wanted);
    fi_census_destroy(census);
}

/* ---- order ---- */

static void assert_order(const char *const *parts, size_t count) {
    const char *last = told;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(told, parts[i]);
        cr_assert_not_null(found, "%s is not in\n%s", parts[i], told);
        cr_assert(found >= last, "%s comes too early in\n%s", parts[i], told);
        last = found;
    }
}

Test(census, ties_are_told_by_blocks_then_serial_then_as_they_came) {
    fi_census *census = worker();
    add(census, (fi_live_block){at(0xa0), 100, 0, 0, 16, 0, 0});
    add(census, (fi_live_block){at(0xb0), 100, 0, 0, 32, 0, 0});
    add(census, (fi_live_block){at(0xc0), 100, 9, 0, 48, 0, 0});
    add(census, (fi_live_block){at(0xd0), 100, 3, 0, 64, 0, 0});
    add(census, (fi_live_block){at(0xe0), 50, 90, 0, 80, 0, 0});
    add(census, (fi_live_block){at(0xe8), 50, 91, 0, 80, 0, 0});
    add(census, (fi_live_block){at(0xf0), 101, 99, 0, 96, 0, 0});
    tell(census, FIEF_TEXT);
    static const char *const order[] = {"at 0xf0", "at 0xe0", "at 0xd0", "at 0xc0", "at 0xa0", "at 0xb0"};
    assert_order(order, sizeof order / sizeof *order);
    fi_census_destroy(census);
}

/* The bytes of each group in a report of JSON, in order. */
static size_t read_bytes(uint64_t *bytes, size_t most) {
    size_t count = 0;
    for (const char *at_group = told; (at_group = strstr(at_group, "{\"blocks\":1,\"bytes\":")) != NULL;
         at_group++) {
        cr_assert_lt(count, most);
        bytes[count++] = strtoull(at_group + strlen("{\"blocks\":1,\"bytes\":"), NULL, 10);
    }
    return count;
}

Test(census, any_number_of_groups_is_sorted) {
    static uint64_t bytes[1000];
    random_source rng = random_seeded(5);
    for (size_t count = 0; count <= 1000; count = count < 20 ? count + 1 : count * 2 + 1) {
        fi_census *census = worker();
        for (size_t i = 0; i < count; i++)
            add(census, (fi_live_block){at(0x10), random_below(&rng, 50), 1, 0, (fi_trace)(16 * (i + 1)), 0, 0});
        tell(census, FIEF_JSON);
        cr_assert(is_json_line(told));
        assert_equal(read_bytes(bytes, 1000), count);
        for (size_t i = 1; i < count; i++)
            assert_at_most(bytes[i], bytes[i - 1]);
        fi_census_destroy(census);
    }
}

/* ---- names ---- */

Test(census, hostile_names_are_tame_in_a_report) {
    fi_census *census = fi_census_create(1, "a\"b\\c\n\x1b[0m\xFF");
    add(census, (fi_live_block){at(0x10), 8, 1, 1, HOSTILE, tag("t\"\n\x80"), 0});
    tell(census, FIEF_TEXT);
    assert_told("fief: leaks of interpreter 1 \"a\"b\\c??[0m?\": 8 bytes in 1 block from 1 place\n"
                "  8 bytes in 1 block, tag \"t\"??\", allocated 1 ms ago, serial 1\n"
                "    at 0x10\n"
                "    #0  operator\"\"_x\\???[31m? at a\"b?.c:1 (?(\"+0x1)\n");
    tell(census, FIEF_JSON);
    cr_assert(is_json_line(told), "%s", told);
    assert_tells("\"name\":\"a\\\"b\\\\c\\u000a\\u001b[0m\\ufffd\"");
    assert_tells("\"function\":\"operator\\\"\\\"_x\\\\\\u0001\\u000a\\u001b[31m\\ufffd\"");
    assert_tells("\"module\":\"\\ufffd(\\\"\"");
    fi_census_destroy(census);
}

Test(census, long_names_of_many_frames_are_told_in_parts) {
    fi_census *census = worker();
    add(census, (fi_live_block){at(0x10), 8, 1, 1, DEEP, 0, 0});
    tell(census, FIEF_JSON);
    cr_assert(is_json_line(told));
    assert_at_least(told_bytes, (size_t)MOST_TEST_FRAMES * 2 * (sizeof long_name - 1));
    assert_at_least(told_parts, MOST_TEST_FRAMES);
    tell(census, FIEF_TEXT);
    assert_tells("    #9  fff");
    assert_tells("    #63 fff");
    assert_tells("at \"\"\"\":63 (");
    fi_census_destroy(census);
}

static int tell_to_stderr(void *arg) {
    return fi_census_tell(arg, FIEF_TEXT, NULL, NULL) ? 0 : 1;
}

Test(census, a_report_goes_to_stderr_by_itself) {
    fi_census *census = framed();
    child_end end = run_in_child(tell_to_stderr, census);
    assert_returned(end);
    tell(census, FIEF_TEXT);
    cr_assert_str_eq(end.said, told);
    fi_census_destroy(census);
}

/* ---- suppressions ---- */

Test(census, suppressed_groups_are_counted_and_not_told) {
    fi_census *census = framed();
    tell(census, FIEF_TEXT); /* what was found out without suppressions must not last */
    cr_assert(fi_suppress_add("leak:make_tuple", 15));
    tell(census, FIEF_TEXT);
    assert_tells("worker\": 1,364 bytes in 4 blocks from 2 places\n  1,224 bytes");
    assert_tells("    at 0x7f0000009000\n  (8 blocks, 2,048 bytes are suppressed)\n");
    tell(census, FIEF_JSON);
    cr_assert(is_json_line(told));
    assert_tells("\"blocks\":4,\"bytes\":1364,\"suppressed_blocks\":8,\"suppressed_bytes\":2048,\"groups\":[{"
                 "\"blocks\":3,");
    fi_census_total total = fi_census_sum(census);
    assert_equal(total.groups, 2);
    assert_equal(total.blocks, 4);
    assert_equal(total.bytes, 1364);
    assert_equal(total.suppressed_blocks, 8);
    assert_equal(total.suppressed_bytes, 2048);
    fi_census_destroy(census);
}

Test(census, all_of_it_may_be_suppressed) {
    fi_census *census = worker();
    add(census, (fi_live_block){at(0x10), 1, 1, 1, LIST, tag("cache"), 0});
    cr_assert(fi_suppress_add("tag:cache", 9));
    assert_text(census, "fief: leaks of interpreter 7 \"worker\": none\n"
                        "  (1 block, 1 byte is suppressed)\n");
    fi_census_destroy(census);
}

Test(census, each_trace_is_looked_at_once) {
    fi_census *census = worker();
    for (unsigned i = 0; i < 100; i++)
        add(census, (fi_live_block){at(0x10 + i), 8, 1 + i, 1, LIST, 0, 0});
    cr_assert(fi_suppress_add("leak:make_list", 14));
    for (unsigned i = 0; i < 5; i++) {
        (void)fi_census_sum(census);
        tell(census, FIEF_TEXT);
    }
    assert_equal(traces_told, 1);
    fi_census_destroy(census);
}

/* ---- growth ---- */

Test(census, growth_is_told_largest_first) {
    fi_census *before = worker(), *after = worker();
    fief_tag tuple = tag("tuple");
    fi_live_block old = {at(0x100), 256, 20, 5, TUPLE, tuple, FIEF_DOMAIN_OBJ};
    add(before, old);
    add(before, (fi_live_block){at(0x200), 5000, 0, 0, LUA, 0, 0}); /* stays as it is */
    add(before, (fi_live_block){at(0x300), 700, 0, 0, BARE, 0, 0}); /* shrinks */
    add(before, (fi_live_block){at(0x400), 3156, 0, 0, 16, 0, 0});  /* goes */
    add(after, (fi_live_block){at(0x200), 5000, 0, 0, LUA, 0, 0});
    add(after, (fi_live_block){at(0x300), 600, 0, 0, BARE, 0, 0});
    add(after, (fi_live_block){at(0x600), 100, 40, 1, LIST, 0, 0}); /* new */
    add(after, old);
    for (unsigned i = 0; i < 3; i++)
        add(after, (fi_live_block){at(0x500 + i), 256, 30 + i, 1, TUPLE, tuple, FIEF_DOMAIN_OBJ});
    tell_growth(before, after, FIEF_TEXT);
    assert_told(
        "fief: growth of interpreter 7 \"worker\": 9,112 -> 6,724 bytes (-2,388), 4 -> 7 blocks (+3), in 2 "
        "places\n"
        "  256 -> 1,024 bytes (+768), 1 -> 4 blocks (+3), tag \"tuple\", domain obj, latest serial 32\n"
        "    #0  make_tuple at objects.c:41 (libobj.so+0x1234)\n"
        "    #1  main at main.c:12\n"
        "  0 -> 100 bytes (+100), 0 -> 1 block (+1), latest serial 40\n"
        "    #0  make_list\n");
    tell_growth(before, after, FIEF_JSON);
    cr_assert(is_json_line(told), "%s", told);
    assert_tells("{\"report\":\"growth\",\"interpreter\":7,\"name\":\"worker\","
                 "\"before\":{\"interpreter\":7,\"blocks\":4,\"bytes\":9112},"
                 "\"after\":{\"interpreter\":7,\"blocks\":7,\"bytes\":6724},"
                 "\"suppressed_blocks\":0,\"suppressed_bytes\":0,\"groups\":["
                 "{\"before\":{\"blocks\":1,\"bytes\":256},\"after\":{\"blocks\":4,\"bytes\":1024},"
                 "\"tag\":\"tuple\",\"domain\":\"obj\",");
    assert_tells("{\"before\":{\"blocks\":0,\"bytes\":0},\"after\":{\"blocks\":1,\"bytes\":100},\"tag\":\"\",");
    fi_census_destroy(before);
    fi_census_destroy(after);
}

Test(census, more_blocks_of_fewer_bytes_have_grown_too) {
    fi_census *before = worker(), *after = worker();
    add(before, (fi_live_block){at(0x10), 100, 0, 0, LIST, 0, 0});
    for (unsigned i = 0; i < 2; i++)
        add(after, (fi_live_block){at(0x20 + i), 10, 0, 0, LIST, 0, 0});
    add(after, (fi_live_block){at(0x30), 1, 0, 0, LUA, 0, 0});
    tell_growth(before, after, FIEF_TEXT);
    assert_told(
        "fief: growth of interpreter 7 \"worker\": 100 -> 21 bytes (-79), 1 -> 3 blocks (+2), in 2 places\n"
        "  0 -> 1 byte (+1), 0 -> 1 block (+1)\n"
        "    #0  script.lua:12: in 'go'\n"
        "  100 -> 20 bytes (-80), 1 -> 2 blocks (+1)\n"
        "    #0  make_list\n");
    fi_census_destroy(before);
    fi_census_destroy(after);
}

Test(census, no_growth_is_one_line) {
    fi_census *census = framed(), *empty = fi_census_create(8, "other");
    tell_growth(census, census, FIEF_TEXT);
    assert_told("fief: growth of interpreter 7 \"worker\": 3,412 -> 3,412 bytes (+0), 12 -> 12 blocks (+0), in no "
                "place\n");
    tell_growth(census, empty, FIEF_TEXT);
    assert_told(
        "fief: growth from interpreter 7 \"worker\" to interpreter 8 \"other\": 3,412 -> 0 bytes (-3,412), "
        "12 -> 0 blocks (-12), in no place\n");
    tell_growth(census, empty, FIEF_JSON);
    cr_assert(is_json_line(told));
    assert_tells("\"interpreter\":8,\"name\":\"other\",\"before\":{\"interpreter\":7,");
    fi_census_destroy(census);
    fi_census_destroy(empty);
}

Test(census, suppressed_growth_is_not_told) {
    fi_census *empty = worker(), *census = framed();
    cr_assert(fi_suppress_add("tag:tuple\nleak:make_list", 24));
    tell_growth(empty, census, FIEF_TEXT);
    assert_told("fief: growth of interpreter 7 \"worker\": 0 -> 140 bytes (+140), 0 -> 1 block (+1), in 1 place\n"
                "  0 -> 140 bytes (+140), 0 -> 1 block (+1), domain raw\n"
                "  (11 blocks, 3,272 bytes are suppressed)\n");
    fi_census_destroy(empty);
    fi_census_destroy(census);
}

/* ---- the verbs ---- */

Test(census, snapshots_are_compared_and_freed) {
    fi_census *before = worker(), *after = framed();
    forget();
    cr_assert_eq(fief_snapshot_diff(before, after, FIEF_JSON, hear, told), FIEF_OK);
    cr_assert(is_json_line(told));
    cr_assert_eq(fief_snapshot_diff(NULL, after, FIEF_TEXT, hear, told), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_snapshot_diff(before, NULL, FIEF_TEXT, hear, told), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_snapshot_diff(before, after, (fief_format)7, hear, told), FIEF_BAD_ARGUMENT);
    for (unsigned nth = 1; nth <= 2; nth++) {
        forget();
        fi_os_fail_at(nth);
        cr_assert_eq(fief_snapshot_diff(before, after, FIEF_TEXT, hear, told), FIEF_NO_MEMORY);
        assert_equal(told_bytes, 0);
    }
    fief_snapshot_free(before);
    fief_snapshot_free(after);
    fief_snapshot_free(NULL);
}

/* ---- exhaustion ---- */

Test(census, exhaustion_at_creation_is_null) {
    for (unsigned nth = 1; nth <= 2; nth++) {
        fi_os_fail_at(nth);
        cr_assert_null(fi_census_create(1, "x"));
    }
    cr_assert_not_null(fi_census_create(1, "x"));
}

/* Grows twice; at each failure the census is told as before, and the same block is added once there is memory. */
Test(census, exhaustion_leaves_a_census_as_it_was) {
    enum { BLOCKS = 40 };
    fi_census *census = worker();
    unsigned failures = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        const fi_live_block block = {at(0x10 + i), 8, 1 + i, 1, 1000 + i, 0, 0};
        for (unsigned nth = 1; nth <= 2; nth++) {
            fi_census_total total = fi_census_sum(census);
            fi_os_fail_at(nth);
            bool added = fi_census_add(census, &block);
            fi_os_fail_at(0);
            if (added)
                break;
            failures++;
            assert_equal(fi_census_sum(census).blocks, total.blocks);
            assert_equal(fi_census_sum(census).groups, total.groups);
        }
        if (fi_census_sum(census).blocks == i)
            add(census, block);
    }
    assert_equal(failures, 6);
    assert_equal(fi_census_sum(census).groups, BLOCKS);
    fi_census_destroy(census);
}

Test(census, exhaustion_tells_nothing) {
    fi_census *census = framed();
    for (unsigned nth = 1; nth <= 2; nth++) {
        forget();
        fi_os_fail_at(nth);
        cr_assert_not(fi_census_tell(census, FIEF_TEXT, hear, told));
        assert_equal(told_bytes, 0);
    }
    tell(census, FIEF_TEXT);
    fi_census_destroy(census);
}

/* ---- many ---- */

enum { MANY_BLOCKS = UNDER_SANITIZER ? 100000 : 1000000, MANY_GROUPS = MANY_BLOCKS / 10 };

static void count_lines(const char *text, size_t bytes, void *arg) {
    for (size_t i = 0; i < bytes; i++)
        *(size_t *)arg += text[i] == '\n';
}

Test(census, a_million_blocks_of_many_groups_are_counted) {
    fi_census *census = worker();
    random_source rng = random_seeded(9);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < MANY_BLOCKS; i++) {
        unsigned group = i < MANY_GROUPS ? i : (unsigned)random_below(&rng, MANY_GROUPS);
        fi_live_block block = {at(16 * (uintptr_t)i), random_below(&rng, 500),     1 + i, i, 16 + 16 * (group / 4),
                               (fief_tag)(group % 2), (fief_domain)(group / 2 % 2)};
        add(census, block);
        bytes += block.bytes;
    }
    fi_census_total total = fi_census_sum(census);
    assert_equal(total.groups, MANY_GROUPS);
    assert_equal(total.blocks, MANY_BLOCKS);
    assert_equal(total.bytes, bytes);
    size_t lines = 0;
    cr_assert(fi_census_tell(census, FIEF_TEXT, count_lines, &lines));
    assert_equal(lines, 1 + 2 * (size_t)MANY_GROUPS);
    lines = 0;
    cr_assert(fi_census_tell(census, FIEF_JSON, count_lines, &lines));
    assert_equal(lines, 1);
    lines = 0;
    cr_assert(fi_census_tell_growth(census, census, FIEF_TEXT, count_lines, &lines));
    assert_equal(lines, 1);
    fi_census_destroy(census);
}

static void *tell_often(void *census) {
    size_t lines = 0;
    for (unsigned i = 0; i < 200; i++)
        if (!fi_census_tell(census, FIEF_TEXT, count_lines, &lines))
            return NULL;
    return census;
}

Test(census, two_threads_may_tell_the_same) {
    fi_census *census = framed();
    pthread_t other;
    cr_assert(fi_suppress_add("tag:tuple", 9));
    cr_assert_eq(pthread_create(&other, NULL, tell_often, census), 0);
    cr_assert_not_null(tell_often(census));
    void *result;
    pthread_join(other, &result);
    cr_assert_not_null(result);
    fi_census_destroy(census);
}
