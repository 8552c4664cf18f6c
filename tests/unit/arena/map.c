/* arena/map: any address at all is answered, with the arena that it lies in or with none. */
#include "arena/map.h"

#include "arena/arena.h"
#include "os/os.h"
#include "pool/pool.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/random.h"

static const fi_source from_system;

static void set_up(void) {
    cr_assert(fi_arena_init());
}

TestSuite(map, .init = set_up);
TestSuite(map_before_it_is_made);

/* Each unit's first and last byte finds the arena; the bytes around it find others, or nothing. */
static void assert_found_throughout(const fi_arena *arena) {
    for (char *at = arena->start; at < arena->start + arena->bytes; at += FI_UNIT_BYTES) {
        cr_assert_eq(fi_map_find(at), arena);
        cr_assert_eq(fi_map_find(at + FI_UNIT_BYTES - 1), arena);
    }
    cr_assert_neq(fi_map_find(arena->start - 1), arena);
    cr_assert_neq(fi_map_find(arena->start + arena->bytes), arena);
}

/* ---- finding ---- */

Test(map_before_it_is_made, nothing_is_found) {
    cr_assert_null(fi_map_find(NULL));
    cr_assert_null(fi_map_find(&fi_the_map));
    cr_assert_null(fi_map_find((void *)UINTPTR_MAX));
}

Test(map, garbage_is_nobodys) {
    int local = 0;
    uintptr_t addresses[] = {0,
                             1,
                             8,
                             4095,
                             (uintptr_t)&local,
                             (uintptr_t)&fi_the_map,
                             (uintptr_t)fi_map_find,
                             (uintptr_t)fi_the_map.pools,
                             (uintptr_t)1 << 47,
                             (uintptr_t)0x8000000000000000,
                             (uintptr_t)0xffff800000000000, /* a kernel's */
                             (uintptr_t)0xffffffff81000000,
                             UINTPTR_MAX - 1,
                             UINTPTR_MAX};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        cr_assert_null(fi_map_find((void *)addresses[i]), "%#jx", (uintmax_t)addresses[i]);
}

Test(map, an_arena_is_found_by_each_of_its_addresses_and_no_others) {
    assert_found_throughout(fi_arena_take(&from_system, FI_SMALL_ARENA_UNITS, false));
    assert_found_throughout(fi_arena_take(&from_system, FI_FULL_ARENA_UNITS, false));
    assert_found_throughout(fi_arena_take_huge(&from_system, 9 * FI_UNIT_BYTES - 1, 1));
}

Test(map, random_addresses_find_what_they_lie_in) {
    const fi_arena *arena = fi_arena_take(&from_system, FI_FULL_ARENA_UNITS, false);
    random_source rng = random_seeded(1);
    for (unsigned i = 0; i < 1000000; i++) {
        /* Half of them near the arena, or where another one would have the same entry of the map. */
        uintptr_t address = random_next(&rng) >> random_below(&rng, 64);
        if (i % 2 == 0)
            address =
                (uintptr_t)arena->start + (address & ~(UINTPTR_MAX >> 22)) + random_below(&rng, 2 * arena->bytes);
        bool inside = address - (uintptr_t)arena->start < arena->bytes;
        cr_assert_eq(fi_map_find((void *)address), inside ? arena : NULL, "%#jx", (uintmax_t)address);
    }
}

Test(map, an_arena_that_was_left_stays_as_a_tombstone) {
    int owner;
    uint64_t summary = 0;
    fi_arena *arena = fi_arena_take(&from_system, FI_SMALL_ARENA_UNITS, false);
    fi_arena_adopt(arena, &owner, 17, &summary, 0);
    const char *inside = arena->start + 100;
    fi_arena_leave(arena, &from_system, false);
    cr_assert_eq(fi_map_find(inside), arena);
    cr_assert_null(arena->owner);
    assert_equal(arena->owner_id, 17);
    assert_equal(arena->state, FI_ARENA_DEAD);
}

/* ---- forgetting ---- */

/* An arena of interpreter `id`, as it is left: its first pool has been used. */
static fi_arena *used_and_left(unsigned units, uint64_t id) {
    static uint64_t summary;
    fi_arena *arena = fi_arena_take(&from_system, units, false);
    fi_arena_adopt(arena, arena->start, id, &summary, 0);
    fi_pool_open(fi_map_pools(arena), arena, 7, arena->start, arena->start);
    fi_pool_close(fi_map_pools(arena));
    fi_arena_leave(arena, &from_system, false);
    return arena;
}

