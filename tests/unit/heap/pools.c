/* heap/pools: a pool's way from current to full, to ready, to current again or back to a free granule; and the
 * handle's lists. */
#include "heap/pools.h"

#include "heap/alloc.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/random.h"

enum { BLOCK = 1024, MOST_BLOCKS = 1000 }; /* a size that is its own class's */

static fief *heap;
static unsigned size_class;
static char *blocks[MOST_BLOCKS];

static void set_up(void) {
    heap = create(named("pools"));
    size_class = fi_class_of(BLOCK, 16 - 1);
}

TestSuite(pools, .init = set_up);

static void allocate(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++)
        cr_assert_not_null(blocks[i] = fief_alloc(heap, BLOCK));
}

static void release(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++)
        fief_free(heap, blocks[i]);
}

/* Fills one pool and one block of another; returns the full one. The first `capacity` blocks are its. */
static fi_pool *fill_a_pool(void) {
    allocate(0, 1);
    fi_pool *pool = fi_heap_pool_of(heap, blocks[0]);
    allocate(1, pool->capacity + 1U);
    return pool;
}

/* ---- states ---- */

Test(pools, the_first_block_opens_a_current_pool) {
    allocate(0, 1);
    const fi_pool *pool = fi_heap_pool_of(heap, blocks[0]);
    assert_equal(pool->state, FI_POOL_CURRENT);
    assert_equal(heap->classes[size_class].current, fi_map_index(pool));
    assert_equal(heap->count.pools, 1);
}

Test(pools, a_pool_that_has_handed_out_all_is_full_and_another_is_current) {
    const fi_pool *pool = fill_a_pool();
    assert_equal(pool->state, FI_POOL_FULL);
    const fi_pool *next = fi_heap_pool_of(heap, blocks[pool->capacity]);
    cr_assert_neq(next, pool);
    assert_equal(next->state, FI_POOL_CURRENT);
    assert_equal(heap->count.pools, 2);
}

Test(pools, a_full_pool_is_ready_when_enough_has_come_back_and_not_before) {
    const fi_pool *pool = fill_a_pool();
    release(0, 1);
    assert_equal(pool->state, FI_POOL_FULL);
    unsigned freed = 1;
    while (pool->state == FI_POOL_FULL)
        release(freed, freed + 1), freed++;
    assert_equal(pool->state, FI_POOL_READY);
    assert_at_most(freed, pool->capacity / 8U);
    assert_equal(heap->classes[size_class].ready, fi_map_index(pool));
    assert_equal(fi_pool_free_count(pool), freed);
}

Test(pools, a_ready_pool_serves_when_the_current_one_has_nothing_left) {
    fi_pool *pool = fill_a_pool();
    release(0, pool->capacity / 2U);
    allocate(pool->capacity + 1U, 2U * pool->capacity);
    assert_equal(pool->state, FI_POOL_READY);
    allocate(0, 1);
    assert_equal(pool->state, FI_POOL_CURRENT);
    cr_assert_eq(fi_heap_pool_of(heap, blocks[0]), pool);
    assert_equal(heap->classes[size_class].ready, 0);
}

Test(pools, a_ready_pool_whose_blocks_all_came_home_is_closed) {
    const fi_pool *pool = fill_a_pool();
    size_t charged = heap->count.charged_bytes;
    release(0, pool->capacity);
    assert_equal(pool->state, FI_POOL_NONE);
    assert_equal(heap->classes[size_class].ready, 0);
    assert_equal(heap->count.pools, 1);
    assert_equal(charged - heap->count.charged_bytes, FI_GRANULE_BYTES);
    cr_assert((pool->arena->free_granules >> fi_map_granule(pool) & 1) != 0);
}

Test(pools, a_current_pool_is_never_closed_by_a_free) {
    allocate(0, 1);
    const fi_pool *pool = fi_heap_pool_of(heap, blocks[0]);
    for (unsigned turn = 0; turn < 10000; turn++) {
        release(0, 1);
        assert_equal(pool->state, FI_POOL_CURRENT);
        allocate(0, 1);
        cr_assert_eq(fi_heap_pool_of(heap, blocks[0]), pool);
    }
}

Test(pools, an_idle_current_pool_is_closed_when_asked) {
    allocate(0, 1);
    const fi_pool *pool = fi_heap_pool_of(heap, blocks[0]);
    fi_heap_close_idle(heap);
    assert_equal(pool->state, FI_POOL_CURRENT);
    release(0, 1);
    fi_heap_flush_lists(heap);
    fi_heap_close_idle(heap);
    assert_equal(pool->state, FI_POOL_NONE);
    assert_equal(heap->classes[size_class].current, 0);
    assert_equal(heap->count.pools, 0);
}

Test(pools, a_drained_pool_is_full_again) {
    fi_pool *pool = fill_a_pool();
    release(0, pool->capacity / 2U);
    assert_equal(pool->state, FI_POOL_READY);
    fi_pool_take(pool, heap);
    fi_heap_drained(heap, pool);
    assert_equal(pool->state, FI_POOL_FULL);
    assert_equal(heap->classes[size_class].ready, 0);
}

