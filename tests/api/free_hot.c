/* fief_inline_free_hot: what was freed last is used first, and is otherwise as free as any block. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/random.h"
#include "support/sound.h"
#include "support/wrong.h"

#include <fief/inline.h>

enum { MANY = 20000 };

static fief *heap;

static void set_up(void) {
    heap = create(named("hot"));
}

TestSuite(free_hot, .init = set_up);

/* Of a class that has a pool of its own, as powers of two have in a small heap, too. */
Test(free_hot, the_last_one_is_handed_out_first) {
    for (size_t size = 32; size <= FIEF_INLINE_BYTES; size *= 2) {
        void *first = fief_alloc(heap, size), *second = fief_alloc(heap, size), *third = fief_alloc(heap, size);
        fief_inline_free_hot(heap, first);
        fief_inline_free_hot(heap, third);
        cr_assert_eq(fief_inline_alloc(heap, size), third, "%zu bytes", size);
        cr_assert_eq(fief_inline_alloc(heap, size), first, "%zu bytes", size);
        fief_free(heap, second);
    }
}

Test(free_hot, one_block_serves_a_loop_of_temporaries) {
    unsigned others = 0;
    void *last = NULL;
    for (unsigned i = 0; i < MANY; i++) {
        void *block = fief_inline_alloc(heap, 64);
        others += block != last;
        fief_inline_free_hot(heap, last = block);
    }
    cr_assert_lt(others, MANY / 20, "%u of %u were others", others, MANY);
}

Test(free_hot, blocks_of_any_kind_are_freed_and_null_is_nothing) {
    FOR_KINDS (kind) {
        fief_inline_free_hot(heap, allocate_kind(heap, kind));
        assert_equal(exact_stats(heap).live_blocks, 0);
    }
    fief_inline_free_hot(heap, NULL);
    fief_stats stats = exact_stats(heap);
    assert_equal(stats.allocations, KINDS);
    assert_equal(stats.frees, KINDS);
    assert_equal(stats.misuses, 0);
    cr_assert(is_sound(heap));
}

/* Both ways of freeing, blocks of many sizes, in any order. */
static void churn(fief *f, unsigned turns, uint64_t *allocations, unsigned *live) {
    static void *blocks[500];
    random_source rng = random_seeded(7);
    for (unsigned i = 0; i < turns; i++) {
        void **place = &blocks[random_below(&rng, 500)];
        if (*place == NULL) {
            *place = fief_inline_alloc(f, 1 + random_below(&rng, 600));
            ++*allocations, ++*live;
            continue;
        }
        if (random_below(&rng, 4) == 0)
            fief_free(f, *place);
        else
            fief_inline_free_hot(f, *place);
        *place = NULL;
        --*live;
    }
}

Test(free_hot, everything_is_counted_once) {
    uint64_t allocations = 0;
    unsigned live = 0;
    for (unsigned i = 0; i < 20; i++) {
        churn(heap, 10007, &allocations, &live);
        fief_stats stats = exact_stats(heap);
        assert_equal(stats.allocations, allocations);
        assert_equal(stats.live_blocks, live);
        assert_equal(stats.frees, allocations - live);
        if (i % 5 == 4)
            fief_trim(heap);
    }
    cr_assert(is_sound(heap));
}

Test(free_hot, what_is_freed_without_being_used_again_goes_back) {
    static void *blocks[MANY];
    size_t before = exact_stats(heap).committed_bytes;
    for (unsigned i = 0; i < MANY; i++)
        blocks[i] = fief_alloc(heap, 64);
    for (unsigned i = 0; i < MANY; i++)
        fief_inline_free_hot(heap, blocks[i]);
    assert_equal(exact_stats(heap).live_blocks, 0);
    fief_trim(heap);
    fief_stats stats = exact_stats(heap);
    assert_equal(stats.pools, 0);
    cr_assert_leq(stats.committed_bytes, before);
    assert_equal(stats.allocations, MANY);
}

Test(free_hot, what_others_free_comes_home_all_the_same) {
    void *away = fief_alloc(heap, 200);
    fief_free_remote(away);
    for (unsigned i = 0; i < MANY; i++)
        fief_inline_free_hot(heap, fief_inline_alloc(heap, 64));
    assert_equal(exact_stats(heap).remote_in, 1);
}

/* A small heap lends blocks of 64 bytes to those who ask for 48. */
Test(free_hot, at_the_limit_a_borrowed_block_can_be_had_again) {
    fief_config config = named("limited");
    config.limit.hard_bytes = 64 << 10;
    fief *f = create(config);
    void *borrowed = fief_alloc(f, 48);
    cr_assert_geq(fief_usable_size(borrowed), 64);
    for (bool more = true; more;) {
        more = fief_alloc(f, 64) != NULL;
        more |= fief_alloc(f, 48) != NULL;
    }
    fief_inline_free_hot(f, borrowed);
    cr_assert_eq(fief_alloc(f, 48), borrowed);
    assert_equal(fief_destroy(f), FIEF_OK);
}

Test(free_hot, the_next_interpreter_with_the_handles_memory_counts_from_nothing) {
    for (unsigned i = 0; i < 10; i++) {
        fief *f = create(named("one of ten"));
        for (unsigned j = 0; j <= i; j++)
            fief_inline_free_hot(f, fief_inline_alloc(f, 64));
        assert_equal(exact_stats(f).allocations, i + 1);
        fief_destroy(f);
    }
}

Test(free_hot, a_heap_that_samples_hands_out_others) {
    fief_config config = named("sampled");
    config.sample = 16;
    fief *f = create(config);
    unsigned same = 0;
    void *last = NULL;
    for (unsigned i = 0; i < 1000; i++) {
        void *block = fief_inline_alloc(f, 64);
        same += block == last;
        fief_inline_free_hot(f, last = block);
    }
    cr_assert_lt(same, 500);
    assert_equal(exact_stats(f).allocations, 1000);
    assert_equal(fief_destroy(f), FIEF_OK);
}

/* ---- misuse ---- */

static wrong freed_hot(fief *f, block_kind kind) {
    fief_free(f, allocate_kind(f, kind)); /* there is a list, and what may go into it */
    void *block = allocate_kind(f, kind);
    size_t usable = fief_usable_size(block);
    bool small = kind.size <= 16 * 1024 && kind.alignment <= 4096;
    fief_inline_free_hot(f, block);
    return (wrong){block, FIEF_MISUSE_DOUBLE_FREE, small ? block : NULL, small ? usable : 0, f, f};
}

Test(free_hot, the_same_block_twice_is_found) {
    assert_by_every_policy(freed_hot);
}

Test(free_hot, anothers_block_is_found_as_fief_free_finds_it) {
    static witness told;
    fief *other = create(watched("other", &told));
    void *block = fief_alloc(heap, 64);
    fief_inline_free_hot(other, block);
    assert_equal(told.kinds[FIEF_MISUSE_FOREIGN_FREE], 1);
    fief_poll(heap);
    assert_equal(exact_stats(other).foreign_out, 1);
}

Test(free_hot, the_levels_see_each_block) {
    for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_GUARD; level++) {
        fief_config config = named("watched");
        config.debug = level;
        fief *f = create(config);
        for (unsigned i = 0; i < 1000; i++)
            fief_inline_free_hot(f, fief_inline_alloc(f, 64));
        fief_stats stats = exact_stats(f);
        assert_equal(stats.allocations, 1000);
        assert_equal(stats.frees, 1000);
        assert_equal(fief_destroy(f), FIEF_OK);
    }
}
