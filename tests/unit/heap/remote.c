/* heap/remote: a block that another frees is sent once, taken in once, and refused once its pool is gone. */
#include "heap/remote.h"

#include "heap/pools.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/random.h"

enum { MOST_BLOCKS = 3000 };

static fief *heap;
static witness told;

static void set_up(void) {
    heap = create(watched("remote", &told));
}

TestSuite(remote, .init = set_up);

/* A block as another interpreter finds it. */
typedef struct place {
    fi_pool *pool;
    fi_pool_view view;
    unsigned index;
} place;

static place place_of(const char *block) {
    place there = {.pool = fi_heap_pool_of(heap, block)};
    cr_assert(fi_pool_snapshot(there.pool, heap, &there.view));
    if (fi_view_is_small(&there.view))
        there.index = (unsigned)fi_class_divide(there.view.size_class, (size_t)(block - there.view.start));
    return there;
}

static fi_remote_result send(const place *there) {
    return fi_remote_send(there->pool->arena, there->pool, &there->view, there->index);
}

static const size_t sizes[] = {16, 64, 512, 4000, 16 * 1024, 40000, 2 << 20};

#define FOR_SIZES(i) for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)

/* ---- sending ---- */

Test(remote, a_block_is_sent_once) {
    FOR_SIZES (i) {
        place there = place_of(fief_alloc(heap, sizes[i]));
        cr_assert_not(fi_remote_is_sent(there.pool, there.view.generation, there.index));
        assert_equal(send(&there), FI_REMOTE_SENT);
        cr_assert(fi_remote_is_sent(there.pool, there.view.generation, there.index));
        assert_equal(send(&there), FI_REMOTE_TWICE);
    }
}

Test(remote, sending_one_block_leaves_its_neighbours_alone) {
    place places[200];
    for (unsigned i = 0; i < 200; i++)
        places[i] = place_of(fief_alloc(heap, 64));
    for (unsigned i = 0; i < 200; i += 3)
        send(&places[i]);
    for (unsigned i = 0; i < 200; i++)
        cr_assert_eq(fi_remote_is_sent(places[i].pool, places[i].view.generation, places[i].index), i % 3 == 0,
                     "block %u", i);
}

Test(remote, a_block_whose_pool_was_given_up_is_late) {
    FOR_SIZES (i) {
        char *block = fief_alloc(heap, sizes[i]);
        place there = place_of(block);
        fief_free(heap, block);
        fief_trim(heap);
        assert_equal(send(&there), FI_REMOTE_LATE);
    }
    assert_equal(fi_remote_take_in(heap), 0);
}

Test(remote, sending_does_not_touch_the_block) {
    unsigned char *block = fief_alloc(heap, 64);
    memset(block, 0xAB, 64);
    cr_assert(fi_remote_free(block));
    for (unsigned i = 0; i < 64; i++)
        assert_equal(block[i], 0xAB);
}

/* ---- taking in ---- */

Test(remote, what_was_sent_is_taken_in_once) {
    FOR_SIZES (i) {
        place there = place_of(fief_alloc(heap, sizes[i]));
        send(&there);
        assert_equal(fi_remote_take_in(heap), 1);
        assert_equal(fi_remote_take_in(heap), 0);
        assert_equal(heap->count.remote_in, i + 1);
    }
    assert_equal(exact_stats(heap).live_blocks, 0);
}

Test(remote, a_block_can_be_sent_again_in_its_next_life) {
    char *block = fief_alloc(heap, 16 * 1024);
    for (unsigned life = 0; life < 100; life++) {
        cr_assert(fi_remote_free(block));
        assert_equal(fi_remote_take_in(heap), 1);
        for (unsigned i = 0; i < 100 && (char *)opaque(fief_alloc(heap, 16 * 1024)) != block; i++)
            cr_assert_lt(i, 99U);
    }
}

Test(remote, any_number_from_any_arena_comes_home) {
    static char *blocks[MOST_BLOCKS];
    random_source rng = random_seeded(1);
    for (unsigned turn = 0; turn < 20; turn++) {
        unsigned sent = 0;
        for (unsigned i = 0; i < MOST_BLOCKS; i++)
            if (blocks[i] == NULL)
                blocks[i] = fief_alloc(heap, 1 + random_below(&rng, i % 10 == 0 ? 30000 : 700));
        for (unsigned i = 0; i < MOST_BLOCKS; i++)
            if (random_below(&rng, 3) == 0) {
                fief_free_remote(blocks[i]);
                blocks[i] = NULL;
                sent++;
            }
        assert_equal(fi_remote_take_in(heap), sent);
        assert_equal(exact_stats(heap).live_blocks, MOST_BLOCKS - sent);
    }
    assert_equal(told.count, 0);
}

Test(remote, the_last_blocks_of_a_heap_can_come_home_together) {
    static char *blocks[MOST_BLOCKS];
    for (unsigned i = 0; i < MOST_BLOCKS; i++)
        blocks[i] = fief_alloc(heap, 2000);
    for (unsigned i = 0; i < MOST_BLOCKS; i++)
        cr_assert(fi_remote_free(blocks[i]));
    assert_equal(fi_remote_take_in(heap), MOST_BLOCKS);
    fief_trim(heap);
    assert_equal(heap->count.pools, 0);
    assert_equal(heap->count.arenas, 1);
}

Test(remote, arenas_whose_indices_share_a_bit_are_all_seen) {
    static char *blocks[150]; /* more arenas than the summary has bits */
    for (unsigned i = 0; i < 150; i++)
        blocks[i] = fief_alloc(heap, 1 << 20);
    cr_assert_gt(heap->arena_end, 140);
    for (unsigned i = 0; i < 150; i += 2)
        fief_free_remote(blocks[i]);
    assert_equal(fi_remote_take_in(heap), 75);
    assert_equal(exact_stats(heap).live_blocks, 75);
}

/* ---- misuse ---- */

/* Who was overtaken by an end may set a bit that meant an earlier and larger arena. */
Test(remote, a_bit_beyond_the_arena_is_nobodys) {
    fief *other = create(named("beside it"));
    fi_arena *arena = heap->arenas[0];
    fief_free_remote(fief_alloc(other, 64));
    arena->remote_granules |= ~fi_arena_all_granules(arena);
    heap->slot->remote_summary |= 1;
    assert_equal(fi_remote_take_in(heap), 0);
    assert_equal(fi_remote_take_in(other), 1);
}

Test(remote, only_the_start_of_a_small_block_takes_the_short_way) {
    char *block = fief_alloc(heap, 64);
    int local;
    cr_assert_not(fi_remote_free(block + 8));
    cr_assert_not(fi_remote_free(block + 1));
    cr_assert_not(fi_remote_free(NULL));
    cr_assert_not(fi_remote_free(&local));
    cr_assert_not(fi_remote_free(heap));
    cr_assert_not(fi_remote_free((void *)UINTPTR_MAX));
    assert_equal(fi_remote_take_in(heap), 0);
}

Test(remote, an_ended_interpreters_block_is_not_sent) {
    char *block = fief_alloc(heap, 64);
    fief_destroy(heap);
    cr_assert_not(fi_remote_free(block));
}

Test(remote, a_block_that_was_free_when_it_came_home_is_reported) {
    char *block = fief_alloc(heap, 64);
    place there = place_of(block);
    fief_free(heap, block);
    assert_equal(send(&there), FI_REMOTE_SENT); /* the sender cannot know */
    assert_equal(fi_remote_take_in(heap), 0);
    assert_equal(told.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
    cr_assert_eq(told.last.pointer, block);
    assert_equal(exact_stats(heap).live_blocks, 0);
}