/* Every pool is where its state says, after any work. */
static void assert_states_hold(void) {
    for (uint32_t i = 0; i < heap->arena_end; i++)
        for (unsigned granule = 0; granule < heap->arenas[i]->granules; granule++) {
            const fi_pool *pool = fi_map_pools(heap->arenas[i]) + granule;
            if ((heap->arenas[i]->free_granules >> granule & 1) != 0 || !fi_pool_is_small(pool))
                continue;
            const fi_class *class = &heap->classes[pool->size_class];
            uint32_t index = fi_map_index(pool), at = class->ready;
            while (at != 0 && at != index && fi_the_map.pools[at].next != class->ready)
                at = fi_the_map.pools[at].next;
            cr_assert_eq(class->current == index, pool->state == FI_POOL_CURRENT);
            cr_assert_eq(at == index, pool->state == FI_POOL_READY);
            assert_at_most(fi_pool_used(pool), pool->carved);
        }
}

Test(pools, every_pool_is_where_its_state_says) {
    static char *held[MOST_BLOCKS];
    random_source rng = random_seeded(1);
    for (unsigned turn = 0; turn < 50000; turn++) {
        size_t i = random_below(&rng, MOST_BLOCKS);
        if (held[i] == NULL) {
            held[i] = fief_alloc(heap, (size_t)256 << random_below(&rng, 5));
        } else {
            fief_free(heap, held[i]);
            held[i] = NULL;
        }
        if (turn % 500 == 0)
            assert_states_hold();
    }
}

/* ---- lists ---- */

Test(pools, blocks_in_lists_are_counted_and_go_home) {
    allocate(0, 200);
    release(0, 100);
    allocate(0, 50); /* what has come back is in lists by now */
    uint64_t held = 200 - 100 + 50, used = 0;
    fi_listed listed = fi_heap_count_listed(heap);
    assert_equal(heap->count.listed - listed.blocks, 200 + 50);
    assert_equal(listed.bytes, listed.blocks * BLOCK);
    fi_heap_flush_lists(heap);
    assert_equal(fi_heap_count_listed(heap).blocks, 0);
    for (uint32_t i = 0; i < heap->arena_end; i++)
        for (unsigned granule = 0; granule < heap->arenas[i]->granules; granule++) {
            const fi_pool *pool = fi_map_pools(heap->arenas[i]) + granule;
            used += (heap->arenas[i]->free_granules >> granule & 1) == 0 ? fi_pool_used(pool) : 0;
        }
    assert_equal(used, held);
}

Test(pools, borrowed_blocks_are_counted_at_their_own_size) {
    void *first = fief_alloc(heap, 40); /* from the pool of 64 */
    assert_equal(fi_class_bytes(fi_heap_pool_of(heap, first)->size_class), 64);
    while (fi_heap_count_listed(heap).blocks == 0)
        cr_assert_not_null(fief_alloc(heap, 40));
    fi_listed listed = fi_heap_count_listed(heap);
    assert_equal(listed.bytes, listed.blocks * 64);
}

Test(pools, a_block_is_listed_while_it_is_free) {
    allocate(0, 3);
    fi_pool *pool = fi_heap_pool_of(heap, blocks[1]);
    cr_assert_not(fi_heap_is_listed(heap, pool, (fi_block *)(void *)blocks[1]));
    release(1, 2); /* on the pool's list */
    cr_assert(fi_heap_is_listed(heap, pool, (fi_block *)(void *)blocks[1]));
    unsigned last = 3;
    for (allocate(3, 4); opaque(blocks[last]) != opaque(blocks[1]) && last + 1 < MOST_BLOCKS; last++)
        allocate(last + 1, last + 2);
    cr_assert_eq(opaque(blocks[last]), opaque(blocks[1]), "it comes out again");
    cr_assert_not(fi_heap_is_listed(heap, pool, (fi_block *)(void *)blocks[1]));
}

Test(pools, a_damaged_list_may_hold_any_block) {
    allocate(0, 3);
    fi_pool *pool = fi_heap_pool_of(heap, blocks[0]);
    release(0, 1);
    ((fi_block *)(void *)blocks[0])->next = (fi_block *)(uintptr_t)0x123450;
    cr_assert(fi_heap_is_listed(heap, pool, (fi_block *)(void *)blocks[1]));
}

Test(pools, a_list_that_runs_in_a_circle_may_hold_any_block) {
    allocate(0, 3);
    fi_pool *pool = fi_heap_pool_of(heap, blocks[0]);
    release(0, 1);
    ((fi_block *)(void *)blocks[0])->next = (fi_block *)(void *)blocks[0];
    cr_assert(fi_heap_is_listed(heap, pool, (fi_block *)(void *)blocks[1]));
}

/* ---- from address to pool ---- */

Test(pools, an_address_leads_to_its_granules_pool_if_it_is_this_heaps) {
    fief *other = create(named("other"));
    void *large = fief_alloc(heap, 100000), *huge = fief_alloc(heap, 5 << 20), *foreign = fief_alloc(other, BLOCK);
    allocate(0, 1);
    assert_equal(fi_heap_pool_of(heap, blocks[0])->size_class, size_class);
    assert_equal(fi_heap_pool_of(heap, large)->state, FI_POOL_LARGE);
    assert_equal(fi_heap_pool_of(heap, huge)->state, FI_POOL_HUGE);
    cr_assert_null(fi_heap_pool_of(heap, foreign));
    cr_assert_null(fi_heap_pool_of(heap, NULL));
    cr_assert_null(fi_heap_pool_of(heap, &heap));
    cr_assert_null(fi_heap_pool_of(heap, (void *)UINTPTR_MAX));
}
