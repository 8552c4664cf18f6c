/* The built-in kinds: each value arrives as it was sent, outlives who sent it, and is no other kind; tuples are
 * made whole or not at all. */
#include "support/compare.h"
#include "support/levels.h"
#include "support/objects.h"

#include <math.h>

static void set_up(void) {
    conf("");
}

TestSuite(xi_kinds, .init = set_up);

static const fief_xi_data cleared = FIEF_XI_DATA_INIT;
static fief *a, *b;

static void begin(void) {
    a = create_with_objects(named("a"));
    b = create_with_objects(named("b"));
    payloads_freed = live_objects = 0;
}

static void end(void) {
    fief_destroy(a);
    fief_destroy(b);
}

/* ---- values ---- */

static unsigned kinds_read(const fief_xi_data *data) {
    bool truth;
    int64_t whole;
    double real;
    const void *bytes;
    const char *text;
    const fief_xi_data *items;
    size_t count;
    return (unsigned)fief_xi_read_bool(data, &truth) << FIEF_XI_BOOL |
           (unsigned)fief_xi_read_int64(data, &whole) << FIEF_XI_INT64 |
           (unsigned)fief_xi_read_float(data, &real) << FIEF_XI_FLOAT |
           (unsigned)fief_xi_read_bytes(data, &bytes, &count) << FIEF_XI_BYTES |
           (unsigned)fief_xi_read_string(data, &text, &count) << FIEF_XI_STRING |
           (unsigned)fief_xi_read_tuple(data, &items, &count) << FIEF_XI_TUPLE;
}

static fief_share_status share_kind(fief_xi_builtin kind, fief_xi_data *data) {
    switch (kind) {
    case FIEF_XI_NONE:
        return fief_xi_share_none(a, data);
    case FIEF_XI_BOOL:
        return fief_xi_share_bool(a, data, true);
    case FIEF_XI_INT64:
        return fief_xi_share_int64(a, data, 1);
    case FIEF_XI_FLOAT:
        return fief_xi_share_float(a, data, 1);
    case FIEF_XI_BYTES:
        return fief_xi_share_bytes(a, data, "x", 1);
    case FIEF_XI_STRING:
        return fief_xi_share_string(a, data, "x", 1);
    case FIEF_XI_TUPLE:
        return fief_xi_share_tuple(a, data, 0, NULL, NULL);
    case FIEF_XI_OTHER:
        break;
    }
    return fief_xi_data_init(a, data, &plain_kind, NULL, NULL);
}

Test(xi_kinds, each_is_its_own_and_no_other) {
    begin();
    for (fief_xi_builtin kind = FIEF_XI_OTHER; kind <= FIEF_XI_TUPLE; kind++) {
        fief_xi_data data = cleared;
        assert_equal(fief_xi_builtin_of(&data), FIEF_XI_OTHER);
        assert_equal(share_kind(kind, &data), FIEF_SHARE_OK);
        assert_equal(fief_xi_builtin_of(&data), kind);
        assert_equal(kinds_read(&data), kind >= FIEF_XI_BOOL ? 1U << kind : 0);
        assert_equal(fief_xi_data_validate(&data), FIEF_SHARE_OK);
        assert_equal(share_kind(kind, &data), FIEF_SHARE_BAD_ARGUMENT);
        cr_assert(data.hold == NULL && data.owner == fief_id_of(a), "nothing has to go home");
        assert_equal(fief_xi_data_release(b, &data), FIEF_XI_RAN);
    }
    assert_equal(fief_xi_outstanding(a), 0);
    end();
}

Test(xi_kinds, numbers_arrive_as_they_were) {
    static const int64_t whole[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    static const double real[] = {0.0, -0.0, 1.5, INFINITY, -1e308, 5e-324};
    begin();
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        fief_xi_data data = cleared;
        int64_t value = 7;
        assert_equal(fief_xi_share_int64(a, &data, whole[i]), FIEF_SHARE_OK);
        cr_assert(fief_xi_read_int64(&data, &value) && value == whole[i]);
    }
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        fief_xi_data data = cleared;
        double value = 7;
        assert_equal(fief_xi_share_float(a, &data, real[i]), FIEF_SHARE_OK);
        cr_assert(fief_xi_read_float(&data, &value) && memcmp(&value, &real[i], sizeof value) == 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        fief_xi_data data = cleared;
        bool value = i == 0;
        assert_equal(fief_xi_share_bool(a, &data, i == 1), FIEF_SHARE_OK);
        cr_assert(fief_xi_read_bool(&data, &value) && value == (i == 1));
    }
    end();
}

