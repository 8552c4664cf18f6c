/* arena/arena: arenas from the system and from a host, the warm store between two owners, and the huge ones. */
#include "arena/arena.h"

#include "arena/space.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/pages.h"

#include <string.h>

enum { MOST_WARM_SMALL = 32, MOST_WARM_FULL = 8, DECAY_MS = 500 };

static const fi_source from_system;
static host the_host;
static const fi_source from_host = {.ctx = &the_host, .alloc = host_alloc, .free = host_free};

static void set_up(void) {
    cr_assert(fi_arena_init());
}

TestSuite(arena, .init = set_up);

static fi_arena *take(unsigned units) {
    fi_arena *arena = fi_arena_take(&from_system, units, true);
    cr_assert_not_null(arena);
    return arena;
}

/* ---- taking ---- */

Test(arena, a_fresh_one_is_zeros_that_can_be_written) {
    static const unsigned sizes[] = {FI_SMALL_ARENA_UNITS, FI_FULL_ARENA_UNITS};
    for (unsigned i = 0; i < 2; i++) {
        fi_arena *arena = take(sizes[i]);
        assert_equal(arena->bytes, sizes[i] * FI_UNIT_BYTES);
        assert_equal((uintptr_t)arena->start % arena->bytes, 0);
        assert_equal(arena->granules, sizes[i] * FI_UNIT_GRANULES);
        assert_equal(arena->dirty_granules, 0);
        cr_assert(is_zeros(arena->start, arena->bytes));
        memset(arena->start, 1, arena->bytes);
    }
}

Test(arena, an_adopted_one_has_an_owner_and_all_granules_free) {
    int owner;
    uint64_t summary = 0;
    fi_arena *arena = take(FI_FULL_ARENA_UNITS);
    cr_assert_null(arena->owner);
    fi_arena_adopt(arena, &owner, 5, &summary, 3);
    cr_assert_eq(arena->owner, &owner);
    cr_assert_eq(arena->remote_summary, &summary);
    assert_equal(arena->owner_id, 5);
    assert_equal(arena->index, 3);
    assert_equal(arena->state, FI_ARENA_LIVE);
    assert_equal(arena->free_granules, fi_arena_all_granules(arena));
    assert_equal(fi_count_bits(arena->free_granules), 16);
}

Test(arena, the_gap_is_no_part_of_the_last_run) {
    const fi_arena *arena = take(FI_SMALL_ARENA_UNITS);
    assert_equal(fi_arena_run_bytes(arena, 0, 3), 3 * FI_GRANULE_BYTES);
    assert_equal(fi_arena_run_bytes(arena, 3, 1), FI_GRANULE_BYTES - FI_ARENA_GAP_BYTES);
    assert_equal(fi_arena_run_bytes(arena, 0, 4), 4 * FI_GRANULE_BYTES - FI_ARENA_GAP_BYTES);
}

Test(arena, exhaustion_takes_nothing) {
    take(FI_FULL_ARENA_UNITS); /* what comes once has come */
    size_t used = fi_space_used_units();
    fi_os_fail_at(1);
    cr_assert_null(fi_arena_take(&from_system, FI_SMALL_ARENA_UNITS, true));
    fi_os_fail_at(1);
    cr_assert_null(fi_arena_take_huge(&from_system, 5 * FI_UNIT_BYTES, 1));
    assert_equal(fi_space_used_units(), used);
    take(FI_SMALL_ARENA_UNITS);
}

/* ---- the warm store ---- */

/* As fi_arena_leave does, by a clock that stands still. */
static bool leave_warm(fi_arena *arena) {
    fi_arena *due;
    fi_arena_disown(arena);
    bool kept = fi_arena_push_warm(arena, 1000, &due);
    cr_assert_null(due);
    return kept;
}

