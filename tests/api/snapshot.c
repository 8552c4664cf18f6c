/* Snapshots: what is live at two moments, and what grew between them. */
#include "support/json.h"
#include "support/levels.h"

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(snapshot, .init = set_up);

static fief_snapshot *take(fief *f) {
    fief_snapshot *snapshot = fief_snapshot_take(f);
    cr_assert_not_null(snapshot);
    return snapshot;
}

static told diff(const fief_snapshot *before, const fief_snapshot *after, fief_format format) {
    told t = {0};
    assert_equal(fief_snapshot_diff(before, after, format, collect, &t), FIEF_OK);
    return t;
}

Test(snapshot, what_grew_is_told) {
    fief_tag tag;
    assert_equal(fief_tag_register("grows", &tag), FIEF_OK);
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        for (volatile unsigned i = 0; i < 5; i++) /* not unrolled: one place */
            cr_assert_not_null(fief_alloc(f, 100));
        fief_snapshot *before = take(f);
        for (volatile unsigned i = 0; i < 4; i++)
            cr_assert_not_null(fief_alloc_tagged(f, 1000, tag));
        fief_snapshot *after = take(f);
        told t = diff(before, after, FIEF_TEXT);
        assert_told(t, "500 -> 4,500 bytes (+4,000), 5 -> 9 blocks (+4), in 1 place\n");
        assert_told(t, "\"grows\"");
        t = diff(before, after, FIEF_JSON);
        cr_assert(is_json_line(t.text), "%s", t.text);
        fief_snapshot_free(before);
        fief_snapshot_free(after);
        fief_destroy(f);
    }
}

Test(snapshot, what_did_not_grow_is_not_told) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        void *block = fief_alloc(f, 100);
        fief_snapshot *before = take(f);
        fief_free(f, block);
        fief_snapshot *after = take(f);
        told less = diff(before, after, FIEF_TEXT), same = diff(before, before, FIEF_TEXT);
        assert_not_told(less, "100 bytes in");
        assert_not_told(same, "100 bytes in");
        fief_snapshot_free(before);
        fief_snapshot_free(after);
        fief_destroy(f);
    }
}

Test(snapshot, it_outlives_its_heap_and_changes_nothing_there) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        cr_assert_not_null(fief_alloc(f, 100));
        fief_stats before = exact_stats(f);
        fief_snapshot *one = take(f), *two = take(f);
        fief_stats after = exact_stats(f);
        cr_assert(before.live_blocks == after.live_blocks && before.allocations == after.allocations);
        cr_assert_eq(before.charged_bytes, after.charged_bytes);
        fief_destroy(f);
        told t = diff(one, two, FIEF_JSON);
        cr_assert(is_json_line(t.text));
        fief_snapshot_free(one);
        fief_snapshot_free(two);
        fief_snapshot_free(NULL);
    }
}

Test(snapshot, wrong_arguments_are_refused) {
    fief *f = create(at_level(FIEF_DEBUG_CHECK, &heard));
    fief_snapshot *s = take(f);
    told t = {0};
    assert_equal(fief_snapshot_diff(NULL, s, FIEF_TEXT, collect, &t), FIEF_BAD_ARGUMENT);
    assert_equal(fief_snapshot_diff(s, NULL, FIEF_TEXT, collect, &t), FIEF_BAD_ARGUMENT);
    assert_equal(fief_snapshot_diff(s, s, (fief_format)7, collect, &t), FIEF_BAD_ARGUMENT);
    fief_destroy(f);
    cr_assert_null(fief_snapshot_take(f));
    assert_equal(heard.kinds[FIEF_MISUSE_DEAD_HANDLE], 1);
    fief_snapshot_free(s);
}
