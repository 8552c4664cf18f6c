/* Shared data: made by its owner, read anywhere, freed once and at home, whoever ends first. Both sides are this
 * one thread's, so that each step is where the test wants it; tests/race/xi_data.c has the threads, and
 * tests/unit/xi/hold.c each end at each step with memory failing. */
#include "support/compare.h"
#include "support/levels.h"
#include "support/objects.h"

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(xi_data, .init = set_up);

static const fief_xi_data cleared = FIEF_XI_DATA_INIT;

static void forget(void) {
    payloads_freed = live_objects = 0;
    freed_in = NULL;
}

static bool is_cleared(const fief_xi_data *data) {
    return data->kind == NULL && data->owner == FIEF_ID_NONE && data->payload == NULL && data->object == NULL &&
           data->hold == NULL;
}

/* ---- making ---- */

Test(xi_data, nothing_is_fine_to_release) {
    fief *f = create(named("f"));
    fief_xi_data data = cleared;
    assert_equal(fief_xi_data_release(f, &data), FIEF_XI_RAN);
    assert_equal(fief_xi_data_release(NULL, &data), FIEF_XI_RAN);
    assert_equal(fief_xi_data_clear(f, &data), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_free(f, NULL), FIEF_XI_RAN);
    fief_xi_data *made = fief_xi_data_new();
    cr_assert(made != NULL && is_cleared(made));
    assert_equal(fief_xi_data_free(NULL, made), FIEF_XI_RAN);
    assert_equal(fief_xi_outstanding(f), 0);
    fief_destroy(f);
}

Test(xi_data, it_wants_a_cleared_struct_and_something_to_make_an_object_with) {
    static const fief_xi_kind no_new_object = {"none", NULL, NULL};
    fief *f = create(named("f"));
    fief_xi_data data = cleared;
    int64_t value = 5;
    assert_equal(fief_xi_data_init(f, NULL, &plain_kind, &value, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_data_init(f, &data, NULL, &value, NULL), FIEF_SHARE_NO_NEW_OBJECT);
    assert_equal(fief_xi_data_init(f, &data, &no_new_object, &value, NULL), FIEF_SHARE_NO_NEW_OBJECT);
    cr_assert(is_cleared(&data));
    assert_equal(fief_xi_data_init(f, &data, &plain_kind, &value, NULL), FIEF_SHARE_OK);
    cr_assert(data.payload == &value && data.owner == fief_id_of(f));
    assert_equal(fief_xi_data_init(f, &data, &plain_kind, NULL, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_share_int64(f, &data, 1), FIEF_SHARE_BAD_ARGUMENT);
    cr_assert_eq(data.payload, &value);
    assert_equal(fief_xi_data_clear(f, &data), FIEF_SHARE_OK);
    cr_assert(is_cleared(&data));
    fief_destroy(f);
}

Test(xi_data, an_object_wants_an_owner_and_is_referred_to) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        fief_xi_data data = cleared;
        forget();
        object *o = object_new(f, 1);
        assert_equal(fief_xi_data_init(NULL, &data, &plain_kind, NULL, o), FIEF_SHARE_NO_OWNER);
        assert_equal(fief_xi_data_init(f, &data, &plain_kind, NULL, o), FIEF_SHARE_BAD_ARGUMENT);
        cr_assert(is_cleared(&data) && o->references == 1);
        assert_equal(fief_xi_use_objects(f, &the_objects), FIEF_SHARE_OK);
        cr_assert_eq(fief_xi_objects_of(f), &the_objects);
        assert_equal(fief_xi_data_init(f, &data, &plain_kind, &o->value, o), FIEF_SHARE_OK);
        cr_assert(o->references == 2 && data.object == o && fief_xi_outstanding(f) == 1);
        assert_equal(fief_xi_data_release(f, &data), FIEF_XI_RAN);
        cr_assert(o->references == 1 && is_cleared(&data) && fief_xi_outstanding(f) == 0);
        object_drop(f, o);
        assert_equal(live_objects, 0);
        fief_destroy(f);
    }
}