Test(map, what_nobody_uses_leaves_its_owners_id_and_no_memory) {
    const fi_arena *arena = used_and_left(FI_FULL_ARENA_UNITS, 17);
    const char *start = arena->start;
    assert_equal(fi_map_tombstone(start), 0); /* it is known in full yet */
    fi_map_forget_dead();
    assert_equal(arena->bytes, 0);
    assert_equal(fi_map_pools(arena)->generation, 0);
    for (unsigned unit = 0; unit < FI_FULL_ARENA_UNITS; unit++) {
        cr_assert_null(fi_map_find(start + unit * FI_UNIT_BYTES));
        assert_equal(fi_map_tombstone(start + unit * FI_UNIT_BYTES), 17);
    }
}

/* Its end may share pages of the tables with what is not forgotten yet. */
Test(map, an_arena_of_many_units_is_forgotten_as_a_whole) {
    fi_arena *arena = fi_arena_take_huge(&from_system, 1000 * FI_UNIT_BYTES, 1);
    fi_arena *neighbour = fi_arena_take(&from_system, FI_FULL_ARENA_UNITS, false);
    char *start = arena->start;
    uint64_t summary;
    fi_arena_adopt(arena, start, 17, &summary, 0);
    fi_arena_leave(arena, &from_system, false);
    fi_map_forget_dead();
    for (unsigned unit = 0; unit < 1000; unit++)
        assert_equal(fi_map_tombstone(start + unit * FI_UNIT_BYTES), 17);
    assert_found_throughout(neighbour);
}

Test(map, an_arena_where_a_longer_one_was_is_not_forgotten_with_it) {
    fi_arena *longer = fi_arena_take_huge(&from_system, 1000 * FI_UNIT_BYTES, 1), *arena;
    char *start = longer->start;
    uint64_t summary;
    fi_arena_adopt(longer, start, 17, &summary, 0);
    fi_arena_leave(longer, &from_system, false);
    while ((arena = fi_arena_take(&from_system, FI_FULL_ARENA_UNITS, false))->start != start)
        fi_arena_leave(arena, &from_system, false);
    fi_arena_adopt(arena, start, 18, &summary, 0);
    fi_map_forget_dead();
    assert_found_throughout(arena);
    assert_equal(fi_map_tombstone(start), 0);
}

Test(map, what_is_in_use_is_not_forgotten) {
    fi_arena *arena = fi_arena_take(&from_system, FI_SMALL_ARENA_UNITS, false);
    const fi_arena *left = used_and_left(FI_SMALL_ARENA_UNITS, 17);
    fi_map_forget_dead();
    assert_found_throughout(arena);
    cr_assert_eq(fi_map_find(left->start), left); /* it shares pages of the tables */
}

Test(map, an_id_is_told_from_its_low_bits) {
    for (uint64_t id = 17; id < UINT64_C(1) << 60; id *= 5) {
        const char *start = used_and_left(FI_FULL_ARENA_UNITS, id)->start;
        for (int newer = 0; newer < 3; newer++)
            used_and_left(FI_FULL_ARENA_UNITS, id + (uint64_t)newer * 500000000);
        fi_map_forget_dead();
        assert_equal(fi_map_tombstone(start), id);
    }
}

/* Whoever still holds a view of a pool that was forgotten must not take a new one for it. */
Test(map, generations_go_on_after_they_were_forgotten) {
    fi_pool *pool = fi_map_pools(used_and_left(FI_FULL_ARENA_UNITS, 17));
    uint32_t last = pool->generation;
    fi_map_forget_dead();
    fi_pool *other = fi_map_pools(used_and_left(FI_FULL_ARENA_UNITS, 18));
    cr_assert_neq(other, pool);
    cr_assert_gt(other->generation, last);
}