Test(xi_kinds, an_integer_that_does_not_fit_says_what_to_do) {
    begin();
    fief_xi_data data = cleared;
    int64_t value = 0;
    assert_equal(fief_xi_share_uint64(a, &data, (uint64_t)INT64_MAX + 1), FIEF_SHARE_INT_TOO_LARGE);
    cr_assert_not_null(strstr(fief_share_status_text(FIEF_SHARE_INT_TOO_LARGE), "share it as bytes"));
    assert_equal(fief_xi_share_uint64(a, &data, INT64_MAX), FIEF_SHARE_OK);
    cr_assert(fief_xi_read_int64(&data, &value) && value == INT64_MAX);
    end();
}

Test(xi_kinds, bytes_and_strings_are_copied_and_outlive_their_owner) {
    begin();
    char given[] = "gr\xC3\xBC\xC3\x9F\0e";
    const size_t bytes = sizeof given - 1;
    fief_xi_data text = cleared, raw = cleared, empty_text = cleared, empty_raw = cleared;
    assert_equal(fief_xi_share_string(a, &text, given, bytes), FIEF_SHARE_OK);
    assert_equal(fief_xi_share_bytes(a, &raw, given, bytes), FIEF_SHARE_OK);
    assert_equal(fief_xi_share_string(a, &empty_text, "", 0), FIEF_SHARE_OK);
    assert_equal(fief_xi_share_bytes(a, &empty_raw, NULL, 0), FIEF_SHARE_OK);
    memset(given, 'x', bytes);
    fief_destroy(a);
    const char *string = NULL;
    const void *block = NULL;
    size_t count = 99;
    cr_assert(fief_xi_read_string(&text, &string, &count) && count == bytes);
    cr_assert(memcmp(string, "gr\xC3\xBC\xC3\x9F\0e", bytes + 1) == 0);
    cr_assert(fief_xi_read_bytes(&raw, &block, &count) && count == bytes);
    cr_assert(memcmp(block, "gr\xC3\xBC\xC3\x9F\0e", bytes) == 0);
    cr_assert(fief_xi_read_string(&empty_text, &string, &count) && count == 0 && string[0] == '\0');
    cr_assert(fief_xi_read_bytes(&empty_raw, &block, &count) && count == 0 && block != NULL);
    fief_xi_data *all[] = {&text, &raw, &empty_text, &empty_raw};
    for (unsigned i = 0; i < 4; i++)
        assert_equal(fief_xi_data_release(b, all[i]), FIEF_XI_RAN);
    fief_destroy(b);
}

Test(xi_kinds, a_string_is_utf8) {
    static const char *const wrong[] = {"\x80",
                                        "\xC3",
                                        "a\xC3(",
                                        "\xC0\x80",
                                        "\xE0\x80\x80",
                                        "\xED\xA0\x80",
                                        "\xF5\x80\x80\x80",
                                        "\xE2\x82",
                                        "\xFF",
                                        "\xF0\x8F\xBF\xBF",
                                        "\xF4\x90\x80\x80"};
    static const char *const right[] = {
        "", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"};
    begin();
    fief_xi_data data = cleared;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_equal(fief_xi_share_string(a, &data, wrong[i], strlen(wrong[i])), FIEF_SHARE_NOT_UTF8);
        cr_assert_null(data.kind);
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_equal(fief_xi_share_string(a, &data, right[i], strlen(right[i])), FIEF_SHARE_OK);
        fief_xi_data_release(a, &data);
    }
    assert_equal(fief_xi_share_string(a, &data, "\xE2\x82\xAC", 2), FIEF_SHARE_NOT_UTF8);
    assert_equal(fief_xi_share_string(a, &data, NULL, 1), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_share_bytes(a, &data, NULL, 1), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_share_bytes(a, &data, "", SIZE_MAX), FIEF_SHARE_NO_MEMORY);
    assert_equal(fief_xi_share_bytes(NULL, &data, "x", 1), FIEF_SHARE_NO_OWNER);
    assert_equal(fief_xi_share_none(NULL, &data), FIEF_SHARE_NO_OWNER);
    end();
}