Test(xi_data, hooks_for_objects_come_in_pairs) {
    fief *f = create(named("f"));
    const fief_xi_objects no_drop = {object_take, NULL, NULL}, no_take = {NULL, object_drop, NULL};
    assert_equal(fief_xi_use_objects(f, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_use_objects(f, &no_drop), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_use_objects(f, &no_take), FIEF_SHARE_BAD_ARGUMENT);
    cr_assert_null(fief_xi_objects_of(f));
    fief_destroy(f);
}

Test(xi_data, a_size_is_not_0_and_has_an_owner) {
    fief *f = create(named("f"));
    fief_xi_data data = cleared;
    assert_equal(fief_xi_data_init_sized(f, &data, &plain_kind, 0, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_data_init_sized(NULL, &data, &plain_kind, 8, NULL), FIEF_SHARE_NO_OWNER);
    assert_equal(fief_xi_data_init_sized(f, &data, &plain_kind, SIZE_MAX, NULL), FIEF_SHARE_NO_MEMORY);
    cr_assert(is_cleared(&data));
    for (size_t bytes = 1; bytes < 100000; bytes = bytes * 3 + 1) {
        assert_equal(fief_xi_data_init_sized(f, &data, &plain_kind, bytes, NULL), FIEF_SHARE_OK);
        cr_assert(data.bytes == bytes && (uintptr_t)data.payload % 16 == 0);
        cr_assert_neq(fief_owner(data.payload), fief_id_of(f), "it is nobody's");
        memset(data.payload, 1, bytes);
        assert_equal(fief_xi_data_release(NULL, &data), FIEF_XI_RAN);
    }
    fief_destroy(f);
}

Test(xi_data, what_is_missing_has_an_error_of_its_own) {
    fief_xi_data data = cleared;
    assert_equal(fief_xi_data_validate(&data), FIEF_SHARE_NO_OWNER);
    assert_equal(fief_xi_data_init(NULL, &data, &plain_kind, NULL, NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_validate(&data), FIEF_SHARE_NO_OWNER);
    fief *f = create(named("f"));
    void *made = &data;
    assert_equal(fief_xi_new_object(f, &data, &made), FIEF_SHARE_NO_OWNER);
    cr_assert_null(made);
    assert_equal(fief_xi_data_clear(f, &data), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_init(f, &data, &plain_kind, NULL, NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_validate(&data), FIEF_SHARE_OK);
    data.kind = NULL;
    assert_equal(fief_xi_data_validate(&data), FIEF_SHARE_NO_NEW_OBJECT);
    fief_destroy(f);
}

Test(xi_data, each_status_has_a_text_of_its_own) {
    for (fief_share_status s = FIEF_SHARE_OK; s <= FIEF_SHARE_BAD_ARGUMENT; s++)
        for (fief_share_status other = FIEF_SHARE_OK; other < s; other++)
            cr_assert_str_neq(fief_share_status_text(s), fief_share_status_text(other));
    cr_assert_str_eq(fief_share_status_text((fief_share_status)99), "unknown status");
}

/* ---- reading ---- */

Test(xi_data, a_receiver_makes_an_object_of_its_own) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create_with_objects(at_level(level, &heard));
        fief_xi_data data = cleared;
        void *made;
        forget();
        assert_equal(share_held(a, &data, 77), FIEF_SHARE_OK);
        for (unsigned times = 0; times < 2; times++) {
            assert_equal(fief_xi_new_object(b, &data, &made), FIEF_SHARE_OK);
            cr_assert(((object *)made)->value == 77 && ((object *)made)->home == fief_id_of(b));
            object_drop(b, made);
        }
        assert_equal(fief_xi_new_object(a, &data, &made), FIEF_SHARE_OK);
        cr_assert_eq(((object *)made)->home, fief_id_of(a), "the owner may, too");
        assert_equal(fief_xi_new_object(NULL, &data, &made), FIEF_SHARE_BAD_ARGUMENT);
        fief_xi_data_release(b, &data);
        fief_destroy(a);
        fief_destroy(b);
        assert_equal(heard.count, 0);
    }
}

static fief_share_status fails_and_leaves(fief *receiver, const fief_xi_data *data, void **out) {
    (void)receiver, (void)data;
    *out = &heard;
    return FIEF_SHARE_FAILED;
}

Test(xi_data, a_kind_that_fails_gives_no_object) {
    static const fief_xi_kind failing = {"failing", fails_and_leaves, NULL};
    fief *f = create(named("f"));
    fief_xi_data data = cleared;
    void *made = &data;
    assert_equal(fief_xi_data_init(f, &data, &failing, NULL, NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_new_object(f, &data, &made), FIEF_SHARE_FAILED);
    cr_assert_null(made);
    fief_destroy(f);
}

/* ---- releasing ---- */

Test(xi_data, in_its_owner_it_is_freed_at_once) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard));
        fief_xi_data data = cleared;
        forget();
        assert_equal(share_held(a, &data, 1), FIEF_SHARE_OK);
        assert_equal(fief_xi_data_release(a, &data), FIEF_XI_RAN);
        cr_assert(payloads_freed == 1 && freed_in == a && is_cleared(&data));
        assert_equal(fief_xi_data_release(a, &data), FIEF_XI_RAN);
        assert_equal(payloads_freed, 1);
        assert_equal(exact_stats(a).live_blocks, 0);
        cr_assert_null(fief_current());
        fief_destroy(a);
    }
}

