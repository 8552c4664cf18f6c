/* Which types can be shared: of one interpreter and of the process, counted, matched exactly, and gone when they
 * die. */
#include "support/compare.h"
#include "support/levels.h"
#include "support/objects.h"

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(xi_registry, .init = set_up);

static const fief_xi_data cleared = FIEF_XI_DATA_INIT;
static char types[1000]; /* a type is an address */

static fief_share_status share_value(fief *f, void *shared, fief_xi_data *data) {
    return fief_xi_share_int64(f, data, *(int64_t *)shared);
}

static fief_share_status share_other(fief *f, void *shared, fief_xi_data *data) {
    (void)shared;
    return fief_xi_share_none(f, data);
}

static fief_share_status share_nothing(fief *f, void *shared, fief_xi_data *data) {
    (void)f, (void)shared, (void)data;
    return FIEF_SHARE_OK;
}

static fief_share_status share_and_fail(fief *f, void *shared, fief_xi_data *data) {
    (void)shared;
    share_held(f, data, 1);
    return FIEF_SHARE_FAILED;
}

/* ---- what is found ---- */

Test(xi_registry, a_type_is_shareable_once_it_is_registered) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        fief_xi_data data = cleared;
        int64_t shared = 12, value = 0;
        for (unsigned own = 0; own < 2; own++) {
            assert_equal(fief_xi_share(f, types, 0, &shared, &data), FIEF_SHARE_NOT_SHAREABLE);
            assert_equal(fief_xi_register(own ? f : NULL, types, 0, share_value), FIEF_SHARE_OK);
            assert_equal(fief_xi_share(f, types, 0, &shared, &data), FIEF_SHARE_OK);
            cr_assert(fief_xi_read_int64(&data, &value) && value == 12 && data.owner == fief_id_of(f));
            assert_equal(fief_xi_share(f, types, 0, &shared, &data), FIEF_SHARE_BAD_ARGUMENT);
            fief_xi_data_release(f, &data);
            assert_equal(fief_xi_share(f, types + 1, 0, &shared, &data), FIEF_SHARE_NOT_SHAREABLE);
            cr_assert(fief_xi_unregister(own ? f : NULL, types, 0));
            assert_equal(fief_xi_share(f, types, 0, &shared, &data), FIEF_SHARE_NOT_SHAREABLE);
        }
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}

Test(xi_registry, an_interpreters_types_are_its_own_and_come_first) {
    fief *a = create(named("a")), *b = create(named("b"));
    assert_equal(fief_xi_register(NULL, types, 0, share_value), FIEF_SHARE_OK);
    assert_equal(fief_xi_register(a, types, 0, share_other), FIEF_SHARE_OK);
    cr_assert_eq(fief_xi_find_type(a, types, 0), share_other);
    cr_assert_eq(fief_xi_find_type(b, types, 0), share_value);
    cr_assert_eq(fief_xi_find_type(NULL, types, 0), share_value);
    cr_assert_not(fief_xi_unregister(b, types, 0));
    fief_destroy(a); /* and its types with it */
    cr_assert_eq(fief_xi_find_type(b, types, 0), share_value);
    a = create(named("next"));
    cr_assert_eq(fief_xi_find_type(a, types, 0), share_value);
    cr_assert(fief_xi_unregister(NULL, types, 0));
    cr_assert_null(fief_xi_find_type(a, types, 0));
    fief_destroy(a);
    fief_destroy(b);
}

/* ---- counting ---- */

Test(xi_registry, registering_again_counts_up_and_wants_the_same_function) {
    fief *f = create(named("f"));
    for (unsigned own = 0; own < 2; own++) {
        fief *whose = own ? f : NULL;
        cr_assert_not(fief_xi_unregister(whose, types, 0));
        for (unsigned i = 0; i < 3; i++)
            assert_equal(fief_xi_register(whose, types, 0, share_value), FIEF_SHARE_OK);
        assert_equal(fief_xi_register(whose, types, 0, share_other), FIEF_SHARE_OTHER_FUNCTION);
        for (unsigned i = 0; i < 3; i++) {
            cr_assert_eq(fief_xi_find_type(f, types, 0), share_value);
            cr_assert(fief_xi_unregister(whose, types, 0));
        }
        cr_assert_null(fief_xi_find_type(f, types, 0));
        cr_assert_not(fief_xi_unregister(whose, types, 0));
        assert_equal(fief_xi_register(whose, types, 0, share_other), FIEF_SHARE_OK);
        cr_assert(fief_xi_forget_type(whose, types));
        cr_assert_not(fief_xi_forget_type(whose, types));
    }
    fief_destroy(f);
}

/* What a runtime does when it begins and when it ends. There may be two, and each may do it again. */
static void begin_runtime(void) {
    for (unsigned i = 0; i < 5; i++)
        assert_equal(fief_xi_register(NULL, &types[i], 0, share_value), FIEF_SHARE_OK);
}

static void end_runtime(void) {
    for (unsigned i = 0; i < 5; i++)
        cr_assert(fief_xi_unregister(NULL, &types[i], 0));
}

