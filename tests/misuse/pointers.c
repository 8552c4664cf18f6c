/* Pointers that are no block's start, and what is no heap's at all; and a handle that is none any more. */
#include "misuse/cases.h"

#include <stdlib.h>

static void free_it(scene *s) {
    free_block(s->owner, s->how, s->it.p);
}

/* Below that there is no inside that is a multiple of 8. */
static bool has_an_inside(const scene *s) {
    return s->how->size >= 16;
}

/* ---- inside a block ---- */

static char *middle_of(const scene *s) {
    return s->it.p + (s->it.size / 2 + 7) / 8 * 8;
}

BUG(wrong_interior) {
    fief_free(s->owner, middle_of(s));
}

static unsigned promise_interior(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = expect(s, FIEF_MISUSE_INTERIOR, "fief_free", "wrong_interior");
    out[0].pointer = middle_of(s);
    return 1;
}

const misuse_case case_interior_pointer = {.name = "pointer into a block",
                                           .fits = has_an_inside,
                                           .wrong = wrong_interior,
                                           .right = free_it,
                                           .tidy = free_it,
                                           .promise = promise_interior};

BUG(wrong_misaligned) {
    fief_free(s->owner, s->it.p + 1);
}

static unsigned promise_misaligned(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = expect(s, FIEF_MISUSE_MISALIGNED, "fief_free", "wrong_misaligned");
    out[0].pointer = s->it.p + 1;
    return 1;
}

const misuse_case case_misaligned_pointer = {.name = "misaligned pointer",
                                             .wrong = wrong_misaligned,
                                             .right = free_it,
                                             .tidy = free_it,
                                             .promise = promise_misaligned};

/* ---- nowhere ---- */

/* In its own handle. */
static char *wild_of(const scene *s) {
    return (char *)s->owner + 64;
}

BUG(wrong_wild) {
    fief_free(s->owner, wild_of(s));
}

static unsigned promise_wild(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = and_no_block(expect(s, FIEF_MISUSE_WILD, "fief_free", "wrong_wild"));
    out[0].pointer = wild_of(s);
    return 1;
}

const misuse_case case_wild_pointer = {.name = "wild pointer, in the heap's memory",
                                       .any_block = true,
                                       .wrong = wrong_wild,
                                       .right = free_it,
                                       .tidy = free_it,
                                       .promise = promise_wild};

static void have_no_block(scene *s) {
    free_it(s);
}

static void nothing(scene *s) {
    (void)s;
}

static unsigned promise_nobodys(const scene *s, expected out[MOST_EXPECTED], const char *here) {
    out[0] = and_no_owner(expect(s, FIEF_MISUSE_WILD, "fief_free", here));
    out[0].pointer = s->extra;
    return 1;
}

/* As large as a stack frame may be: the address is known beforehand. */
static _Thread_local char thread_memory[64];

static void have_stack(scene *s) {
    have_no_block(s);
    s->extra = &s->serial; /* a scene lies on the stack */
}

BUG(wrong_stack) {
    fief_free(s->owner, s->extra);
}

static unsigned promise_stack(const scene *s, expected out[MOST_EXPECTED]) {
    return promise_nobodys(s, out, "wrong_stack");
}

const misuse_case case_pointer_to_the_stack = {.name = "pointer to the stack",
                                               .any_block = true,
                                               .prepare = have_stack,
                                               .wrong = wrong_stack,
                                               .right = nothing,
                                               .promise = promise_stack};

static void have_malloced(scene *s) {
    have_no_block(s);
    s->extra = opaque(malloc(100));
}

BUG(wrong_libc) {
    fief_free(s->owner, s->extra);
    fief_free(s->owner, thread_memory + 8);
}

static void give_malloced(scene *s) {
    free(s->extra);
}

static unsigned promise_libc(const scene *s, expected out[MOST_EXPECTED]) {
    promise_nobodys(s, out, "wrong_libc");
    out[1] = out[0];
    out[1].pointer = thread_memory + 8;
    return 2;
}

const misuse_case case_pointer_of_libc = {.name = "pointer of libc's",
                                          .any_block = true,
                                          .prepare = have_malloced,
                                          .wrong = wrong_libc,
                                          .right = give_malloced,
                                          .tidy = give_malloced,
                                          .promise = promise_libc};

/* ---- handles ---- */

BUG(wrong_dead_handle) {
    fief *dead = s->owner;
    end_owner(s);
    if (opaque(fief_alloc(dead, 5000)) != NULL)
        say("an ended heap gives memory");
}

static unsigned promise_dead_handle(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = and_no_block(expect(s, FIEF_MISUSE_DEAD_HANDLE, "fief_alloc", NULL));
    out[0].pointer = s->owner;
    out[0].owner.state = out[0].caller.state = FIEF_DEAD;
    return 1;
}

const misuse_case case_dead_handle = {.name = "use of an ended handle",
                                      .any_block = true,
                                      .prepare = have_no_block,
                                      .wrong = wrong_dead_handle,
                                      .right = end_owner,
                                      .promise = promise_dead_handle};

/* ---- leaks that may not be ---- */

BUG(wrong_leak) {
    s->leaked = 1;
    end_owner(s);
}

static void right_leak(scene *s) {
    free_it(s);
    end_owner(s);
}

static unsigned promise_leak(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = and_goes_on(and_no_block(expect(s, FIEF_MISUSE_LEAK, "fief_destroy", NULL)));
    out[0].pointer = s->owner;
    out[0].owner.state = out[0].caller.state = FIEF_CLOSING;
    out[0].given = "found    1 block is live at the end";
    return 1;
}

const misuse_case case_strict_leak = {.name = "leak that may not be (strict)",
                                      .strict = true,
                                      .wrong = wrong_leak,
                                      .right = right_leak,
                                      .promise = promise_leak};