Test(xi_data, elsewhere_it_goes_home_and_is_freed_there) {
    FOR_LEVELS(level) {
        fief *a = create_with_objects(at_level(level, &heard)), *b = create(at_level(level, &heard));
        fief_xi_data data = cleared, other = cleared;
        forget();
        object *o = object_new(a, 3);
        assert_equal(share_held(a, &data, 1), FIEF_SHARE_OK);
        assert_equal(fief_xi_data_init(a, &other, &plain_kind, NULL, o), FIEF_SHARE_OK);
        assert_equal(fief_xi_data_release(b, &data), FIEF_XI_QUEUED);
        assert_equal(fief_xi_data_release(NULL, &other), FIEF_XI_QUEUED);
        cr_assert(is_cleared(&data) && is_cleared(&other) && payloads_freed == 0 && o->references == 2);
        fief_poll(b);
        assert_equal(payloads_freed, 0);
        assert_equal(fief_xi_outstanding(a), 2);
        fief_poll(a);
        cr_assert(payloads_freed == 1 && freed_in == a && o->references == 1);
        assert_equal(fief_xi_outstanding(a), 0);
        object_drop(a, o);
        assert_equal(exact_stats(a).live_blocks, 0);
        fief_destroy(a);
        fief_destroy(b);
        assert_equal(heard.count, 0);
    }
}

Test(xi_data, one_from_the_commons_is_freed_with_its_struct) {
    fief *a = create(named("a")), *b = create(named("b"));
    fief_xi_data *data = fief_xi_data_new();
    forget();
    assert_equal(share_held(a, data, 1), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_free(b, data), FIEF_XI_QUEUED);
    fief_poll(a);
    assert_equal(payloads_freed, 1);
    fief_destroy(a);
    fief_destroy(b);
}

Test(xi_data, it_is_cleared_in_its_owner_alone) {
    fief *a = create(named("a")), *b = create(named("b"));
    fief_xi_data data = cleared, plain = cleared;
    forget();
    assert_equal(share_held(a, &data, 1), FIEF_SHARE_OK);
    assert_equal(fief_xi_share_int64(a, &plain, 1), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_clear(b, &data), FIEF_SHARE_NOT_OWNER);
    assert_equal(fief_xi_data_clear(NULL, &data), FIEF_SHARE_NOT_OWNER);
    assert_equal(fief_xi_data_clear(b, &plain), FIEF_SHARE_NOT_OWNER);
    cr_assert(!is_cleared(&data) && !is_cleared(&plain) && payloads_freed == 0);
    assert_equal(fief_xi_data_clear(a, &data), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_clear(a, &plain), FIEF_SHARE_OK);
    cr_assert(is_cleared(&data) && is_cleared(&plain) && payloads_freed == 1);
    fief_destroy(a);
    fief_destroy(b);
}

