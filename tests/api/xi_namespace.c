/* Namespaces: filled in one interpreter, applied in another, whole or not at all; and what is released late leads
 * into none that is gone. */
#include "support/compare.h"
#include "support/levels.h"
#include "support/objects.h"

#include <fief/session.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(xi_namespace, .init = set_up);

enum { NAMES = 4, MISSING = 2 };
static const char *const names[NAMES] = {"alpha", "beta", "missing", "delta"};
static const int64_t the_default = -1;

/* A runtime's variables, by the names above. */
typedef struct scope {
    int64_t values[NAMES];
    bool is_set[NAMES];
    unsigned order[NAMES], taken_away; /* of what was undone */
    unsigned failing;                  /* this name fails; NAMES: none */
    bool makes_nothing;                /* or, filling, is said to be there, and is not */
} scope;

static unsigned index_of(const char *name) {
    unsigned i = 0;
    while (i < NAMES && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static fief_share_status fill(fief *f, const char *name, fief_xi_data *data, void *arg) {
    const scope *s = arg;
    unsigned i = index_of(name);
    if (i == s->failing)
        return s->makes_nothing ? FIEF_SHARE_OK : FIEF_SHARE_NOT_SHAREABLE;
    return i == MISSING ? FIEF_SHARE_MISSING : share_held(f, data, s->values[i]);
}

static fief_share_status put(fief *f, const char *name, const fief_xi_data *data, void *arg) {
    scope *s = arg;
    unsigned i = index_of(name);
    void *made = NULL;
    if (i == s->failing)
        return FIEF_SHARE_FAILED;
    fief_share_status status = data != NULL ? fief_xi_new_object(f, data, &made) : FIEF_SHARE_OK;
    if (status != FIEF_SHARE_OK)
        return status;
    s->values[i] = made != NULL ? ((object *)made)->value : the_default;
    s->is_set[i] = true;
    if (made != NULL)
        object_drop(f, made);
    return FIEF_SHARE_OK;
}

static void undo(fief *f, const char *name, void *arg) {
    scope *s = arg;
    unsigned i = index_of(name);
    cr_assert(f != NULL && s->is_set[i]);
    s->is_set[i] = false;
    s->order[s->taken_away++] = i;
}

static fief_xi_namespace *of_names(void) {
    fief_xi_namespace *space = NULL;
    assert_equal(fief_xi_namespace_new(&space, names, NAMES), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_count(space), NAMES);
    return space;
}

/* ---- none ---- */

Test(xi_namespace, empty_is_none_and_no_error) {
    fief *f = create(named("f"));
    fief_xi_namespace *space = (fief_xi_namespace *)&heard;
    assert_equal(fief_xi_namespace_new(&space, names, 0), FIEF_SHARE_OK);
    cr_assert_null(space);
    assert_equal(fief_xi_namespace_new(&space, NULL, 0), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_count(NULL), 0);
    assert_equal(fief_xi_namespace_fill(f, NULL, fill, NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_apply(f, NULL, put, undo, NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_free(f, NULL), FIEF_XI_RAN);
    fief_destroy(f);
}

Test(xi_namespace, it_wants_its_arguments) {
    fief *f = create(named("f"));
    const char *const with_none[] = {"a", NULL};
    fief_xi_namespace *space = (fief_xi_namespace *)&heard;
    assert_equal(fief_xi_namespace_new(&space, with_none, 2), FIEF_SHARE_BAD_ARGUMENT);
    cr_assert_null(space);
    assert_equal(fief_xi_namespace_new(&space, NULL, 2), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_namespace_new(NULL, names, 2), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_namespace_add(&space, NULL, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_namespace_add(NULL, "a", NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_namespace_fill(f, NULL, NULL, NULL), FIEF_SHARE_BAD_ARGUMENT);
    assert_equal(fief_xi_namespace_apply(f, NULL, NULL, NULL, NULL), FIEF_SHARE_BAD_ARGUMENT);
    fief_destroy(f);
}

/* ---- there and back ---- */

Test(xi_namespace, values_arrive_under_their_names_and_what_is_missing_gets_the_default) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        scope from = {.values = {10, 20, 30, 40}, .failing = NAMES}, to = {.failing = NAMES};
        fief_xi_namespace *space = of_names();
        payloads_freed = 0;
        assert_equal(fief_xi_namespace_fill(a, space, fill, &from), FIEF_SHARE_OK);
        assert_equal(fief_xi_outstanding(a), 3);
        assert_equal(fief_xi_namespace_apply(b, space, put, undo, &to), FIEF_SHARE_OK);
        for (unsigned i = 0; i < NAMES; i++) {
            cr_assert(to.is_set[i]);
            cr_assert_eq(to.values[i], i == MISSING ? the_default : from.values[i]);
        }
        assert_equal(fief_xi_namespace_free(b, space), FIEF_XI_QUEUED);
        assert_equal(payloads_freed, 0); /* what comes home now is on its own */
        fief_poll(a);
        assert_equal(payloads_freed, 3);
        assert_equal(exact_stats(a).live_blocks + exact_stats(b).live_blocks, 0);
        fief_destroy(a);
        fief_destroy(b);
        assert_equal(heard.count, 0);
    }
}

Test(xi_namespace, it_may_be_made_item_by_item) {
    fief *a = create(named("a"));
    scope from = {.values = {10, 20, 30, 40}, .failing = NAMES}, to = {.failing = NAMES};
    char name[] = "alpha";
    fief_xi_namespace *space = NULL;
    fief_xi_data data = FIEF_XI_DATA_INIT;
    payloads_freed = 0;
    assert_equal(share_held(a, &data, 99), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_add(&space, name, &data), FIEF_SHARE_OK);
    cr_assert(data.kind == NULL && data.hold == NULL, "it has moved");
    assert_equal(fief_xi_namespace_add(&space, "beta", NULL), FIEF_SHARE_OK);
    memset(name, 'x', sizeof name - 1);
    assert_equal(fief_xi_namespace_count(space), 2);
    assert_equal(fief_xi_namespace_fill(a, space, fill, &from), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_apply(a, space, put, NULL, &to), FIEF_SHARE_OK);
    cr_assert(to.values[0] == 99 && to.values[1] == 20, "what has a value keeps it");
    assert_equal(fief_xi_namespace_free(a, space), FIEF_XI_RAN);
    assert_equal(payloads_freed, 2);
    fief_destroy(a);
}

Test(xi_namespace, a_failure_halfway_leaves_it_as_it_was) {
    fief *a = create(named("a"));
    fief_xi_namespace *space = of_names();
    for (unsigned failing = 0; failing < NAMES; failing++)
        for (unsigned nothing = 0; nothing < 2; nothing++) {
            scope from = {.failing = failing, .makes_nothing = nothing != 0};
            fief_share_status status = fief_xi_namespace_fill(a, space, fill, &from);
            assert_equal(status, nothing ? FIEF_SHARE_NO_OWNER : FIEF_SHARE_NOT_SHAREABLE);
            assert_equal(fief_xi_outstanding(a), 0);
            scope to = {.failing = NAMES};
            assert_equal(fief_xi_namespace_apply(a, space, put, undo, &to), FIEF_SHARE_OK);
            for (unsigned i = 0; i < NAMES; i++)
                cr_assert_eq(to.values[i], the_default, "%u has no value", i);
        }
    fief_xi_namespace_free(a, space);
    assert_equal(exact_stats(a).live_blocks, 0);
    fief_destroy(a);
}

Test(xi_namespace, a_failure_halfway_keeps_what_earlier_calls_filled) {
    fief *a = create(named("a"));
    scope from = {.failing = NAMES}, fails = {.failing = 3};
    const char *const one[] = {"alpha"};
    fief_xi_namespace *space = NULL;
    payloads_freed = 0;
    assert_equal(fief_xi_namespace_new(&space, one, 1), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_fill(a, space, fill, &from), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_add(&space, "beta", NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_add(&space, "delta", NULL), FIEF_SHARE_OK);
    assert_equal(fief_xi_namespace_fill(a, space, fill, &fails), FIEF_SHARE_NOT_SHAREABLE);
    cr_assert(fief_xi_outstanding(a) == 1 && payloads_freed == 1);
    fief_xi_namespace_free(a, space);
    assert_equal(payloads_freed, 2);
    fief_destroy(a);
}

Test(xi_namespace, what_was_put_is_taken_away_again_when_one_fails) {
    fief *a = create(named("a")), *b = create(named("b"));
    scope from = {.failing = NAMES};
    fief_xi_namespace *space = of_names();
    assert_equal(fief_xi_namespace_fill(a, space, fill, &from), FIEF_SHARE_OK);
    for (unsigned failing = 0; failing < NAMES; failing++) {
        scope to = {.failing = failing};
        assert_equal(fief_xi_namespace_apply(b, space, put, undo, &to), FIEF_SHARE_FAILED);
        assert_equal(to.taken_away, failing);
        for (unsigned i = 0; i < NAMES; i++)
            cr_assert_not(to.is_set[i]);
        for (unsigned i = 0; i < failing; i++)
            assert_equal(to.order[i], failing - 1 - i);
    }
    fief_xi_namespace_free(b, space);
    fief_destroy(a);
    fief_destroy(b);
}

/* ---- ends ---- */

Test(xi_namespace, one_whose_owner_has_ended_puts_nothing_and_loses_nothing) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        scope from = {.failing = NAMES}, to = {.failing = NAMES};
        fief_xi_namespace *space = of_names();
        payloads_freed = 0;
        assert_equal(fief_xi_namespace_fill(a, space, fill, &from), FIEF_SHARE_OK);
        fief_destroy(a);
        assert_equal(payloads_freed, 3);
        assert_equal(fief_xi_namespace_apply(b, space, put, undo, &to), FIEF_SHARE_OWNER_GONE);
        for (unsigned i = 0; i < NAMES; i++)
            cr_assert_not(to.is_set[i]);
        assert_equal(fief_xi_namespace_free(b, space), FIEF_XI_GONE);
        assert_equal(payloads_freed, 3);
        fief_destroy(b);
        assert_equal(heard.count, 0);
    }
}