Test(arena, warm_ones_come_back_oldest_first_with_their_memory) {
    fi_arena *arenas[MOST_WARM_FULL];
    for (unsigned i = 0; i < MOST_WARM_FULL; i++) {
        arenas[i] = take(FI_FULL_ARENA_UNITS);
        arenas[i]->start[99] = (char)i;
        fi_arena_touch(arenas[i], 0, 100);
    }
    for (unsigned i = 0; i < MOST_WARM_FULL; i++)
        cr_assert(leave_warm(arenas[i]));
    for (unsigned i = 0; i < MOST_WARM_FULL; i++) {
        cr_assert_eq(take(FI_FULL_ARENA_UNITS), arenas[i]);
        assert_equal(arenas[i]->start[99], i);
        assert_equal(arenas[i]->dirty_granules, 1);
    }
}

Test(arena, a_caller_that_wants_zeros_gets_no_warm_one) {
    fi_arena *arena = take(FI_SMALL_ARENA_UNITS);
    fi_arena_leave(arena, &from_system, true);
    cr_assert_neq(fi_arena_take(&from_system, FI_SMALL_ARENA_UNITS, false), arena);
    assert_equal(arena->state, FI_ARENA_WARM);
}

static void assert_store_holds(unsigned units, unsigned most) {
    fi_arena *arenas[MOST_WARM_SMALL + 1];
    for (unsigned i = 0; i <= most; i++)
        arenas[i] = take(units);
    for (unsigned i = 0; i <= most; i++)
        cr_assert_eq(leave_warm(arenas[i]), i < most, "number %u of %u", i, most);
}

Test(arena, the_warm_store_is_bounded) {
    assert_store_holds(FI_SMALL_ARENA_UNITS, MOST_WARM_SMALL);
    assert_store_holds(FI_FULL_ARENA_UNITS, MOST_WARM_FULL);
}

Test(arena, what_was_warm_for_too_long_goes_as_another_comes) {
    fi_arena *old = take(FI_SMALL_ARENA_UNITS), *young = take(FI_SMALL_ARENA_UNITS), *due;
    cr_assert(fi_arena_push_warm(old, 1000, &due));
    cr_assert_null(due);
    cr_assert(fi_arena_push_warm(young, 1000 + DECAY_MS, &due));
    cr_assert_null(due);
    fi_arena *next = take(FI_FULL_ARENA_UNITS);
    cr_assert(fi_arena_push_warm(next, 9999, &due), "each size has a store of its own");
    cr_assert_null(due);
    cr_assert_eq(fi_arena_pop_warm(FI_SMALL_ARENA_UNITS), old);
    cr_assert(fi_arena_push_warm(old, 1000 + 2 * DECAY_MS + 1, &due));
    cr_assert_eq(due, young);
}

Test(arena, releasing_the_warm_ones_tells_the_memory_that_may_have_been_in_them) {
    fi_arena *clean = take(FI_SMALL_ARENA_UNITS), *arena = take(FI_FULL_ARENA_UNITS);
    memset(arena->start, 1, arena->bytes);
    fi_arena_touch(arena, 0, FI_GRANULE_BYTES);
    fi_arena_touch(arena, 5, 1);
    fi_arena_touch(arena, 5, 2 * FI_TOUCHED_BYTES);
    fi_arena_touch(arena, 5, FI_TOUCHED_BYTES);
    fi_arena_leave(clean, &from_system, true);
    fi_arena_leave(arena, &from_system, true);
    assert_equal(fi_arena_release_warm(), FI_GRANULE_BYTES + 2 * FI_TOUCHED_BYTES);
    assert_equal(fi_space_used_units(), 0);
    cr_assert_not(is_readable(arena->start));
    assert_equal(fi_arena_release_warm(), 0);
}

Test(arena, one_that_is_not_left_warm_goes_at_once) {
    fi_arena *arena = take(FI_SMALL_ARENA_UNITS);
    fi_arena_leave(arena, &from_system, false);
    assert_equal(arena->state, FI_ARENA_DEAD);
    cr_assert_not(is_readable(arena->start));
    assert_equal(fi_space_used_units(), 0);
    assert_equal(fi_arena_release_warm(), 0);
}

/* ---- purging ---- */

/* Dirties all granules, and returns which of them have their last byte cleared afterwards. */
static uint64_t purged(fi_arena *arena, uint64_t mask) {
    memset(arena->start, 1, arena->bytes);
    fi_arena_purge(arena, mask);
    uint64_t zeros = 0;
    for (unsigned i = 0; i < arena->granules; i++)
        zeros |= (uint64_t)(arena->start[(i + 1) * FI_GRANULE_BYTES - 1] == 0) << i;
    return zeros;
}