Test(xi_data, it_may_be_moved) {
    fief *a = create(named("a")), *b = create(named("b"));
    fief_xi_data first = cleared, second;
    forget();
    assert_equal(share_held(a, &first, 9), FIEF_SHARE_OK);
    memcpy(&second, &first, sizeof second);
    memset(&first, 0xEE, sizeof first);
    assert_equal(fief_xi_data_release(b, &second), FIEF_XI_QUEUED);
    memset(&second, 0xEE, sizeof second);
    fief_poll(a);
    assert_equal(payloads_freed, 1);
    fief_destroy(a);
    fief_destroy(b);
}

/* ---- ends ---- */

Test(xi_data, an_owner_that_ends_takes_back_what_is_its) {
    FOR_LEVELS(level) {
        fief *a = create_with_objects(at_level(level, &heard)), *b = create(at_level(level, &heard));
        fief_xi_data held = cleared, sized = cleared;
        void *made = &held;
        forget();
        object *o = object_new(a, 3);
        assert_equal(share_held(a, &held, 1), FIEF_SHARE_OK);
        assert_equal(fief_xi_data_init_sized(a, &sized, &plain_kind, 8, o), FIEF_SHARE_OK);
        object_drop(a, o);
        assert_equal(fief_destroy(a), FIEF_OK);
        cr_assert(payloads_freed == 1 && freed_in == a && live_objects == 0);
        assert_equal(fief_xi_data_validate(&held), FIEF_SHARE_OWNER_GONE);
        assert_equal(fief_xi_new_object(b, &held, &made), FIEF_SHARE_OWNER_GONE);
        cr_assert_null(made);
        assert_equal(fief_xi_new_object(b, &sized, &made), FIEF_SHARE_OWNER_GONE);
        assert_equal(fief_xi_data_release(b, &held), FIEF_XI_GONE);
        assert_equal(fief_xi_data_release(NULL, &sized), FIEF_XI_GONE);
        cr_assert(is_cleared(&held) && is_cleared(&sized));
        assert_equal(payloads_freed, 1);
        fief_destroy(b);
        assert_equal(heard.count, 0);
    }
}

Test(xi_data, copied_bytes_outlive_their_owner) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create_with_objects(at_level(level, &heard));
        fief_xi_data data = cleared;
        void *made;
        assert_equal(fief_xi_data_init_sized(a, &data, &plain_kind, sizeof(int64_t), NULL), FIEF_SHARE_OK);
        *(int64_t *)data.payload = 123;
        assert_equal(fief_xi_outstanding(a), 0);
        fief_destroy(a);
        assert_equal(fief_xi_data_validate(&data), FIEF_SHARE_OK);
        assert_equal(fief_xi_new_object(b, &data, &made), FIEF_SHARE_OK);
        assert_equal(((object *)made)->value, 123);
        object_drop(b, made);
        assert_equal(fief_xi_data_release(b, &data), FIEF_XI_RAN);
        fief_destroy(b);
    }
}

Test(xi_data, a_receiver_that_ends_without_releasing_loses_nothing) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        fief_xi_data *data = fief_zalloc(b, sizeof *data); /* it goes down with it */
        forget();
        assert_equal(share_held(a, data, 1), FIEF_SHARE_OK);
        fief_destroy(b);
        fief_poll(a);
        cr_assert(payloads_freed == 0 && fief_xi_outstanding(a) == 1);
        fief_destroy(a);
        assert_equal(payloads_freed, 1);
    }
}

