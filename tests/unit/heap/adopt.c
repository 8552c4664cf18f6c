/* heap/adopt: what one heap had is another's, as its descriptors say, with all that others have freed or free
 * meanwhile; and those who look while it changes hands see the one owner or the other, and never something of
 * both.
 */
#include "heap/adopt.h"

#include "debug/state.h"
#include "heap/find.h"
#include "heap/pools.h"
#include "heap/remote.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/interpreter.h"

#include <pthread.h>
#include <sched.h>

enum { BLOCK = 64, BLOCKS = 5000 };

static fief *from, *to;
static char *blocks[BLOCKS];

static void set_up(void) {
    from = create(named("from"));
    to = create(named("to"));
}

TestSuite(adopt, .init = set_up);

static void fill(void) {
    for (unsigned i = 0; i < BLOCKS; i++)
        cr_assert_not_null(blocks[i] = fief_alloc(from, BLOCK));
}

static void adopt(void) {
    fi_heap_gather(from);
    cr_assert(fi_heap_adopt(to, from));
}

static unsigned length(fief *f, const fi_pool *pool) {
    unsigned count = 0;
    for (const fi_block *b = pool->free; b != fi_heap_sentinel(f); b = b->next)
        count++;
    return count;
}

/* ---- gathering ---- */

Test(adopt, a_gathered_heap_has_all_its_blocks_in_pools_and_no_current_one) {
    fill();
    for (unsigned i = 0; i < BLOCKS; i += 2)
        fief_free(from, blocks[i]);
    fi_heap_gather(from);
    assert_equal(fi_heap_count_listed(from).blocks, 0);
    FI_FOR_TOUCHED (from, c) {
        assert_equal(from->classes[c].current, 0);
        cr_assert_eq(*fi_heap_list(from, c), fi_heap_sentinel(from));
    }
    assert_equal(exact_stats(from).live_blocks, BLOCKS / 2);
    fief_stats before = exact_stats(from);
    for (unsigned i = 0; i < BLOCKS; i += 2) /* it goes on with what it has */
        cr_assert_not_null(fief_alloc(from, BLOCK));
    assert_equal(exact_stats(from).pools, before.pools);
}

/* A pool that is carved in part, and has no free block. */
Test(adopt, a_pool_is_gone_on_with_where_it_was_carved_to) {
    char *first = fief_alloc(from, 1024);
    fi_pool *pool = fi_heap_pool_of(from, first);
    while (fi_pool_used(pool) + fi_heap_count_listed(from).blocks > pool->carved ||
           fi_heap_count_listed(from).blocks > 0)
        cr_assert_not_null(fief_alloc(from, 1024));
    unsigned carved = pool->carved;
    cr_assert_lt(carved, pool->capacity);
    adopt();
    assert_equal(pool->state, FI_POOL_READY);
    cr_assert_eq(fi_heap_pool_of(to, fief_alloc(to, 1024)), pool);
    assert_equal(pool->state, FI_POOL_CURRENT);
    cr_assert_gt(pool->carved, carved);
}

/* ---- descriptors ---- */

Test(adopt, every_descriptor_says_so_and_keeps_its_generation) {
    fill();
    char *large = fief_alloc(from, 100000), *huge = fief_alloc(from, 2000000);
    fi_pool *pools[] = {fi_heap_pool_of(from, blocks[0]), fi_heap_pool_of(from, large),
                        fi_heap_pool_of(from, huge)};
    uint32_t generations[3];
    for (unsigned i = 0; i < 3; i++)
        generations[i] = pools[i]->generation;
    adopt();
    for (unsigned i = 0; i < 3; i++) {
        const fi_arena *arena = pools[i]->arena;
        assert_equal(pools[i]->generation, generations[i]);
        cr_assert_eq(arena->owner, to);
        assert_equal(arena->owner_id, to->id);
        cr_assert_eq(to->arenas[arena->index], arena);
        cr_assert_eq(fi_owner_slot(arena), to->slot);
        assert_equal(arena->passing % 2, 0);
        cr_assert_not(arena->holds_handle);
    }
    cr_assert_eq(fi_pool_start(pools[0], to), (char *)from + FI_HANDLE_BYTES);
    cr_assert_eq(fi_find_own_large(to, large), pools[1]);
    cr_assert_eq(fi_find_own_large(to, huge), pools[2]);
    assert_equal(to->count.arenas, to->arena_end);
}

/* No list was read: that is for who needs it. */
Test(adopt, lists_get_their_end_when_they_are_read) {
    fill();
    fi_pool *pool = fi_heap_pool_of(from, blocks[10]);
    for (unsigned i = 0; i < 20; i++)
        fief_free(from, blocks[i]);
    adopt();
    uint64_t bit = fi_bit_run(fi_map_granule(pool), 1);
    cr_assert_eq(pool->arena->foreign_ends & bit, bit);
    const fi_block *last = (const fi_block *)(const void *)blocks[0];
    cr_assert_eq(last->next, fi_heap_sentinel(from));
    fief_free(to, blocks[30]); /* before the others: the end is as it was */
    cr_assert_eq(last->next, fi_heap_sentinel(from));
    fi_heap_own_end(to, pool);
    cr_assert_eq(last->next, fi_heap_sentinel(to));
    assert_equal(pool->arena->foreign_ends & bit, 0);
    assert_equal(length(to, pool), fi_pool_free_count(pool));
    pool->arena->foreign_ends |= (uint16_t)bit; /* in vain does no harm */
    fi_heap_own_end(to, pool);
    assert_equal(length(to, pool), fi_pool_free_count(pool));
}

