/* Blocks that are free already. */
#include "misuse/cases.h"

static void free_it(scene *s) {
    free_block(s->owner, s->how, s->it.p);
}

static void nothing(scene *s) {
    (void)s;
}

/* Of a large block's pages nothing is known any more, where nothing keeps records. */
static expected as_far_as_known(const scene *s, expected e) {
    return is_watched(s) || is_small(s->how) ? e : and_no_block(e);
}

/* ---- the owner twice ---- */

BUG(wrong_double_free) {
    fief_free(s->owner, s->it.p);
}

static unsigned promise_double_free(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = and_freed(expect(s, FIEF_MISUSE_DOUBLE_FREE, "fief_free", "wrong_double_free"), s->owner_is.id,
                       "free_block");
    out[0] = as_far_as_known(s, out[0]);
    return 1;
}

const misuse_case case_double_free = {.name = "double free",
                                      .prepare = free_it,
                                      .wrong = wrong_double_free,
                                      .right = nothing,
                                      .promise = promise_double_free};

/* ---- the owner, then another ---- */

BUG(wrong_double_free_by_another) {
    fief_free(s->caller, s->it.p);
    fief_poll(s->owner);
}

/* Where nothing keeps records, a small block is sent home, and found free there. */
static unsigned promise_double_free_by_another(const scene *s, expected out[MOST_EXPECTED]) {
    const char *here = "wrong_double_free_by_another";
    if (is_watched(s) || !is_small(s->how)) {
        out[0] = and_freed(expect_of_caller(s, FIEF_MISUSE_DOUBLE_FREE, "fief_free", here), s->owner_is.id,
                           "free_block");
        out[0] = as_far_as_known(s, out[0]);
        return 1;
    }
    out[0] = expect_of_caller(s, FIEF_MISUSE_FOREIGN_FREE, "fief_free", here);
    out[0].verdict = "the block goes home to its owner";
    out[1] = expect_of_caller(s, FIEF_MISUSE_DOUBLE_FREE, "a remote free that its owner took in", NULL);
    return 2;
}

const misuse_case case_double_free_by_another = {.name = "double free, by another interpreter",
                                                 .crosses = true,
                                                 .prepare = free_it,
                                                 .wrong = wrong_double_free_by_another,
                                                 .right = nothing,
                                                 .promise = promise_double_free_by_another};

/* ---- without a handle ---- */

BUG(free_remotely) {
    fief_free_remote(s->it.p);
}

static void take_in(scene *s) {
    if (fief_poll(s->owner) != 1)
        say("the block does not come home");
}

BUG(wrong_double_free_remote) {
    fief_free_remote(s->it.p);
}

static unsigned promise_double_free_remote(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] =
        and_freed(expect_of_nobody(s, FIEF_MISUSE_DOUBLE_FREE, "fief_free_remote", "wrong_double_free_remote"),
                  FIEF_ID_NONE, "free_remotely");
    return 1;
}

const misuse_case case_double_free_remote = {.name = "double free, both remote",
                                             .prepare = free_remotely,
                                             .wrong = wrong_double_free_remote,
                                             .right = take_in,
                                             .tidy = take_in,
                                             .promise = promise_double_free_remote};

BUG(wrong_remote_then_own_free) {
    fief_free(s->owner, s->it.p);
    fief_poll(s->owner);
}

/* Without records a small block's second free is the one that is noticed, when it comes home. */
static unsigned promise_remote_then_own_free(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = and_freed(expect(s, FIEF_MISUSE_DOUBLE_FREE, "fief_free", "wrong_remote_then_own_free"), FIEF_ID_NONE,
                       "free_remotely");
    if (!is_watched(s) && is_small(s->how))
        out[0] = expect_of_nobody(s, FIEF_MISUSE_DOUBLE_FREE, "a remote free that its owner took in", NULL);
    return 1;
}

const misuse_case case_remote_then_own_free = {.name = "remote free, then the owner's",
                                               .prepare = free_remotely,
                                               .wrong = wrong_remote_then_own_free,
                                               .right = take_in,
                                               .promise = promise_remote_then_own_free};

/* ---- realloc ---- */

BUG(wrong_realloc_after_free) {
    if (opaque(fief_realloc(s->owner, s->it.p, 2 * s->it.size + 100)) != NULL)
        say("a free block was resized");
}

static unsigned promise_realloc_after_free(const scene *s, expected out[MOST_EXPECTED]) {
    fief_misuse kind = is_watched(s) ? FIEF_MISUSE_REALLOC_AFTER_FREE : FIEF_MISUSE_DOUBLE_FREE;
    out[0] = and_freed(expect(s, kind, "fief_realloc", "wrong_realloc_after_free"), s->owner_is.id, "free_block");
    out[0] = as_far_as_known(s, out[0]);
    return 1;
}

const misuse_case case_realloc_after_free = {.name = "realloc after free",
                                             .prepare = free_it,
                                             .wrong = wrong_realloc_after_free,
                                             .right = nothing,
                                             .promise = promise_realloc_after_free};
