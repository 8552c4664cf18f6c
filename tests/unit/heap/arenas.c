/* heap/arenas: granules and runs come from the fullest arena that has them, the lists say which that is, and every
 * byte of free memory that the system has not got back is counted. */
#include "heap/arenas.h"

#include "os/os.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/pages.h"
#include "support/random.h"

enum { MIB = 1 << 20, MOST_RUNS = 300, ALL_SMALL = 4 /* small arenas before the full ones */ };

static fief *heap;
static fi_arena *home;

static void set_up(void) {
    heap = create(named("arenas"));
    home = heap->arenas[0];
}

TestSuite(arenas, .init = set_up);

static fi_pool *take_run(unsigned granules) {
    bool zeroed;
    fi_pool *run =
        fi_heap_take_run(heap, granules, granules * FI_GRANULE_BYTES - FI_ARENA_GAP_BYTES, false, &zeroed);
    cr_assert_not_null(run);
    return run;
}

/* What comes next comes from a full arena. */
static void fill_small_arenas(void) {
    for (unsigned i = 1; i < ALL_SMALL * FI_UNIT_GRANULES; i++)
        fi_heap_take_granule(heap, true);
    assert_equal(heap->count.reserved_bytes, MIB);
}

/* ---- what must always hold ---- */

static bool is_listed(const fi_arena *wanted) {
    bool listed = false;
    for (unsigned list = 0; list < FI_ARENA_LISTS; list++)
        for (const fi_arena *arena = heap->arena_lists[list]; arena != NULL; arena = arena->next) {
            unsigned free = fi_count_bits(arena->free_granules);
            assert_equal(arena->list, list + 1);
            cr_assert(free >= 1U << list && free < 2U << list, "%u free granules in list %u", free, list);
            cr_assert(arena->next == NULL || arena->next->prev == arena);
            cr_assert_not(listed && arena == wanted, "it is listed twice");
            listed = listed || arena == wanted;
        }
    return listed;
}

static size_t counted_dirty_bytes(const fi_arena *arena) {
    size_t pages = 0;
    for (unsigned i = 0; i < arena->granules; i++)
        pages += (arena->free_granules >> i & 1) != 0 ? arena->touched_pages[i] : 0;
    return pages * FI_TOUCHED_BYTES;
}

static void assert_books_balance(void) {
    size_t dirty = 0, reserved = 0, count = 0;
    for (uint32_t i = 0; i < heap->arena_end; i++) {
        const fi_arena *arena = heap->arenas[i];
        if (arena == NULL)
            continue;
        assert_equal(arena->index, i);
        cr_assert_eq(is_listed(arena), arena->free_granules != 0);
        dirty += counted_dirty_bytes(arena);
        reserved += arena->bytes;
        count++;
    }
    assert_equal(heap->count.dirty_bytes, dirty);
    assert_equal(heap->count.reserved_bytes, reserved);
    assert_equal(heap->count.arenas, count);
}

/* ---- against a shadow ---- */

typedef struct shadow_run {
    fi_pool *first; /* NULL: none */
    unsigned granules;
} shadow_run;

static uint64_t *taken_mask(const shadow_run *r) {
    static uint64_t masks[1 << 16]; /* by the arena's slot: few arenas, so that these do not meet */
    return &masks[r->first->arena->slot % (1 << 16)];
}

static void shadow_take(const shadow_run *r) {
    uint64_t bits = fi_bit_run(fi_map_granule(r->first), r->granules);
    assert_equal(*taken_mask(r) & bits, 0);
    assert_equal(r->first->arena->free_granules & bits, 0);
    *taken_mask(r) |= bits;
}

static void take_something(shadow_run *r, random_source *rng) {
    bool zeroed;
    r->granules = random_below(rng, 2) == 0 ? 1 : 1 + (unsigned)random_below(rng, FI_LARGE_GRANULES);
    size_t bytes = r->granules * FI_GRANULE_BYTES - random_below(rng, 2) * FI_ARENA_GAP_BYTES;
    if (random_below(rng, 4) == 0) {
        r->granules = 1;
        r->first = fi_heap_take_granule(heap, true);
    } else {
        r->first = fi_heap_take_run(heap, r->granules, bytes, random_below(rng, 2) == 0, &zeroed);
        assert_at_least(fi_arena_run_bytes(r->first->arena, fi_map_granule(r->first), r->granules), bytes);
    }
    shadow_take(r);
}

static void extend_or_give(shadow_run *r, random_source *rng) {
    unsigned more = 1 + (unsigned)random_below(rng, 3);
    if (random_below(rng, 4) == 0 && r->granules + more <= FI_LARGE_GRANULES) {
        if (fi_heap_extend_run(heap, r->first, r->granules, more, 1)) {
            *taken_mask(r) &= ~fi_bit_run(fi_map_granule(r->first), r->granules);
            r->granules += more;
            shadow_take(r);
        }
        return;
    }
    *taken_mask(r) &= ~fi_bit_run(fi_map_granule(r->first), r->granules);
    fi_heap_give_run(heap, r->first, r->granules, random_below(rng, r->granules * FI_GRANULE_BYTES));
    r->first = NULL;
}