Test(adopt, what_lies_behind_the_handle_can_be_free) {
    fief_free(from, fief_alloc(from, 64));
    char *large = fief_alloc(from, 70000);
    fi_heap_gather(from);
    uint64_t charged = from->count.charged_bytes, before = to->count.charged_bytes;
    cr_assert(fi_heap_adopt(to, from));
    assert_equal(to->count.charged_bytes, before + charged - fi_os_page_bytes());
    fief_free(to, large);
    fief_trim(to);
    assert_equal(to->count.arenas, 1);
    assert_equal(to->count.dirty_bytes, 0);
}

/* ---- what src/debug keeps ---- */

Test(adopt, the_next_sample_is_as_far_away_as_it_was) {
    fief_config config = named("samples");
    config.sample = 1000000;
    to = create(config);
    fill();
    uint64_t left = to->attention_at - to->count.listed;
    adopt();
    cr_assert_geq(to->count.listed, BLOCKS);
    assert_equal(to->attention_at - to->count.listed, left);
}

/* And the places of those that are free. */
Test(adopt, guarded_places_join_the_new_owners) {
    fief_config config = named("guarded");
    config.debug = FIEF_DEBUG_GUARD;
    from = create(config);
    to = create(config);
    char *first = fief_alloc(from, 100), *second = fief_alloc(to, 100);
    fi_heap_gather(from);
    const fi_guards *guards = &to->debug->guards;
    uint32_t places = guards->places.count, more = from->debug->guards.places.count;
    cr_assert(places > 0 && more > 0);
    cr_assert(fi_the_watch.may_join(to, from));
    cr_assert(fi_heap_adopt(to, from));
    fi_the_watch.join(to, from);
    assert_equal(guards->places.count, places + more);
    assert_equal(guards->live, 2);
    for (uint32_t i = 0; i < places + more; i++) /* each of them once, none beyond them */
        cr_assert_not_null(fief_alloc(to, 100));
    assert_equal(guards->places.count, 0);
    assert_equal(fief_owner(first), to->id);
    fief_free(to, first);
    fief_free(to, second);
}

/* ---- remote frees ---- */

Test(adopt, what_others_freed_before_comes_home_to_the_new_owner) {
    fill();
    fi_heap_gather(from);
    for (unsigned i = 0; i < 100; i++)
        fief_free_remote(blocks[i * 50]);
    cr_assert(fi_heap_adopt(to, from));
    for (unsigned i = 0; i < 100; i++)
        fief_free_remote(blocks[i * 50 + 1]);
    assert_equal(fief_poll(to), 200);
    assert_equal(exact_stats(to).live_blocks, BLOCKS - 200);
}

static fi_arena *passing;
static fi_found seen;
static unsigned looks;

static void *look(void *arg) {
    __atomic_store_n(&looks, 1, __ATOMIC_SEQ_CST);
    seen = fi_find(arg);
    __atomic_store_n(&looks, 2, __ATOMIC_SEQ_CST);
    return NULL;
}

Test(adopt, who_looks_meanwhile_waits) {
    fill();
    pthread_t thread;
    passing = fi_map_find(blocks[0]);
    fi_arena_begin_passing(passing, to, to->id, &to->slot->remote_summary, 0);
    pthread_create(&thread, NULL, look, blocks[0]);
    while (__atomic_load_n(&looks, __ATOMIC_SEQ_CST) == 0)
        sched_yield();
    for (unsigned i = 0; i < 100; i++)
        sched_yield();
    assert_equal(looks, 1);
    fi_pool *pool = fi_heap_pool_of(from, blocks[0]);
    fi_pool_rebase(pool, (uintptr_t)to - (uintptr_t)from);
    fi_arena_end_passing(passing);
    pthread_join(thread, NULL);
    cr_assert_eq(seen.owner, to);
    cr_assert_eq(seen.block, blocks[0]);
    assert_equal(seen.place, FI_PLACE_BLOCK);
}

/* ---- failing ---- */

Test(adopt, where_the_table_cant_grow_nothing_changes) {
    for (unsigned i = 0; i < 3000; i++)
        cr_assert_not_null(fief_alloc(from, 600000));
    fi_heap_gather(from);
    fief_stats before = exact_stats(to), had = exact_stats(from);
    bool adopted = false, failed = false;
    for (unsigned k = 1; !adopted; k++) {
        fi_os_fail_at(k);
        adopted = fi_heap_adopt(to, from);
        fi_os_fail_at(0);
        if (adopted)
            break;
        failed = true;
        fief_stats after = exact_stats(to);
        assert_equal(after.charged_bytes, before.charged_bytes);
        assert_equal(after.arenas, before.arenas);
        assert_equal(exact_stats(from).live_blocks, had.live_blocks);
    }
    cr_assert(failed, "a table of that size takes memory of the system's");
    assert_equal(exact_stats(to).live_blocks, 3000);
}
