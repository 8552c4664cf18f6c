/* fief_leaks_report, at every level; and the report at the end. */
#include "support/child.h"
#include "support/json.h"
#include "support/kinds.h"
#include "support/levels.h"

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(leaks, .init = set_up);

static told report(fief *f, fief_format format) {
    told t = {0};
    assert_equal(fief_leaks_report(f, format, collect, &t), FIEF_OK);
    return t;
}

Test(leaks, a_heap_without_blocks_has_none) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        fief_free(f, fief_alloc(f, 100));
        told t = report(f, FIEF_TEXT);
        assert_told(t, "fief: leaks of interpreter ");
        assert_told(t, "\"levels\": none\n");
        t = report(f, FIEF_JSON);
        cr_assert(is_json_line(t.text), "%s", t.text);
        assert_told(t, "\"blocks\":0,\"bytes\":0");
        fief_destroy(f);
    }
}

Test(leaks, all_that_is_live_is_told_by_its_requested_size) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        uint64_t bytes = 0;
        FOR_KINDS (kind) {
            bytes += kind.size;
            cr_assert_not_null(allocate_kind(f, kind));
            fief_free(f, allocate_kind(f, kind));
        }
        char wanted[64];
        snprintf(wanted, sizeof wanted, "\"blocks\":%d,\"bytes\":%ju", KINDS, (uintmax_t)bytes);
        told t = report(f, FIEF_JSON);
        assert_told(t, wanted);
        fief_destroy(f);
    }
}

Test(leaks, blocks_are_grouped_by_tag_and_domain) {
    fief_tag tag;
    assert_equal(fief_tag_register("a leaf", &tag), FIEF_OK);
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        for (volatile unsigned i = 0; i < 7; i++) /* not unrolled: one place */
            cr_assert_not_null(fief_alloc_tagged(f, 100, tag));
        cr_assert_not_null(fief_domain_alloc(f, FIEF_DOMAIN_OBJ, 50));
        told t = report(f, FIEF_TEXT);
        assert_told(t, "750 bytes in 8 blocks from 2 places\n");
        assert_told(t, "  700 bytes in 7 blocks of 100, tag \"a leaf\"");
        assert_told(t, "  50 bytes in 1 block");
        assert_told(t, "domain obj");
        fief_destroy(f);
    }
}

Test(leaks, an_unwatched_heap_tells_what_it_knows) {
    fief *f = create(at_level(FIEF_DEBUG_OFF, &heard));
    for (unsigned i = 0; i < 3; i++)
        cr_assert_not_null(fief_alloc(f, 64));
    told t = report(f, FIEF_TEXT);
    assert_told(t, "192 bytes in 3 blocks from 1 place\n");
    fief_destroy(f);
}

/* Where they were allocated, and not where the library was. */
Test(leaks, the_frames_of_an_allocation_are_told) {
    fief *f = create(at_level(FIEF_DEBUG_FULL, &heard));
    cr_assert_not_null(fief_alloc(f, 64));
    told t = report(f, FIEF_TEXT);
    assert_told(t, "    #0 ");
    assert_told(t, "    #1 ");
    assert_not_told(t, "fi_watched_alloc");
    fief_destroy(f);
}

Test(leaks, what_others_have_freed_is_no_leak) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        fief_free_remote(fief_alloc(f, 64));
        told t = report(f, FIEF_TEXT);
        assert_told(t, ": none\n");
        fief_destroy(f);
    }
}

Test(leaks, suppressed_ones_are_counted_and_not_told) {
    fief_tag tag;
    assert_equal(fief_tag_register("cache entry", &tag), FIEF_OK);
    assert_equal(fief_leaks_suppress("# known\ntag:cache\n"), FIEF_OK);
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        cr_assert_not_null(fief_alloc_tagged(f, 300, tag));
        cr_assert_not_null(fief_alloc(f, 20));
        told t = report(f, FIEF_TEXT);
        assert_told(t, "20 bytes in 1 block from 1 place\n");
        assert_told(t, "(1 block, 300 bytes is suppressed)");
        fief_destroy(f);
    }
}

Test(leaks, wrong_arguments_are_refused) {
    fief *f = create(at_level(FIEF_DEBUG_CHECK, &heard));
    told t = {0};
    assert_equal(fief_leaks_report(f, (fief_format)2, collect, &t), FIEF_BAD_ARGUMENT);
    assert_equal(fief_leaks_suppress(NULL), FIEF_BAD_ARGUMENT);
    assert_equal(fief_leaks_suppress_file(NULL), FIEF_BAD_ARGUMENT);
    assert_equal(fief_leaks_suppress_file("/there/is/no/such/file"), FIEF_BAD_ARGUMENT);
    fief_destroy(f);
    assert_equal(fief_leaks_report(f, FIEF_TEXT, collect, &t), FIEF_BAD_STATE);
    assert_equal(t.bytes, 0);
}

/* ---- at the end ---- */

static int leak_and_end(void *arg) {
    setenv("FIEF_CONF", "tools:0", 1);
    fief_config config = named("the leaker");
    config.debug = *(const fief_debug *)arg;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK || fief_alloc(f, 123) == NULL)
        return 1;
    return fief_destroy(f) == FIEF_OK ? 0 : 2;
}

Test(leaks, the_end_tells_them_from_check_on) {
    FOR_LEVELS(level) {
        child_end end = run_in_child(leak_and_end, &level);
        assert_returned(end);
        if (level == FIEF_DEBUG_OFF)
            assert_equal(end.said_bytes, 0);
        else
            assert_says(end, "\"the leaker\": 123 bytes in 1 block from 1 place\n");
    }
}

/* With a key of FIEF_CONF, and the file that it names. `freed` is NULL, or no block. */
static int leak_with(const char *key, const char *path, void *freed) {
    char text[256];
    snprintf(text, sizeof text, "tools:0,on_misuse:report,%s:%s", key, path);
    setenv("FIEF_CONF", text, 1);
    fief_config config = named("the leaker");
    config.debug = FIEF_DEBUG_CHECK;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK || fief_alloc(f, 123) == NULL)
        return 1;
    fief_free(f, freed);
    return fief_destroy(f) == FIEF_OK ? 0 : 2;
}

static int leak_with_json(void *arg) {
    return leak_with("json", arg, NULL);
}

Test(leaks, the_end_tells_them_as_json_where_the_environment_says) {
    char path[] = "/tmp/fief-leaks-XXXXXX", text[4096] = "";
    int file = mkstemp(path);
    cr_assert_neq(file, -1);
    child_end end = run_in_child(leak_with_json, path);
    assert_returned(end);
    cr_assert_gt(read(file, text, sizeof text - 1), 0);
    cr_assert(is_json_line(text), "%s", text);
    cr_assert_not_null(strstr(text, "\"blocks\":1,\"bytes\":123"));
    close(file);
    unlink(path);
}

static int leak_with_text(void *arg) {
    return leak_with("text", arg, arg);
}

Test(leaks, they_go_with_the_other_reports_to_the_file_that_the_environment_names) {
    char path[] = "/tmp/fief-leaks-XXXXXX", text[4096] = "";
    int file = mkstemp(path);
    cr_assert_neq(file, -1);
    child_end end = run_in_child(leak_with_text, path);
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
    cr_assert_gt(read(file, text, sizeof text - 1), 0);
    cr_assert_not_null(strstr(text, "fief: wild pointer in fief_free\n"), "%s", text);
    cr_assert_not_null(strstr(text, "\"the leaker\": 123 bytes in 1 block from 1 place\n"), "%s", text);
    close(file);
    unlink(path);
}
