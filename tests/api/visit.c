/* fief_visit: every live block once, with its usable size; what the visitor may do, and how it stops. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/random.h"
#include "support/sound.h"

#include <stdlib.h>

enum { MOST = 4000 };

static fief *heap;
static char *live[MOST];
static unsigned live_count;

/* What the visitor saw, and what it shall do. */
static struct {
    char *blocks[2 * MOST];
    unsigned count;
    unsigned stop_after; /* 0: never */
    unsigned frees;      /* every so many; 0: none */
} seen;

static bool see(void *block, size_t usable, void *arg) {
    cr_assert_eq(arg, &seen);
    cr_assert_lt(seen.count, 2 * MOST);
    assert_equal(usable, fief_usable_size(block));
    seen.blocks[seen.count++] = block;
    if (seen.frees != 0 && seen.count % seen.frees == 0)
        fief_free(heap, block);
    return seen.count != seen.stop_after;
}

static void visit(void) {
    seen.count = 0;
    assert_equal(fief_visit(heap, see, &seen), FIEF_OK);
}

static int by_address(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return (*x > *y) - (*x < *y);
}

static void assert_saw_all(void) {
    assert_equal(seen.count, live_count);
    qsort(seen.blocks, seen.count, sizeof *seen.blocks, by_address);
    qsort(live, live_count, sizeof *live, by_address);
    for (unsigned i = 0; i < live_count; i++)
        cr_assert_eq(seen.blocks[i], live[i]);
}

/* Blocks of every kind, a part of them freed again. */
static void populate(size_t alignment) {
    random_source rng = random_seeded(11);
    fief_config config = named("visited");
    config.alignment = alignment;
    heap = create(config);
    live_count = 0;
    for (unsigned i = 0; i < MOST; i++)
        live[live_count++] = allocate_kind(heap, kind_number((unsigned)random_below(&rng, i % 20 ? 80 : KINDS)));
    for (unsigned i = 0; i < MOST * 3 / 5; i++) {
        size_t victim = random_below(&rng, live_count);
        fief_free(heap, live[victim]);
        live[victim] = live[--live_count];
    }
}

Test(visit, each_live_block_is_seen_once) {
    for (size_t alignment = 8; alignment <= 16; alignment += 8) {
        populate(alignment);
        visit();
        assert_saw_all();
        visit();
        assert_saw_all();
        cr_assert(is_sound(heap));
        fief_destroy(heap);
    }
}

Test(visit, an_empty_heap_has_nothing_to_see) {
    heap = create(named("empty"));
    visit();
    assert_equal(seen.count, 0);
    cr_assert(is_sound(heap));
    visit();
    assert_equal(seen.count, 0);
}

Test(visit, blocks_that_others_freed_are_not_seen) {
    populate(16);
    while (live_count > 100)
        fief_free_remote(live[--live_count]);
    visit();
    assert_saw_all();
}

/* In address order within an arena: each granule of 64 KiB is part of one. */
Test(visit, it_goes_by_address_within_an_arena) {
    populate(16);
    visit();
    for (unsigned i = 1; i < seen.count; i++)
        if ((uintptr_t)seen.blocks[i] >> 16 == (uintptr_t)seen.blocks[i - 1] >> 16)
            cr_assert_gt(seen.blocks[i], seen.blocks[i - 1]);
}

Test(visit, it_stops_when_it_is_told_to) {
    populate(16);
    for (unsigned after = 1; after <= live_count; after += 37) {
        seen.stop_after = after;
        visit();
        assert_equal(seen.count, after);
    }
}

Test(visit, the_visitor_may_free_what_it_sees) {
    for (unsigned frees = 1; frees <= 4; frees++) {
        populate(16);
        seen.frees = frees;
        visit();
        assert_saw_all();
        assert_equal(exact_stats(heap).live_blocks, live_count - live_count / frees);
        seen.frees = 1;
        visit();
        assert_equal(seen.count, live_count - live_count / frees);
        assert_equal(exact_stats(heap).live_blocks, 0);
        cr_assert(is_sound(heap));
        fief_destroy(heap);
    }
}

Test(visit, there_must_be_a_visitor) {
    heap = create(named("visited"));
    assert_equal(fief_visit(heap, NULL, NULL), FIEF_BAD_ARGUMENT);
}
