/* pool/pool: every block is used or free and none is both, whatever is carved, taken and pushed; and what others
 * may read of a pool is whole or refused. */
#include "pool/pool.h"

#include "support/child.h"
#include "support/compare.h"
#include "support/random.h"

#include <signal.h>

enum { HANDLE_BYTES = 3072 }; /* where a pool behind a handle starts */

static const fi_source from_system;
static uint64_t summary;
static fi_arena *arena;
static void *owner; /* only its address counts */

static void set_up(void) {
    cr_assert(fi_arena_init());
    arena = fi_arena_take(&from_system, FI_SMALL_ARENA_UNITS, false);
    cr_assert_not_null(arena);
    owner = arena->start;
    fi_arena_adopt(arena, owner, 1, &summary, 0);
}

TestSuite(pool, .init = set_up);
TestSuite(ring, .init = set_up);

static fi_pool *granule(unsigned i) {
    fi_pool *pool = fi_map_pools(arena) + i;
    pool->arena = arena;
    return pool;
}

static fi_pool *open_pool(unsigned i, size_t bytes) {
    fi_pool *pool = granule(i);
    fi_pool_open(pool, arena, fi_class_of(bytes, 16 - 1), fi_map_address(pool), owner);
    return pool;
}

static unsigned length(const fi_block *list) {
    unsigned count = 0;
    for (; list != owner; list = list->next)
        count++;
    return count;
}

/* ---- opening ---- */

Test(pool, a_fresh_one_is_current_and_has_nothing_to_hand_out) {
    const fi_pool *pool = open_pool(1, 64);
    assert_equal(pool->state, FI_POOL_CURRENT);
    cr_assert(fi_pool_is_small(pool));
    assert_equal(pool->carved, 0);
    assert_equal(pool->limit, 0);
    assert_equal(fi_pool_used(pool), 0);
    assert_equal(fi_pool_free_count(pool), 0);
    cr_assert_eq(pool->free, owner);
    cr_assert_eq(fi_pool_start(pool, owner), arena->start + FI_GRANULE_BYTES);
}

Test(pool, its_capacity_is_what_fits_before_the_granules_end) {
    for (unsigned c = 0; c < FI_CLASSES; c++) {
        size_t bytes = fi_class_bytes(c);
        fi_pool *inner = granule(1), *last = granule(3), *first = granule(0);
        fi_pool_open(inner, arena, c, fi_map_address(inner), owner);
        fi_pool_open(last, arena, c, fi_map_address(last), owner);
        fi_pool_open(first, arena, c, arena->start + HANDLE_BYTES, owner);
        assert_equal(inner->capacity, FI_GRANULE_BYTES / bytes);
        assert_equal(last->capacity, (FI_GRANULE_BYTES - FI_ARENA_GAP_BYTES) / bytes);
        assert_equal(first->capacity, (FI_GRANULE_BYTES - HANDLE_BYTES) / bytes);
    }
}

/* ---- carving ---- */

Test(pool, carved_blocks_are_a_list_in_address_order_that_ends_in_the_owner) {
    fi_pool *pool = open_pool(1, 48);
    const fi_block *block = fi_pool_carve(pool, owner, 5);
    for (unsigned i = 0; i < 5; i++, block = block->next) {
        cr_assert_eq((const char *)block, fi_pool_start(pool, owner) + i * 48);
        cr_assert_eq(block, fi_pool_block(pool, owner, i));
        assert_equal(block->mark, (uintptr_t)block);
    }
    cr_assert_eq((const void *)block, owner);
    assert_equal(fi_pool_used(pool), 5);
}

Test(pool, the_limit_admits_what_is_carved_and_no_more) {
    fi_pool *pool = open_pool(1, 48);
    for (unsigned carved = 1; carved <= pool->capacity; carved++) {
        fi_pool_carve(pool, owner, 1);
        uint64_t last = (uint64_t)(carved - 1) * 48, next = (uint64_t)carved * 48;
        cr_assert(last * pool->multiplier < pool->limit);
        cr_assert_not(next * pool->multiplier < pool->limit);
    }
}

static int carve_too_many(void *arg) {
    fi_pool *pool = arg;
    fi_pool_carve(pool, owner, pool->capacity + 1U);
    return 0;
}

Test(pool, carving_beyond_the_capacity_is_a_broken_invariant) {
    fi_pool *pool = open_pool(1, 48);
    fi_pool_carve(pool, owner, 1);
    child_end end = run_in_child(carve_too_many, pool);
    assert_aborted(end);
    assert_says(end, "broken invariant");
}

/* ---- accounting ---- */

static fi_block *held[FI_GRANULE_BYTES / 16];
static unsigned held_count;

static void hold(fi_block *list) {
    while (list != owner) {
        fi_block *next = list->next;
        list->mark = 0;
        held[held_count++] = list;
        list = next;
    }
}

static void push_one(fi_pool *pool, random_source *rng) {
    size_t i = random_below(rng, held_count);
    fi_pool_push(pool, held[i]);
    held[i] = held[--held_count];
}