Test(arenas, runs_never_overlap_and_the_books_balance) {
    static shadow_run runs[MOST_RUNS];
    random_source rng = random_seeded(1);
    for (unsigned turn = 0; turn < 20000; turn++) {
        shadow_run *r = &runs[random_below(&rng, MOST_RUNS)];
        if (r->first == NULL)
            take_something(r, &rng);
        else
            extend_or_give(r, &rng);
        if (turn % 50 == 0)
            assert_books_balance();
    }
}

/* ---- which one ---- */

Test(arenas, the_granule_behind_the_handle_is_for_fine_classes_alone) {
    for (unsigned i = 0; i < 100; i++) {
        const fi_pool *pool = fi_heap_take_granule(heap, true);
        cr_assert_not(pool->arena == home && fi_map_granule(pool) == 0);
    }
    const fi_pool *pool = fi_heap_take_granule(heap, false);
    cr_assert(pool->arena == home && fi_map_granule(pool) == 0);
}

Test(arenas, a_heap_takes_small_arenas_until_it_has_a_mebibyte) {
    size_t before;
    do {
        before = heap->count.reserved_bytes;
        fi_heap_take_granule(heap, true);
    } while (heap->count.reserved_bytes < 2 * MIB);
    assert_equal(before, MIB);
    assert_equal(heap->count.arenas, ALL_SMALL + 1);
}

/* Two full arenas, one with a hole and one with many: the hole is filled first. */
Test(arenas, the_fullest_arena_serves_first) {
    fill_small_arenas();
    while (heap->count.arenas < ALL_SMALL + 3)
        fi_heap_take_granule(heap, true);
    fi_arena *first = heap->arenas[ALL_SMALL], *second = heap->arenas[ALL_SMALL + 1];
    while (fi_count_bits(heap->arenas[ALL_SMALL + 2]->free_granules) > 0)
        fi_heap_take_granule(heap, true);
    for (unsigned i = 0; i < 10; i++)
        fi_heap_give_run(heap, fi_map_pools(first) + i, 1, 0);
    fi_heap_give_run(heap, fi_map_pools(second) + 3, 1, 0);
    cr_assert_eq(fi_heap_take_granule(heap, true), fi_map_pools(second) + 3);
    cr_assert_eq(fi_heap_take_granule(heap, true)->arena, first);
}

Test(arenas, a_run_that_reaches_into_the_gap_goes_elsewhere) {
    bool zeroed;
    fi_pool *whole = fi_heap_take_run(heap, 2, 2 * FI_GRANULE_BYTES, false, &zeroed);
    assert_at_least(fi_arena_run_bytes(whole->arena, fi_map_granule(whole), 2), 2 * FI_GRANULE_BYTES);
    fi_pool *rest = fi_heap_take_run(heap, 1, FI_GRANULE_BYTES, false, &zeroed);
    cr_assert_neq(rest->arena, home, "of its arena only the last granule is left, which is too short");
}

Test(arenas, a_run_that_is_growing_leaves_a_hole_that_it_would_just_fill) {
    bool zeroed;
    fill_small_arenas();
    fi_pool *hole = take_run(4), *behind = take_run(1);
    fi_heap_give_run(heap, hole, 4, 0);
    fi_pool *growing = fi_heap_take_run(heap, 4, 4 * FI_GRANULE_BYTES, true, &zeroed);
    cr_assert_eq(growing, behind + 1);
    cr_assert(fi_heap_extend_run(heap, growing, 4, 3, 7 * FI_GRANULE_BYTES));
    cr_assert_eq(take_run(4), hole);
}

Test(arenas, a_run_is_extended_by_free_granules_only) {
    fill_small_arenas();
    fi_pool *run = take_run(3), *neighbour = take_run(1);
    cr_assert_eq(neighbour, run + 3);
    cr_assert_not(fi_heap_extend_run(heap, run, 3, 1, 4 * FI_GRANULE_BYTES));
    fi_heap_give_run(heap, neighbour, 1, 0);
    cr_assert(fi_heap_extend_run(heap, run, 3, 1, 4 * FI_GRANULE_BYTES));
    assert_books_balance();
}

Test(arenas, a_run_is_not_extended_into_the_gap_or_past_the_end) {
    fill_small_arenas();
    fi_pool *run = take_run(8);
    assert_equal(fi_map_granule(run), 0);
    cr_assert_not(fi_heap_extend_run(heap, run, 8, 8, 16 * FI_GRANULE_BYTES));
    cr_assert_not(fi_heap_extend_run(heap, run, 8, 9, 1));
    cr_assert(fi_heap_extend_run(heap, run, 8, 8, 16 * FI_GRANULE_BYTES - FI_ARENA_GAP_BYTES));
}

/* ---- zeros and dirt ---- */