Test(arena, a_purge_takes_the_granules_it_is_told_and_no_others) {
    fi_arena *arena = take(FI_FULL_ARENA_UNITS);
    static const uint64_t masks[] = {0, 1, 0x8000, 0xffff, 0x5555, 0xf0f0, 0x7ffe, 0xc003};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        assert_equal(purged(arena, masks[i]), masks[i]);
}

Test(arena, a_purge_spares_the_handles_page) {
    fi_arena *arena = take(FI_SMALL_ARENA_UNITS);
    arena->holds_handle = 1;
    assert_equal(purged(arena, 3), 3);
    assert_equal(arena->start[0], 1);
    assert_equal(arena->start[fi_os_page_bytes() - 1], 1);
    assert_equal(arena->start[fi_os_page_bytes()], 0);
}

/* ---- huge ---- */

Test(arena, a_huge_one_is_whole_units_with_the_first_bytes_committed) {
    size_t bytes = 5 * FI_UNIT_BYTES - 3 * fi_os_page_bytes();
    fi_arena *arena = fi_arena_take_huge(&from_system, bytes, 1);
    assert_equal(arena->bytes, 5 * FI_UNIT_BYTES);
    assert_equal(arena->granules, 0);
    cr_assert(is_zeros(arena->start, bytes));
    cr_assert(is_writable(arena->start + bytes - 1));
    cr_assert_not(is_readable(arena->start + bytes));
}

Test(arena, a_huge_one_is_aligned_as_it_is_asked) {
    for (size_t alignment = 1; alignment <= (size_t)1 << 30; alignment *= 2) {
        fi_arena *arena = fi_arena_take_huge(&from_system, 1, alignment);
        assert_equal((uintptr_t)arena->start % alignment, 0);
    }
    cr_assert_null(fi_arena_take_huge(&from_system, 1, (size_t)1 << 62));
}

Test(arena, a_huge_one_grows_into_what_is_free_behind_it) {
    fi_arena *arena = fi_arena_take_huge(&from_system, FI_UNIT_BYTES, 1);
    memset(arena->start, 7, FI_UNIT_BYTES);
    cr_assert(fi_arena_extend_huge(arena, &from_system, FI_UNIT_BYTES, 3 * FI_UNIT_BYTES));
    assert_equal(arena->bytes, 3 * FI_UNIT_BYTES);
    assert_equal(arena->start[FI_UNIT_BYTES - 1], 7);
    cr_assert(is_zeros(arena->start + FI_UNIT_BYTES, 2 * FI_UNIT_BYTES));
    cr_assert_eq(fi_map_find(arena->start + 3 * FI_UNIT_BYTES - 1), arena);
}

Test(arena, a_huge_one_with_a_neighbour_does_not_grow) {
    fi_arena *arena = fi_arena_take_huge(&from_system, 4 * FI_UNIT_BYTES, 1);
    const fi_arena *neighbour = fi_arena_take_huge(&from_system, 4 * FI_UNIT_BYTES, 1);
    cr_assert_eq(neighbour->start, arena->start + arena->bytes);
    cr_assert_not(fi_arena_extend_huge(arena, &from_system, 4 * FI_UNIT_BYTES, 5 * FI_UNIT_BYTES));
    assert_equal(arena->bytes, 4 * FI_UNIT_BYTES);
}

/* ---- from a host ---- */

Test(arena, a_host_is_asked_for_whole_units_and_gets_each_span_back) {
    fi_arena *small = fi_arena_take(&from_host, FI_SMALL_ARENA_UNITS, true);
    fi_arena *huge = fi_arena_take_huge(&from_host, 3 * FI_UNIT_BYTES + 1, 2 * FI_UNIT_BYTES);
    assert_equal(the_host.out, 2);
    assert_equal(the_host.bytes_out, 5 * FI_UNIT_BYTES);
    assert_at_least(the_host.least_alignment, FI_UNIT_BYTES);
    assert_equal((uintptr_t)huge->start % (2 * FI_UNIT_BYTES), 0);
    cr_assert(small->from_provider && huge->from_provider);
    fi_arena_leave(small, &from_host, true);
    fi_arena_leave(huge, &from_host, false);
    assert_equal(the_host.out, 0);
    assert_equal(the_host.strangers, 0);
    assert_equal(fi_space_used_units(), 0);
}