/* ---- objects of them ---- */

Test(xi_kinds, a_receiver_that_makes_no_objects_of_them_says_so) {
    fief *silent = create(named("silent"));
    begin();
    fief_xi_data data = cleared;
    void *made;
    assert_equal(fief_xi_share_string(a, &data, "four", 4), FIEF_SHARE_OK);
    assert_equal(fief_xi_new_object(silent, &data, &made), FIEF_SHARE_NO_NEW_OBJECT);
    assert_equal(fief_xi_new_object(b, &data, &made), FIEF_SHARE_OK);
    object *o = made;
    cr_assert(o->kind == FIEF_XI_STRING && o->value == 4 && o->home == fief_id_of(b));
    object_drop(b, o);
    fief_xi_data_release(b, &data);
    fief_destroy(silent);
    end();
}

/* ---- tuples ---- */

/* The item of this index fails; what was made of those before is counted by payloads_freed. */
static size_t failing_item;
static fief_share_status failing_how;
static unsigned order_of_release[4], releases;

static void free_numbered(fief *owner, void *payload) {
    int64_t *number = payload;
    order_of_release[releases++ % 4] = (unsigned)*number;
    fief_free(owner, number);
}

static const fief_xi_kind numbered_kind = {"numbered", read_payload, free_numbered};

static fief_share_status share_item(fief *f, size_t index, fief_xi_data *item, void *arg) {
    cr_assert_eq(arg, &failing_item);
    if (index == failing_item && failing_how != FIEF_SHARE_OK)
        return failing_how;
    if (index == failing_item)
        return FIEF_SHARE_OK; /* without having made anything */
    int64_t *number = fief_alloc(f, sizeof *number);
    *number = (int64_t)index;
    return fief_xi_data_init(f, item, &numbered_kind, number, NULL);
}

Test(xi_kinds, a_tuple_that_fails_is_unwound_item_by_item) {
    begin();
    for (failing_item = 0; failing_item < 4; failing_item++)
        for (unsigned valid = 0; valid < 2; valid++) {
            fief_xi_data data = cleared;
            releases = 0;
            failing_how = valid ? FIEF_SHARE_NOT_SHAREABLE : FIEF_SHARE_OK;
            fief_share_status status = fief_xi_share_tuple(a, &data, 4, share_item, &failing_item);
            assert_equal(status, valid ? FIEF_SHARE_NOT_SHAREABLE : FIEF_SHARE_NO_OWNER);
            cr_assert(data.kind == NULL && data.payload == NULL);
            assert_equal(releases, failing_item);
            for (unsigned i = 0; i < releases; i++)
                assert_equal(order_of_release[i], failing_item - 1 - i);
            assert_equal(fief_xi_outstanding(a), 0);
        }
    assert_equal(exact_stats(a).live_blocks, 0);
    end();
}