Test(arenas, a_run_is_known_to_be_zeros_until_it_was_touched) {
    bool zeroed;
    size_t bytes = 2 * FI_GRANULE_BYTES;
    fill_small_arenas();
    fi_pool *run = fi_heap_take_run(heap, 2, bytes, false, &zeroed);
    cr_assert(zeroed);
    fi_heap_give_run(heap, run, 2, 0);
    cr_assert_eq(fi_heap_take_run(heap, 2, bytes, false, &zeroed), run);
    cr_assert(zeroed);
    fi_heap_give_run(heap, run, 2, 1);
    assert_equal(heap->count.dirty_bytes, FI_TOUCHED_BYTES);
    cr_assert_eq(fi_heap_take_run(heap, 2, bytes, false, &zeroed), run);
    cr_assert_not(zeroed);
    assert_equal(heap->count.dirty_bytes, 0);
}

/* The rest of what an earlier user touched is still there. */
Test(arenas, what_was_touched_once_stays_so_whoever_uses_it_next) {
    bool zeroed;
    fi_pool *run = take_run(1);
    fi_heap_give_run(heap, run, 1, 50000);
    size_t dirty = heap->count.dirty_bytes;
    cr_assert_eq(fi_heap_take_run(heap, 1, 1, false, &zeroed), run);
    fi_heap_give_run(heap, run, 1, 0);
    assert_equal(heap->count.dirty_bytes, dirty);
    cr_assert_eq(fi_heap_take_run(heap, 1, 1, false, &zeroed), run);
    cr_assert_not(zeroed);
}

Test(arenas, a_purged_granule_is_zeros_again_and_no_longer_counted) {
    bool zeroed;
    fill_small_arenas();
    fi_pool *run = take_run(2);
    memset(fi_map_address(run), 1, FI_GRANULE_BYTES + 1);
    fi_heap_give_run(heap, run, 2, FI_GRANULE_BYTES + 1);
    assert_equal(heap->count.dirty_bytes, FI_GRANULE_BYTES + FI_TOUCHED_BYTES);
    fi_heap_purge_arena(heap, run->arena, fi_bit_run(fi_map_granule(run), 1));
    assert_equal(heap->count.dirty_bytes, FI_TOUCHED_BYTES);
    fi_heap_purge_arena(heap, run->arena, ~UINT64_C(0));
    assert_equal(heap->count.dirty_bytes, 0);
    cr_assert_eq(fi_heap_take_run(heap, 2, 1, false, &zeroed), run);
    cr_assert(zeroed && is_zeros(fi_map_address(run), 2 * FI_GRANULE_BYTES));
}

Test(arenas, a_purge_spares_what_is_in_use) {
    fill_small_arenas();
    fi_pool *used = take_run(1);
    memset(fi_map_address(used), 1, FI_GRANULE_BYTES);
    fi_heap_purge_arena(heap, used->arena, ~UINT64_C(0));
    assert_equal(fi_map_address(used)[0], 1);
}

/* ---- the table ---- */

Test(arenas, an_arena_keeps_its_index_and_a_free_one_is_used_again) {
    fill_small_arenas();
    while (heap->count.arenas < 3 * FI_INLINE_ARENAS) {
        fi_pool *run = take_run(8);
        assert_equal(run->arena->granules, 16);
    }
    fi_arena *leaver = heap->arenas[10], *last = heap->arenas[3 * FI_INLINE_ARENAS - 1];
    fi_heap_give_run(heap, fi_map_pools(leaver), 16, 0);
    fi_heap_release_arena(heap, leaver);
    cr_assert_null(heap->arenas[10]);
    assert_books_balance();
    while (heap->arenas[10] == NULL)
        take_run(8);
    cr_assert_eq(heap->arenas[3 * FI_INLINE_ARENAS - 1], last);
    assert_books_balance();
}

Test(arenas, a_released_arena_is_nobodys_and_its_dirt_is_not_counted) {
    fill_small_arenas();
    fi_pool *run = take_run(8);
    fi_arena *arena = run->arena;
    fi_heap_give_run(heap, run, 8, 12345);
    fi_heap_release_arena(heap, arena);
    cr_assert_null(arena->owner);
    assert_equal(heap->count.dirty_bytes, 0);
    assert_books_balance();
}

Test(arenas, exhaustion_changes_nothing) {
    fill_small_arenas();
    while (heap->count.arenas < FI_INLINE_ARENAS)
        take_run(8);
    while (fi_count_bits(heap->arenas[FI_INLINE_ARENAS - 1]->free_granules) > 0)
        take_run(8);
    fi_counters before = heap->count;
    bool zeroed;
    for (unsigned nth = 1; nth <= 2; nth++) { /* the arena; the larger table for it */
        fi_os_fail_at(nth);
        cr_assert_null(fi_heap_take_run(heap, 8, 1, false, &zeroed), "request %u", nth);
        cr_assert_arr_eq(&before, &heap->count, sizeof before);
        assert_books_balance();
    }
    take_run(8);
    assert_books_balance();
}
