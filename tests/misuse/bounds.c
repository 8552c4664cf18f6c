/* Bytes beside a block, and in one that is free. */
#include "misuse/cases.h"

#include <string.h>

enum { WRITTEN = 0xEE };

static void free_it(scene *s) {
    free_block(s->owner, s->how, s->it.p);
}

/* The compiler must not make one write of many, or none. */
NOINLINE void write_bytes(char *at, size_t bytes);
NOINLINE void write_bytes(char *at, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        *(volatile char *)(at + i) = (char)WRITTEN;
}

static size_t round_up(size_t size, size_t to) {
    return (size + to - 1) / to * to;
}

static size_t alignment_of(const scene *s) {
    return s->how->alignment > s->alignment ? s->how->alignment : s->alignment;
}

/* Bytes between a guarded block's end and the page that nobody may touch. */
static size_t slack(const scene *s) {
    return round_up(s->it.size != 0 ? s->it.size : 1, alignment_of(s)) - s->it.size;
}

static expected expect_damage(const scene *s, fief_misuse kind, ptrdiff_t at, size_t bytes) {
    expected e = and_goes_on(expect(s, kind, free_verb(s), "free_block"));
    e.damage = at;
    e.damaged_bytes = bytes;
    e.first_byte = WRITTEN;
    return e;
}

/* At level off it would hit what the heap lives by. */
static bool is_contained(const scene *s) {
    return is_watched(s);
}

/* ---- behind its end ---- */

BUG(wrong_overflow_by_1) {
    write_bytes(s->it.p + s->it.size, 1);
    free_it(s);
}

static void right_to_the_end(scene *s) {
    write_bytes(s->it.p, s->it.size);
    free_it(s);
    free_neighbours(s);
}

static unsigned promise_overflow_by_1(const scene *s, expected out[MOST_EXPECTED]) {
    if (is_guarded(s) && slack(s) == 0)
        out[0] = expect_fault(s, FIEF_MISUSE_OVERFLOW, true, s->it.p + s->it.size, "write_bytes");
    else
        out[0] = expect_damage(s, FIEF_MISUSE_OVERFLOW, (ptrdiff_t)s->it.size, 1);
    return 1;
}

const misuse_case case_overflow_by_1 = {.name = "overflow by 1",
                                        .fits = is_contained,
                                        .prepare = make_neighbours,
                                        .wrong = wrong_overflow_by_1,
                                        .right = right_to_the_end,
                                        .tidy = free_neighbours,
                                        .promise = promise_overflow_by_1};

BUG(wrong_overflow_by_64) {
    write_bytes(s->it.p + s->it.size, 64);
    free_it(s);
}

/* What runs over the fence is in the neighbours, and these have a word to say, too. */
static unsigned promise_overflow_by_64(const scene *s, expected out[MOST_EXPECTED]) {
    if (!is_guarded(s)) {
        out[0] = expect_damage(s, FIEF_MISUSE_OVERFLOW, (ptrdiff_t)s->it.size, 64);
        out[0].is_cut = true;
        out[0].echoes = 3;
        return 1;
    }
    unsigned count = 0;
    size_t before = slack(s);
    if (before < 64)
        out[count++] = expect_fault(s, FIEF_MISUSE_OVERFLOW, true, s->it.p + s->it.size + before, "write_bytes");
    if (before > 0)
        out[count++] = expect_damage(s, FIEF_MISUSE_OVERFLOW, (ptrdiff_t)s->it.size, before < 64 ? before : 64);
    return count;
}

const misuse_case case_overflow_by_64 = {.name = "overflow by 64",
                                         .fits = is_contained,
                                         .prepare = make_neighbours,
                                         .wrong = wrong_overflow_by_64,
                                         .right = right_to_the_end,
                                         .tidy = free_neighbours,
                                         .promise = promise_overflow_by_64};

/* ---- before its start ---- */

BUG(wrong_underflow_by_1) {
    write_bytes(s->it.p - 1, 1);
    free_it(s);
}

static unsigned promise_underflow_by_1(const scene *s, expected out[MOST_EXPECTED]) {
    if (is_guarded(s) && (uintptr_t)s->it.p % 4096 == 0)
        out[0] = expect_fault(s, FIEF_MISUSE_UNDERFLOW, true, s->it.p - 1, "write_bytes");
    else
        out[0] = expect_damage(s, FIEF_MISUSE_UNDERFLOW, -1, 1);
    return 1;
}

