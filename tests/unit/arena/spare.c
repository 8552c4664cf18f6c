/* arena/spare: freed huge blocks wait for the next of about their size, a few of them, and not for long. */
#include "arena/spare.h"

#include "os/os.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/pages.h"

#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, MOST_SPARES = 8, DECAY_MS = 500 };

static const fi_source from_system;
static size_t page;

static void set_up(void) {
    cr_assert(fi_arena_init());
    page = fi_os_page_bytes();
}

TestSuite(spare, .init = set_up);

static fi_arena *take_fresh(size_t bytes) {
    fi_arena *arena = fi_arena_take_huge(&from_system, bytes, FI_UNIT_BYTES);
    cr_assert_not_null(arena);
    memset(arena->start, 0x5A, bytes);
    return arena;
}

static fi_arena *kept(size_t bytes) {
    fi_arena *arena = take_fresh(bytes);
    cr_assert(fi_spare_keep(arena, bytes));
    return arena;
}

Test(spare, one_that_was_kept_is_taken_with_what_was_in_it) {
    fi_arena *arena = kept(MIB);
    assert_equal(arena->state, FI_ARENA_WARM);
    cr_assert_eq(fi_spare_take(MIB, 1), arena);
    cr_assert_neq(arena->dirty_granules, 0);
    assert_equal(arena->start[MIB - 1], 0x5A);
    cr_assert_null(fi_spare_take(MIB, 1));
}

Test(spare, of_two_the_later_one_is_taken) {
    kept(MIB);
    fi_arena *later = kept(MIB);
    cr_assert_eq(fi_spare_take(MIB, 1), later);
}

/* What is beyond would be memory that nobody counts. */
Test(spare, a_larger_one_gives_back_what_is_too_much) {
    fi_arena *arena = kept(2 * MIB);
    cr_assert_eq(fi_spare_take(MIB + page, 1), arena);
    assert_equal(arena->start[MIB], 0x5A);
    cr_assert(is_zeros(arena->start + MIB + page, MIB - page));
}

Test(spare, one_that_does_not_fit_stays) {
    fi_arena *arena = kept(2 * MIB);
    cr_assert_null(fi_spare_take(2 * MIB + page, 1));
    cr_assert_null(fi_spare_take(MIB - page, 1));
    cr_assert_null(fi_spare_take(2 * MIB, (size_t)1 << 46));
    cr_assert_eq(fi_spare_take(2 * MIB, 1), arena);
}

Test(spare, no_more_of_them_wait_than_there_is_room_for) {
    for (unsigned i = 0; i < 2 * MOST_SPARES; i++)
        kept(MIB);
    unsigned taken = 0;
    while (fi_spare_take(MIB, 1) != NULL)
        taken++;
    assert_equal(taken, MOST_SPARES);
}

Test(spare, no_more_bytes_wait_than_there_is_room_for) {
    for (unsigned i = 0; i < 3; i++)
        kept(FI_SPARE_MOST_BYTES / 2);
    assert_equal(fi_spare_release(), FI_SPARE_MOST_BYTES);
    fi_arena *too_large = take_fresh(FI_SPARE_MOST_BYTES / 2 + page);
    cr_assert_not(fi_spare_keep(too_large, FI_SPARE_MOST_BYTES / 2 + page));
}

Test(spare, one_that_has_waited_for_long_goes_when_another_comes) {
    const fi_arena *old = kept(MIB);
    usleep((DECAY_MS + 100) * 1000);
    kept(3 * MIB);
    assert_equal(old->state, FI_ARENA_DEAD);
    cr_assert_null(fi_spare_take(MIB, 1));
}

Test(spare, all_can_be_given_back) {
    fi_arena *arena = kept(MIB);
    assert_equal(fi_spare_release(), MIB);
    assert_equal(arena->state, FI_ARENA_DEAD);
    cr_assert_not(is_readable(arena->start));
    assert_equal(fi_spare_release(), 0);
}

Test(spare, a_hosts_memory_never_waits) {
    static host the_host;
    const fi_source from_host = {.ctx = &the_host, .alloc = host_alloc, .free = host_free};
    fi_arena *arena = fi_arena_take_huge(&from_host, MIB, FI_UNIT_BYTES);
    cr_assert_not_null(arena);
    cr_assert_not(fi_spare_keep(arena, MIB));
}