Test(xi_registry, a_runtime_may_begin_and_end_twice) {
    begin_runtime();
    begin_runtime();
    end_runtime();
    cr_assert_eq(fief_xi_find_type(NULL, &types[4], 0), share_value);
    end_runtime();
    cr_assert_null(fief_xi_find_type(NULL, &types[4], 0));
    begin_runtime();
    end_runtime();
    for (unsigned i = 0; i < 5; i++)
        cr_assert_not(fief_xi_unregister(NULL, &types[i], 0));
}

Test(xi_registry, there_is_room_for_many) {
    fief *f = create(named("f"));
    for (unsigned i = 0; i < sizeof types; i++)
        assert_equal(fief_xi_register(i % 2 ? f : NULL, &types[i], 0, i % 3 ? share_value : share_other), 0);
    for (unsigned i = 0; i < sizeof types; i++)
        cr_assert_eq(fief_xi_find_type(f, &types[i], 0), i % 3 ? share_value : share_other);
    for (unsigned i = 0; i < sizeof types; i++)
        cr_assert(i % 2 || fief_xi_unregister(NULL, &types[i], 0));
    fief_destroy(f);
}

/* ---- types that die ---- */

Test(xi_registry, a_type_at_a_dead_ones_address_is_another) {
    fief *f = create(named("f"));
    assert_equal(fief_xi_register(f, types, 1, share_value), FIEF_SHARE_OK);
    assert_equal(fief_xi_register(f, types, 1, share_value), FIEF_SHARE_OK);
    cr_assert_eq(fief_xi_find_type(f, types, 1), share_value);
    cr_assert_null(fief_xi_find_type(f, types, 2));
    cr_assert_null(fief_xi_find_type(f, types, 1), "it was found to be dead");
    assert_equal(fief_xi_register(f, types, 2, share_value), FIEF_SHARE_OK);
    assert_equal(fief_xi_register(f, types, 3, share_other), FIEF_SHARE_OK);
    cr_assert_not(fief_xi_unregister(f, types, 4));
    cr_assert_null(fief_xi_find_type(f, types, 3));
    assert_equal(fief_xi_register(f, types, 5, share_value), FIEF_SHARE_OK);
    assert_equal(fief_xi_register(f, types, 5, share_value), FIEF_SHARE_OK);
    cr_assert(fief_xi_forget_type(f, types), "it died, and the runtime says so");
    cr_assert_null(fief_xi_find_type(f, types, 5));
    fief_destroy(f);
}

Test(xi_registry, what_dies_is_no_process_s) {
    fief *f = create(named("f"));
    assert_equal(fief_xi_register(NULL, types, 1, share_value), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_register(NULL, types, 0, share_value), FIEF_SHARE_OK);
    cr_assert_null(fief_xi_find_type(f, types, 1));
    cr_assert_not(fief_xi_unregister(NULL, types, 1));
    cr_assert_eq(fief_xi_find_type(f, types, 0), share_value);
    cr_assert(fief_xi_unregister(NULL, types, 0));
    fief_destroy(f);
}

/* ---- what a function makes ---- */

Test(xi_registry, what_a_function_makes_is_looked_at) {
    fief *f = create(named("f"));
    fief_xi_data data = cleared;
    payloads_freed = 0;
    assert_equal(fief_xi_register(f, &types[0], 0, share_nothing), FIEF_SHARE_OK);
    assert_equal(fief_xi_register(f, &types[1], 0, share_and_fail), FIEF_SHARE_OK);
    assert_equal(fief_xi_share(f, &types[0], 0, NULL, &data), FIEF_SHARE_NO_OWNER);
    assert_equal(fief_xi_share(f, &types[1], 0, NULL, &data), FIEF_SHARE_FAILED);
    cr_assert(data.kind == NULL && data.owner == FIEF_ID_NONE && payloads_freed == 1);
    assert_equal(fief_xi_share(NULL, &types[0], 0, NULL, &data), FIEF_SHARE_NO_OWNER);
    assert_equal(fief_xi_share(f, &types[0], 0, NULL, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_register(f, NULL, 0, share_value), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_register(f, types, 0, NULL), FIEF_SHARE_BAD_ARGUMENT);
    fief_destroy(f);
}

static fief_share_status registered_then;
static fief_xi_share_fn *found_then, *process_then;

static void register_at_the_end(fief *f, void *arg) {
    (void)arg;
    registered_then = fief_xi_register(f, &types[1], 0, share_value);
    found_then = fief_xi_find_type(f, &types[0], 0);
    process_then = fief_xi_find_type(f, &types[2], 0);
}

Test(xi_registry, one_that_is_closing_has_the_processs_types_alone) {
    fief *f = create(named("f"));
    assert_equal(fief_xi_register(f, &types[0], 0, share_value), FIEF_SHARE_OK);
    assert_equal(fief_xi_register(NULL, &types[2], 0, share_other), FIEF_SHARE_OK);
    fief_at_exit(f, register_at_the_end, NULL);
    fief_destroy(f);
    assert_equal(registered_then, FIEF_SHARE_BAD_STATE);
    cr_assert(found_then == NULL && process_then == share_other);
    cr_assert(fief_xi_unregister(NULL, &types[2], 0));
}