/* A block that is not the first one. */
static void have_one_between(scene *s) {
    s->extra = s->it.p;
    s->it = make_block(s, s->owner, s->how);
    make_neighbours(s);
}

static void free_all_others(scene *s) {
    free_block(s->owner, s->how, s->extra);
    free_neighbours(s);
}

static void right_from_the_start(scene *s) {
    write_bytes(s->it.p, s->it.size);
    free_it(s);
    free_all_others(s);
}

const misuse_case case_underflow_by_1 = {.name = "underflow by 1",
                                         .fits = is_contained,
                                         .prepare = have_one_between,
                                         .wrong = wrong_underflow_by_1,
                                         .right = right_from_the_start,
                                         .tidy = free_all_others,
                                         .promise = promise_underflow_by_1};

/* ---- after its free ---- */

static void free_one_of_many(scene *s) {
    make_neighbours(s);
    free_it(s);
}

/* A large block's memory is gone, where nothing holds it back. */
static bool is_still_there(const scene *s) {
    return is_watched(s) || is_small(s->how);
}

static bool has_a_second_word(const scene *s) {
    return is_still_there(s) && s->how->size >= 16;
}

/* Until the block is about to be handed out. Small heaps serve a size by larger blocks at first: so both. */
static void allocate_until_told(scene *s) {
    enum { MOST = 1000 };
    static char *blocks[MOST];
    const recipe of_its_class = {ALLOC, s->it.usable, 0};
    unsigned count = 0, told = told_count();
    for (; count < MOST && (told_count() == told); count++)
        blocks[count] = make_block(s, s->owner, count < MOST / 2 ? s->how : &of_its_class).p;
    while (count-- > 0)
        free_block(s->owner, s->how, blocks[count]);
}

BUG(wrong_write_after_free) {
    write_bytes(s->it.p + 8, 8);
    s->leaked = !is_watched(s); /* such a block is not handed out any more */
    if (is_watched(s))
        fief_trim(s->owner);
    else
        allocate_until_told(s);
}

static void look_all_over(scene *s) {
    fief_trim(s->owner);
    free_neighbours(s);
}

static unsigned promise_write_after_free(const scene *s, expected out[MOST_EXPECTED]) {
    if (!is_watched(s)) {
        out[0] = expect(s, FIEF_MISUSE_WRITE_AFTER_FREE, "fief_alloc", NULL);
    } else if (is_guarded(s)) {
        out[0] = expect_fault(s, FIEF_MISUSE_USE_AFTER_FREE, true, s->it.p + 8, "write_bytes");
    } else {
        out[0] = and_goes_on(expect(s, FIEF_MISUSE_WRITE_AFTER_FREE, "a look at freed memory", NULL));
        out[0].damage = 8;
        out[0].damaged_bytes = 8;
        out[0].first_byte = WRITTEN;
    }
    out[0] = and_freed(out[0], s->owner_is.id, "free_block");
    return 1;
}

const misuse_case case_write_after_free = {.name = "write after free",
                                           .fits = has_a_second_word,
                                           .prepare = free_one_of_many,
                                           .wrong = wrong_write_after_free,
                                           .right = look_all_over,
                                           .tidy = free_neighbours,
                                           .promise = promise_write_after_free};

BUG(wrong_read_after_free) {
    (void)*(volatile char *)s->it.p;
}

static unsigned promise_read_after_free(const scene *s, expected out[MOST_EXPECTED]) {
    if (!is_guarded(s))
        return 0;
    out[0] = expect_fault(s, FIEF_MISUSE_USE_AFTER_FREE, false, s->it.p, "wrong_read_after_free");
    out[0] = and_freed(out[0], s->owner_is.id, "free_block");
    return 1;
}

const misuse_case case_read_after_free = {.name = "read after free",
                                          .fits = is_still_there,
                                          .prepare = free_one_of_many,
                                          .wrong = wrong_read_after_free,
                                          .right = look_all_over,
                                          .tidy = free_neighbours,
                                          .promise = promise_read_after_free};