Test(xi_data, what_is_on_its_way_home_when_the_owner_ends_is_freed_once) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        fief_xi_data first = cleared, second = cleared;
        forget();
        assert_equal(share_held(a, &first, 1), FIEF_SHARE_OK);
        assert_equal(share_held(a, &second, 1), FIEF_SHARE_OK);
        assert_equal(fief_xi_data_release(b, &first), FIEF_XI_QUEUED);
        fief_destroy(b);
        fief_destroy(a);
        assert_equal(payloads_freed, 2);
        assert_equal(fief_xi_data_release(NULL, &second), FIEF_XI_GONE);
        assert_equal(payloads_freed, 2);
        assert_equal(heard.count, 0);
    }
}

static fief_xi_data left_over;
static fief_xi_result result_then;
static fief_share_status validity_then, sharing_then, plain_then;

static void release_at_the_end(fief *f, void *arg) {
    fief_xi_data data = cleared;
    validity_then = fief_xi_data_validate(&left_over);
    sharing_then = fief_xi_data_init(f, &data, &held_kind, &left_over, NULL);
    cr_assert(is_cleared(&data));
    plain_then = fief_xi_share_string(f, &data, "last words", 10);
    fief_xi_data_release(f, &data);
    result_then = fief_xi_data_release(arg != NULL ? arg : f, &left_over);
}

Test(xi_data, one_that_is_closing_has_taken_back_all_and_shares_nothing_of_its_own) {
    for (unsigned by_another = 0; by_another < 2; by_another++) {
        fief *a = create(named("a")), *b = create(named("b"));
        forget();
        left_over = cleared;
        assert_equal(share_held(a, &left_over, 1), FIEF_SHARE_OK);
        fief_at_exit(a, release_at_the_end, by_another ? b : NULL);
        fief_destroy(a);
        assert_equal(result_then, by_another ? FIEF_XI_CLOSING : FIEF_XI_RAN);
        assert_equal(validity_then, FIEF_SHARE_OWNER_GONE);
        assert_equal(sharing_then, FIEF_SHARE_BAD_STATE);
        assert_equal(plain_then, FIEF_SHARE_OK);
        assert_equal(payloads_freed, 1);
        fief_destroy(b);
    }
}

/* What is freed may have data of its own: of its owner's, of another's, and itself. */
typedef struct nest {
    fief_xi_data own, foreign;
    fief_xi_data *self;
} nest;

static void free_nest(fief *owner, void *payload) {
    nest *n = payload;
    payloads_freed++;
    fief_xi_data_release(owner, &n->own);
    fief_xi_data_release(owner, &n->foreign);
    if (n->self != NULL)
        fief_xi_data_release(owner, n->self);
    fief_free(owner, n);
}

static const fief_xi_kind nest_kind = {"nest", read_payload, free_nest};

static nest *make_nest(fief *a, fief *b, fief_xi_data *data) {
    nest *n = fief_zalloc(a, sizeof *n);
    assert_equal(share_held(a, &n->own, 1), FIEF_SHARE_OK);
    assert_equal(share_held(b, &n->foreign, 1), FIEF_SHARE_OK);
    assert_equal(fief_xi_data_init(a, data, &nest_kind, n, NULL), FIEF_SHARE_OK);
    return n;
}

Test(xi_data, what_is_freed_may_release_other_data) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        fief_xi_data data = cleared, at_end = cleared;
        forget();
        make_nest(a, b, &data);
        assert_equal(fief_xi_data_release(b, &data), FIEF_XI_QUEUED);
        fief_poll(a);
        assert_equal(payloads_freed, 2);
        fief_poll(b);
        assert_equal(payloads_freed, 3);
        make_nest(a, b, &at_end)->self = &at_end;
        fief_destroy(a);
        cr_assert(payloads_freed == 5 && is_cleared(&at_end));
        fief_destroy(b);
        assert_equal(payloads_freed, 6);
        assert_equal(heard.count, 0);
    }
}