Test(arena, a_hosts_memory_is_not_taken_for_zeros) {
    const fi_arena *arena = fi_arena_take(&from_host, FI_SMALL_ARENA_UNITS, true);
    assert_equal(arena->dirty_granules, fi_arena_all_granules(arena));
}

Test(arena, a_hosts_huge_memory_grows_within_its_last_unit_only) {
    fi_arena *arena = fi_arena_take_huge(&from_host, FI_UNIT_BYTES + 1, 1);
    cr_assert(fi_arena_extend_huge(arena, &from_host, FI_UNIT_BYTES + 1, 2 * FI_UNIT_BYTES));
    cr_assert_not(fi_arena_extend_huge(arena, &from_host, 2 * FI_UNIT_BYTES, 2 * FI_UNIT_BYTES + 1));
}

/* The entries in the map that it would have had are free again where the host says no. */
Test(arena, a_hosts_huge_memory_grows_as_far_as_the_host_makes_it_longer) {
    const fi_source extending = {.ctx = &the_host, .alloc = host_alloc, .free = host_free, .extend = host_extend};
    the_host.room_bytes = 8 * FI_UNIT_BYTES;
    fi_arena *arena = fi_arena_take_huge(&extending, FI_UNIT_BYTES, 1);
    cr_assert(fi_arena_extend_huge(arena, &extending, FI_UNIT_BYTES, 2 * FI_UNIT_BYTES + 1));
    assert_equal(arena->bytes, 3 * FI_UNIT_BYTES);
    cr_assert_eq(fi_map_find(arena->start + 3 * FI_UNIT_BYTES - 1), arena);
    the_host.stays = true;
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_not(fi_arena_extend_huge(arena, &extending, 3 * FI_UNIT_BYTES, 4 * FI_UNIT_BYTES));
        assert_equal(arena->bytes, 3 * FI_UNIT_BYTES);
        cr_assert_null(fi_map_find(arena->start + 3 * FI_UNIT_BYTES));
    }
    the_host.stays = false;
    cr_assert(fi_arena_extend_huge(arena, &extending, 3 * FI_UNIT_BYTES, 4 * FI_UNIT_BYTES));
    fi_arena_leave(arena, &extending, false);
    assert_equal(the_host.out, 0);
    assert_equal(the_host.strangers, 0);
}

Test(arena, a_host_that_has_nothing_is_exhaustion) {
    the_host.refuses = true;
    cr_assert_null(fi_arena_take(&from_host, FI_SMALL_ARENA_UNITS, true));
    cr_assert_null(fi_arena_take_huge(&from_host, FI_UNIT_BYTES, 1));
    assert_equal(the_host.asked, 2);
}

Test(arena, a_hosts_misaligned_memory_goes_back_to_it) {
    char *start = host_map(2 * FI_UNIT_BYTES, FI_UNIT_BYTES);
    the_host.next = start + FI_GRANULE_BYTES;
    cr_assert_null(fi_arena_take(&from_host, FI_SMALL_ARENA_UNITS, true));
    assert_equal(the_host.asked, 1);
    assert_equal(the_host.out, 0);
    assert_equal(the_host.strangers, 0);
}

Test(arena, a_hosts_memory_without_an_entry_in_the_map_goes_back_to_it) {
    const fi_arena *arena = take(FI_FULL_ARENA_UNITS);
    for (unsigned i = 1; i <= FI_MAP_ALTERNATES; i++) {
        the_host.next = host_map_colliding(arena->start, arena->bytes, i);
        cr_assert_not_null(the_host.next);
        bool taken = fi_arena_take(&from_host, FI_FULL_ARENA_UNITS, true) != NULL;
        cr_assert_eq(taken, i < FI_MAP_ALTERNATES, "the %uth that collides", i);
    }
    assert_equal(the_host.out, FI_MAP_ALTERNATES - 1);
    assert_equal(the_host.strangers, 0);
}