static void step(fi_pool *pool, random_source *rng) {
    unsigned room = (unsigned)(pool->capacity - pool->carved), free = fi_pool_free_count(pool);
    unsigned some = 1 + (unsigned)random_below(rng, 8);
    switch (random_below(rng, 8)) {
    case 0:
        if (room > 0)
            hold(fi_pool_carve(pool, owner, some < room ? some : room));
        break;
    case 1:
        if (free > 0)
            hold(fi_pool_take(pool, owner));
        break;
    case 2:
        if (free > 0)
            hold(fi_pool_take_some(pool, owner, some));
        break;
    case 3:
        fi_pool_expect(pool, some);
        break;
    default:
        if (held_count > 0)
            push_one(pool, rng);
    }
}

static void assert_accounts_balance(unsigned size_class, uint64_t seed) {
    fi_pool *pool = open_pool(1, fi_class_bytes(size_class));
    random_source rng = random_seeded(seed);
    held_count = 0;
    for (unsigned turn = 0; turn < 5000; turn++) {
        step(pool, &rng);
        assert_equal(fi_pool_used(pool), held_count);
        assert_equal(fi_pool_used(pool) + fi_pool_free_count(pool), pool->carved);
        assert_equal(length(pool->free), fi_pool_free_count(pool));
        assert_at_most(pool->carved, pool->capacity);
    }
}

Test(pool, used_and_free_blocks_are_what_is_carved) {
    for (unsigned c = 1; c < FI_CLASSES; c += 7)
        assert_accounts_balance(c, c);
}

Test(pool, taking_some_takes_no_more_and_leaves_the_rest) {
    fi_pool *pool = open_pool(1, 64);
    hold(fi_pool_carve(pool, owner, 10));
    for (unsigned i = 0; i < 10; i++)
        fi_pool_push(pool, held[i]);
    assert_equal(length(fi_pool_take_some(pool, owner, 4)), 4);
    assert_equal(length(pool->free), 6);
    assert_equal(length(fi_pool_take_some(pool, owner, 100)), 6);
    assert_equal(fi_pool_free_count(pool), 0);
}

Test(pool, a_pushed_block_is_marked_and_comes_out_first) {
    fi_pool *pool = open_pool(1, 64);
    hold(fi_pool_carve(pool, owner, 2));
    fi_pool_push(pool, held[0]);
    fi_pool_push(pool, held[1]);
    assert_equal(held[1]->mark, (uintptr_t)held[1]);
    cr_assert_eq(fi_pool_take(pool, owner), held[1]);
    cr_assert_eq(held[1]->next, held[0]);
}

Test(pool, an_event_is_due_after_the_frees_that_were_expected) {
    for (unsigned expected = 1; expected <= 20; expected++) {
        fi_pool *pool = open_pool(1, 64);
        held_count = 0;
        hold(fi_pool_carve(pool, owner, 20));
        fi_pool_expect(pool, expected);
        for (unsigned i = 1; i <= expected; i++)
            cr_assert_eq(fi_pool_push(pool, held[i - 1]), i == expected, "free %u of %u", i, expected);
    }
}

/* ---- pages ---- */

Test(pool, its_extent_is_the_pages_that_its_first_blocks_lie_on) {
    size_t page = fi_os_page_bytes();
    fi_pool *pool = open_pool(1, 512);
    assert_equal(fi_pool_extent(pool, owner, 0), 0);
    assert_equal(fi_pool_extent(pool, owner, 1), page);
    assert_equal(fi_pool_extent(pool, owner, (unsigned)(page / 512)), page);
    assert_equal(fi_pool_extent(pool, owner, (unsigned)(page / 512) + 1), 2 * page);
}

Test(pool, a_page_shared_with_the_handle_is_not_the_pools) {
    size_t page = fi_os_page_bytes();
    unsigned beside = (unsigned)((page - HANDLE_BYTES) / 512);
    fi_pool *pool = granule(0);
    fi_pool_open(pool, arena, fi_class_of(512, 15), arena->start + HANDLE_BYTES, owner);
    assert_equal(fi_pool_extent(pool, owner, beside), 0);
    assert_equal(fi_pool_extent(pool, owner, beside + 1), page);
}

/* ---- snapshots ---- */

Test(pool, a_snapshot_shows_what_the_pool_is) {
    fi_pool *pool = open_pool(1, 64);
    fi_pool_view view;
    fi_pool_carve(pool, owner, 7);
    cr_assert(fi_pool_snapshot(pool, owner, &view));
    cr_assert(fi_view_is_small(&view));
    assert_equal(view.state, FI_POOL_CURRENT);
    assert_equal(view.size_class, fi_class_of(64, 15));
    assert_equal(view.carved, 7);
    assert_equal(view.generation, pool->generation);
    cr_assert_eq(view.start, fi_map_address(pool));
}