Test(map, a_hosts_memory_leaves_no_tombstone) {
    host h = {.out = 0};
    const fi_source from_host = {.ctx = &h, .alloc = host_alloc, .free = host_free};
    fi_arena *arena = fi_arena_take(&from_host, FI_SMALL_ARENA_UNITS, false);
    char *start = arena->start;
    uint64_t summary;
    fi_arena_adopt(arena, start, 17, &summary, 0);
    fi_arena_leave(arena, &from_host, false);
    fi_map_forget_dead();
    cr_assert_null(fi_map_find(start));
    assert_equal(fi_map_tombstone(start), 0);
}

/* ---- alternates ---- */

Test(map, an_addresss_alternates_differ_and_the_first_is_its_own) {
    random_source rng = random_seeded(2);
    for (unsigned turn = 0; turn < 1000; turn++) {
        uintptr_t address = random_next(&rng);
        assert_equal(fi_map_slot(address, 0), (address >> FI_UNIT_SHIFT) % fi_the_map.units);
        for (unsigned i = 0; i < FI_MAP_ALTERNATES; i++)
            for (unsigned j = 0; j < i; j++)
                cr_assert_neq(fi_map_slot(address, i), fi_map_slot(address, j));
    }
}

/* All of them want the first one's entry; the host's memory gets alternates. */
Test(map, arenas_that_want_the_same_entry_are_told_apart) {
    host h = {.out = 0};
    const fi_source from_host = {.ctx = &h, .alloc = host_alloc, .free = host_free};
    fi_arena *arenas[FI_MAP_ALTERNATES] = {fi_arena_take(&from_system, FI_FULL_ARENA_UNITS, false)};
    for (unsigned i = 1; i < FI_MAP_ALTERNATES; i++) {
        h.next = host_map_colliding(arenas[0]->start, arenas[0]->bytes, i);
        cr_assert_not_null(h.next);
        arenas[i] = fi_arena_take(&from_host, FI_FULL_ARENA_UNITS, false);
        cr_assert_not_null(arenas[i]);
    }
    for (unsigned i = 0; i < FI_MAP_ALTERNATES; i++)
        assert_found_throughout(arenas[i]);
}

/* ---- from descriptors to addresses ---- */

Test(map, granules_and_their_addresses_belong_together) {
    fi_arena *arena = fi_arena_take(&from_system, FI_FULL_ARENA_UNITS, false);
    for (unsigned i = 0; i < arena->granules; i++) {
        fi_pool *pool = fi_map_pools(arena) + i;
        char *start = arena->start + i * FI_GRANULE_BYTES;
        pool->arena = arena;
        cr_assert_eq(fi_map_address(pool), start);
        assert_equal(fi_map_granule(pool), i);
        assert_equal(fi_map_granule_of(arena, start), i);
        assert_equal(fi_map_granule_of(arena, start + FI_GRANULE_BYTES - 1), i);
        cr_assert_eq(&fi_the_map.pools[fi_map_index(pool)], pool);
    }
}

Test(map, a_huge_block_is_its_arenas_first_granule_throughout) {
    const fi_arena *arena = fi_arena_take_huge(&from_system, 3 * FI_UNIT_BYTES, 1);
    assert_equal(fi_map_granule_of(arena, arena->start + arena->bytes - 1), 0);
}

/* ---- making it ---- */

Test(map_before_it_is_made, a_failure_makes_nothing) {
    fi_os_init();
    for (unsigned nth = 1; nth <= 2; nth++) {
        fi_os_fail_at(nth);
        cr_assert_not(fi_map_init(1024));
        assert_equal(fi_the_map.units, 0);
    }
    cr_assert(fi_map_init(1024));
    assert_equal(fi_the_map.units, 1024);
}

Test(map_before_it_is_made, entries_can_be_read_at_once_and_written_once_enabled) {
    fi_os_init();
    cr_assert(fi_map_init(1024));
    assert_equal(fi_the_map.pools[1024 * FI_UNIT_GRANULES - 1].limit, 0);
    assert_equal(fi_the_map.heads[1023], 0);
    fi_os_fail_at(1);
    cr_assert_not(fi_map_enable(1023, 1));
    cr_assert(fi_map_enable(1023, 1));
    fi_the_map.pools[1024 * FI_UNIT_GRANULES - 1].limit = 1;
    fi_the_map.remote[1024 * FI_UNIT_GRANULES * FI_REMOTE_WORDS - 1] = 1;
    fi_the_map.arenas[1023].bytes = 1;
    fi_the_map.heads[1023] = 1;
}
