/* Blocks of another interpreter: of one that lives, one that is ending, and one that has ended. */
#include "misuse/cases.h"

static void free_it(scene *s) {
    free_block(s->owner, s->how, s->it.p);
}

static void take_in(scene *s) {
    if (fief_poll(s->owner) != 1)
        say("the block does not come home");
}

static unsigned promise_foreign(const scene *s, expected out[MOST_EXPECTED], fief_misuse kind,
                                const char *operation, const char *here) {
    out[0] = expect_of_caller(s, kind, operation, here);
    out[0].verdict = kind == FIEF_MISUSE_FOREIGN_FREE ? "the block goes home to its owner"
                                                      : "the data moves to the caller, the block goes home";
    return 1;
}

/* ---- it lives ---- */

BUG(wrong_foreign_free) {
    fief_free(s->caller, s->it.p);
}

static unsigned promise_foreign_free(const scene *s, expected out[MOST_EXPECTED]) {
    return promise_foreign(s, out, FIEF_MISUSE_FOREIGN_FREE, "fief_free", "wrong_foreign_free");
}

const misuse_case case_foreign_free = {.name = "foreign free",
                                       .crosses = true,
                                       .wrong = wrong_foreign_free,
                                       .right = free_it,
                                       .tidy = take_in,
                                       .promise = promise_foreign_free};

BUG(wrong_foreign_sized_free) {
    fief_free_sized(s->caller, s->it.p, s->it.size);
}

static unsigned promise_foreign_sized_free(const scene *s, expected out[MOST_EXPECTED]) {
    return promise_foreign(s, out, FIEF_MISUSE_FOREIGN_FREE, "fief_free_sized", "wrong_foreign_sized_free");
}

const misuse_case case_foreign_sized_free = {.name = "foreign sized free",
                                             .crosses = true,
                                             .wrong = wrong_foreign_sized_free,
                                             .right = free_it,
                                             .tidy = take_in,
                                             .promise = promise_foreign_sized_free};

BUG(wrong_foreign_realloc) {
    size_t size = s->it.size;
    char *moved = opaque(fief_realloc(s->caller, s->it.p, size + 50));
    if (moved == NULL || fief_owner(moved) != s->caller_is.id) {
        say("the data does not move to the caller");
        return;
    }
    for (size_t i = 0; i < size; i++)
        if (moved[i] != 0x11)
            say("byte %zu is lost on the way", i);
    fief_free(s->caller, moved);
}

static unsigned promise_foreign_realloc(const scene *s, expected out[MOST_EXPECTED]) {
    return promise_foreign(s, out, FIEF_MISUSE_FOREIGN_REALLOC, "fief_realloc", "wrong_foreign_realloc");
}

const misuse_case case_foreign_realloc = {.name = "foreign realloc",
                                          .crosses = true,
                                          .wrong = wrong_foreign_realloc,
                                          .right = free_it,
                                          .tidy = take_in,
                                          .promise = promise_foreign_realloc};

/* ---- it has ended ---- */

static expected expect_late(const scene *s, fief_state state, const char *here) {
    expected e = expect_of_caller(s, FIEF_MISUSE_LATE_FREE, "fief_free", here);
    e.owner.state = state;
    e.verdict = "the block stays dead";
    return e;
}

BUG(wrong_late_free) {
    s->leaked = 1;
    end_owner(s);
    fief_free(s->caller, s->it.p);
}

/* Of the dead only their records know where their blocks were. */
static unsigned promise_late_free(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = expect_late(s, FIEF_DEAD, "wrong_late_free");
    if (!is_watched(s))
        out[0] = and_no_block(out[0]);
    return 1;
}

static void free_in_time(scene *s) {
    free_it(s);
    end_owner(s);
}

const misuse_case case_late_free = {.name = "free after the owner's end",
                                    .crosses = true,
                                    .wrong = wrong_late_free,
                                    .right = free_in_time,
                                    .promise = promise_late_free};

/* ---- it is ending ---- */

BUG(free_while_closing) {
    fief_free(s->caller, s->it.p);
}

static void free_at_exit(fief *f, void *arg) {
    (void)f;
    free_while_closing(arg);
}

static void free_at_exit_in_a_thread(fief *f, void *arg) {
    (void)f;
    in_a_thread(free_while_closing, arg);
}

static void free_own_at_exit(fief *f, void *arg) {
    const scene *s = arg;
    free_block(f, s->how, s->it.p);
}

static void end_with(scene *s, fief_exit_fn *fn) {
    if (fief_at_exit(s->owner, fn, s) != FIEF_OK)
        say("no callback");
    end_owner(s);
}

BUG(wrong_while_closing) {
    s->leaked = 1;
    end_with(s, free_at_exit);
}

BUG(wrong_while_closing_by_a_thread) {
    s->leaked = 1;
    end_with(s, free_at_exit_in_a_thread);
}

static void right_while_closing(scene *s) {
    end_with(s, free_own_at_exit);
}

static unsigned promise_while_closing(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = expect_late(s, FIEF_CLOSING, "free_while_closing");
    return 1;
}

const misuse_case case_late_free_while_closing = {.name = "free while the owner ends",
                                                  .crosses = true,
                                                  .wrong = wrong_while_closing,
                                                  .right = right_while_closing,
                                                  .promise = promise_while_closing};

const misuse_case case_late_free_while_closing_by_a_thread = {.name = "the same, by another thread",
                                                              .crosses = true,
                                                              .wrong = wrong_while_closing_by_a_thread,
                                                              .right = right_while_closing,
                                                              .promise = promise_while_closing};