Test(pool, a_snapshot_is_refused_where_there_is_no_pool_or_it_changes) {
    fi_pool *pool = granule(1);
    fi_pool_view view;
    cr_assert_not(fi_pool_snapshot(pool, owner, &view));
    open_pool(1, 64);
    pool->generation++; /* as in the middle of a change */
    cr_assert_not(fi_pool_snapshot(pool, owner, &view));
    pool->generation++;
    cr_assert(fi_pool_snapshot(pool, owner, &view));
    fi_pool_close(pool);
    cr_assert_not(fi_pool_snapshot(pool, owner, &view));
}

Test(pool, each_life_of_a_granule_has_a_generation_of_its_own) {
    fi_pool *pool = granule(1);
    uint32_t last = pool->generation;
    for (unsigned life = 0; life < 5; life++) {
        open_pool(1, 64);
        cr_assert(pool->generation > last && pool->generation % 2 == 0);
        last = pool->generation;
        fi_pool_close(pool);
        cr_assert(pool->generation > last && pool->generation % 2 == 0);
        last = pool->generation;
    }
}

Test(pool, a_closed_one_refuses_every_free) {
    fi_pool *pool = open_pool(1, 64);
    fi_pool_carve(pool, owner, 3);
    fi_pool_close(pool);
    assert_equal(pool->limit, 0);
    assert_equal(pool->state, FI_POOL_NONE);
}

/* ---- large ---- */

static void assert_is_large(const fi_pool *first, unsigned granules, size_t bytes) {
    fi_pool_view view;
    cr_assert(fi_pool_snapshot(first, owner, &view));
    assert_equal(view.state, FI_POOL_LARGE);
    assert_equal(view.large_bytes, bytes);
    assert_equal(first->capacity, granules);
    assert_equal(first->limit, 0);
    cr_assert_eq(view.start, fi_map_address(first));
    for (unsigned i = 1; i < granules; i++) {
        cr_assert(fi_pool_snapshot(first + i, owner, &view));
        assert_equal(view.state, FI_POOL_TAIL);
        assert_equal(view.carved, i);
    }
}

Test(pool, a_large_blocks_tails_lead_to_its_first_granule) {
    fi_pool *first = granule(0);
    fi_pool_open_large(first, arena, 3, 2 * FI_GRANULE_BYTES + 4096, FI_POOL_LARGE, owner);
    assert_is_large(first, 3, 2 * FI_GRANULE_BYTES + 4096);
}

Test(pool, a_resized_large_block_takes_tails_in_and_gives_them_up) {
    fi_pool *first = granule(0);
    fi_pool_view view;
    fi_pool_open_large(first, arena, 1, FI_GRANULE_BYTES, FI_POOL_LARGE, owner);
    for (unsigned granules = 4; granules > 0; granules--) {
        fi_pool_resize_large(first, granules, granules * FI_GRANULE_BYTES - 4096);
        assert_is_large(first, granules, granules * FI_GRANULE_BYTES - 4096);
        for (unsigned i = granules; i < 4; i++)
            cr_assert_not(fi_pool_snapshot(first + i, owner, &view));
    }
}

/* ---- rings ---- */

/* The ring, front to back, is `wanted`; and the same backwards. */
static void assert_ring(uint32_t ring, fi_pool *const *wanted, unsigned count) {
    cr_assert_eq(ring == 0, count == 0);
    uint32_t forward = ring, backward = ring;
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(&fi_the_map.pools[forward], wanted[i]);
        forward = fi_the_map.pools[forward].next;
        backward = fi_the_map.pools[backward].prev;
        cr_assert_eq(&fi_the_map.pools[backward], wanted[count - 1 - i]);
    }
    assert_equal(forward, ring);
}

Test(ring, pools_wait_in_the_order_they_were_pushed_to_either_end) {
    uint32_t ring = 0;
    fi_ring_push(&ring, granule(1), false);
    fi_ring_push(&ring, granule(2), false);
    fi_ring_push(&ring, granule(0), true);
    fi_ring_push(&ring, granule(3), false);
    assert_ring(ring, (fi_pool *const[]){granule(0), granule(1), granule(2), granule(3)}, 4);
}

Test(ring, any_pool_can_leave) {
    for (unsigned leaver = 0; leaver < 4; leaver++) {
        uint32_t ring = 0;
        fi_pool *rest[4];
        unsigned count = 0;
        for (unsigned i = 0; i < 4; i++) {
            fi_ring_push(&ring, granule(i), false);
            rest[count] = granule(i);
            count += i != leaver;
        }
        fi_ring_remove(&ring, granule(leaver));
        assert_ring(ring, rest, 3);
        while (count > 0)
            fi_ring_remove(&ring, rest[--count]);
        assert_ring(ring, NULL, 0);
    }
}

Test(ring, one_ring_goes_behind_another) {
    for (unsigned first = 0; first <= 2; first++) {
        for (unsigned second = 0; second <= 2; second++) {
            uint32_t ring = 0, other = 0;
            fi_pool *wanted[4];
            for (unsigned i = 0; i < first + second; i++) {
                wanted[i] = granule(i);
                fi_ring_push(i < first ? &ring : &other, wanted[i], false);
            }
            fi_ring_join(&ring, other);
            assert_ring(ring, wanted, first + second);
        }
    }
}