Test(xi_kinds, a_tuple_has_its_items_in_order_and_goes_home_item_by_item) {
    begin();
    fief_xi_data data = cleared;
    const fief_xi_data *items;
    size_t count;
    void *made;
    failing_item = 99;
    releases = 0;
    assert_equal(fief_xi_share_tuple(a, &data, 4, share_item, &failing_item), FIEF_SHARE_OK);
    cr_assert(fief_xi_read_tuple(&data, &items, &count) && count == 4);
    assert_equal(fief_xi_new_object(b, &data, &made), FIEF_SHARE_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_equal(((object *)made)->items[i]->value, i);
    object_drop(b, made);
    assert_equal(fief_xi_data_release(b, &data), FIEF_XI_QUEUED);
    assert_equal(releases, 0);
    fief_poll(a);
    cr_assert(releases == 4 && fief_xi_outstanding(a) == 0);
    end();
}

Test(xi_kinds, a_tuple_whose_owner_has_ended_has_what_needs_no_owner) {
    begin();
    fief_xi_data data = cleared;
    const fief_xi_data *items;
    size_t count;
    void *made = &data;
    failing_item = 99;
    releases = 0;
    assert_equal(fief_xi_share_tuple(a, &data, 4, share_item, &failing_item), FIEF_SHARE_OK);
    fief_destroy(a);
    assert_equal(releases, 4);
    cr_assert(fief_xi_read_tuple(&data, &items, &count) && count == 4);
    assert_equal(fief_xi_data_validate(&items[2]), FIEF_SHARE_OWNER_GONE);
    assert_equal(fief_xi_new_object(b, &data, &made), FIEF_SHARE_OWNER_GONE);
    cr_assert(made == NULL && live_objects == 0, "what the failing tuple had made is gone");
    assert_equal(fief_xi_data_release(b, &data), FIEF_XI_GONE);
    assert_equal(releases, 4);
    fief_destroy(b);
}

static unsigned depth_left, deepest;

static fief_share_status share_deep(fief *f, size_t index, fief_xi_data *item, void *arg) {
    (void)index;
    deepest = item->depth;
    if (depth_left == 0)
        return fief_xi_share_int64(f, item, 42);
    depth_left--;
    return fief_xi_share_tuple(f, item, 1, share_deep, arg);
}

Test(xi_kinds, tuples_may_be_nested_so_far_and_no_further) {
    begin();
    fief_xi_data data = cleared;
    depth_left = FIEF_XI_MOST_DEPTH - 1;
    assert_equal(fief_xi_share_tuple(a, &data, 1, share_deep, NULL), FIEF_SHARE_OK);
    assert_equal(deepest, FIEF_XI_MOST_DEPTH);
    fief_destroy(a);
    const fief_xi_data *inner = &data;
    size_t count = 1;
    unsigned tuples = 0;
    while (fief_xi_read_tuple(inner, &inner, &count))
        tuples++;
    int64_t value = 0;
    cr_assert(tuples == FIEF_XI_MOST_DEPTH && fief_xi_read_int64(inner, &value) && value == 42);
    assert_equal(fief_xi_data_release(NULL, &data), FIEF_XI_RAN);
    depth_left = UINT32_MAX; /* one that is within itself */
    assert_equal(fief_xi_share_tuple(b, &data, 1, share_deep, NULL), FIEF_SHARE_TOO_DEEP);
    cr_assert(data.kind == NULL && data.payload == NULL);
    fief_destroy(b);
}

Test(xi_kinds, a_tuple_wants_its_arguments) {
    begin();
    fief_xi_data data = cleared;
    assert_equal(fief_xi_share_tuple(a, NULL, 0, NULL, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_share_tuple(a, &data, 1, NULL, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_share_tuple(NULL, &data, 1, share_deep, NULL), FIEF_SHARE_NO_OWNER);
    assert_equal(fief_xi_share_tuple(a, &data, SIZE_MAX, share_deep, NULL), FIEF_SHARE_NO_MEMORY);
    assert_equal(fief_xi_share_int64(a, &data, 5), FIEF_SHARE_OK);
    assert_equal(fief_xi_share_tuple(a, &data, 1, share_deep, NULL), FIEF_SHARE_BAD_ARGUMENT);
    int64_t value = 0;
    cr_assert(fief_xi_read_int64(&data, &value) && value == 5, "what was there is there still");
    end();
}

static fief_share_status move_in(fief *f, size_t index, fief_xi_data *item, void *arg) {
    fief_xi_data *other = arg;
    (void)f, (void)index;
    *item = *other;
    *other = cleared;
    return FIEF_SHARE_OK;
}

/* It would not know how deep it is. */
Test(xi_kinds, a_tuple_that_was_made_elsewhere_is_not_taken_in) {
    begin();
    fief_xi_data inner = cleared, outer = cleared;
    assert_equal(fief_xi_share_tuple(a, &inner, 0, NULL, NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_share_tuple(a, &outer, 1, move_in, &inner), FIEF_SHARE_TOO_DEEP);
    cr_assert_null(outer.kind);
    assert_equal(fief_xi_share_int64(a, &inner, 7), FIEF_SHARE_OK);
    assert_equal(fief_xi_share_tuple(a, &outer, 1, move_in, &inner), FIEF_SHARE_OK);
    fief_xi_data_release(a, &outer);
    end();
}
