/* arena/space: spans never overlap, lie where they should, and rest before they are taken again. */
#include "arena/space.h"

#include "arena/map.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/random.h"

#include <stdlib.h>

enum { WORD_UNITS = 64, MOST_SPANS = 1000, LONGEST_SPAN = 100 };

static void set_up(void) {
    fi_os_init();
    cr_assert(fi_space_init());
}

TestSuite(space, .init = set_up);
TestSuite(space_when_it_is_scarce, .init = fi_os_init);

static fi_span take(size_t units, size_t align_units) {
    fi_span span;
    cr_assert(fi_space_take(units, align_units, &span));
    assert_equal(span.units, units);
    assert_equal((uintptr_t)span.start % (align_units * FI_UNIT_BYTES), 0);
    assert_equal(span.slot, fi_map_slot((uintptr_t)span.start, 0));
    return span;
}

/* ---- against a shadow ---- */

typedef struct shadow {
    fi_span spans[MOST_SPANS]; /* units 0: none */
    unsigned char *taken;      /* for each unit of the window */
    size_t used;
} shadow;

static void shadow_mark(shadow *s, size_t slot, size_t units, bool taken) {
    for (size_t i = slot; i < slot + units; i++) {
        cr_assert_neq(s->taken[i], taken, "unit %zu", i);
        s->taken[i] = taken;
    }
    s->used += taken ? units : -units;
}

/* As they are used: mostly single units and full arenas, some huge blocks. */
static fi_span take_some(random_source *rng) {
    switch (random_below(rng, 4)) {
    case 0:
        return take(FI_FULL_ARENA_UNITS, FI_FULL_ARENA_UNITS);
    case 1:
        return take(1 + random_below(rng, LONGEST_SPAN), (size_t)1 << random_below(rng, 8));
    default:
        return take(1, 1);
    }
}

static void extend_or_give(shadow *s, fi_span *span, random_source *rng) {
    size_t more = 1 + random_below(rng, 8), before = span->units;
    if (random_below(rng, 4) == 0 && before > 1) {
        if (fi_space_extend(span, more)) {
            assert_equal(span->units, before + more);
            shadow_mark(s, span->slot + before, more, true);
        }
        return;
    }
    shadow_mark(s, span->slot, span->units, false);
    fi_space_give(span);
    span->units = 0;
}

Test(space, spans_never_overlap) {
    static shadow s;
    s.taken = calloc(fi_the_map.units, 1);
    random_source rng = random_seeded(1);
    for (unsigned turn = 0; turn < 200000; turn++) {
        fi_span *span = &s.spans[random_below(&rng, MOST_SPANS)];
        if (span->units == 0) {
            *span = take_some(&rng);
            shadow_mark(&s, span->slot, span->units, true);
        } else {
            extend_or_give(&s, span, &rng);
        }
        assert_equal(fi_space_used_units(), s.used);
    }
    free(s.taken);
}

Test(space, unit_0_is_never_given_out) {
    for (unsigned i = 0; i < 10000; i++)
        cr_assert_neq(take(1, 1).slot, 0);
}

Test(space, any_alignment_is_met) {
    for (size_t align_units = 1; align_units <= 4096; align_units *= 2)
        for (size_t units = 1; units < 10; units++)
            take(units, align_units);
}

/* Or single units, which stay for long, would leave no room for spans. */
Test(space, single_units_and_spans_share_no_word_of_the_map) {
    static unsigned char holds_span[(1 << 24) / WORD_UNITS];
    random_source rng = random_seeded(2);
    static fi_span spans[MOST_SPANS];
    for (unsigned i = 0; i < MOST_SPANS; i++)
        spans[i] = random_below(&rng, 2) == 0 ? take(1, 1) : take(4, 4);
    for (unsigned i = 0; i < MOST_SPANS; i++)
        if (spans[i].units > 1)
            holds_span[spans[i].slot / WORD_UNITS] = true;
    for (unsigned i = 0; i < MOST_SPANS; i++)
        if (spans[i].units == 1)
            cr_assert_not(holds_span[spans[i].slot / WORD_UNITS], "slot %zu", spans[i].slot);
}

/* ---- rest ---- */

/* Takes and gives one span again and again; how many turns until an address comes round. */
static size_t turns_until_reuse(size_t units, size_t align_units) {
    fi_span first = take(units, align_units), next = first;
    size_t turns = 0;
    do {
        fi_space_give(&next);
        next = take(units, align_units);
        turns++;
    } while (next.start != first.start);
    return turns;
}

Test(space, what_is_given_back_rests_for_at_least_256_mebibytes) {
    assert_at_least(turns_until_reuse(4, 4) * 4 * FI_UNIT_BYTES, ((size_t)256 - 16) << 20);
    assert_at_least(turns_until_reuse(1, 1) * FI_UNIT_BYTES, ((size_t)256 - 16) << 20);
}

Test(space, single_units_rest_beside_others_that_are_held) {
    take(1, 1);
    assert_at_least(turns_until_reuse(1, 1) * FI_UNIT_BYTES, ((size_t)256 - 16) << 20);
}

/* ---- extending ---- */

Test(space, a_span_is_extended_by_what_is_free_behind_it) {
    fi_span span = take(4, 4);
    char *start = span.start;
    cr_assert(fi_space_extend(&span, 3));
    cr_assert_eq(span.start, start);
    assert_equal(span.units, 7);
    assert_equal(fi_space_used_units(), 7);
    fi_space_give(&span);
    assert_equal(fi_space_used_units(), 0);
}

Test(space, a_span_with_a_neighbour_is_not_extended) {
    fi_span span = take(4, 4), neighbour = take(4, 4);
    cr_assert_eq(neighbour.start, span.start + 4 * FI_UNIT_BYTES);
    cr_assert_not(fi_space_extend(&span, 1));
    assert_equal(span.units, 4);
    fi_space_give(&neighbour);
    cr_assert(fi_space_extend(&span, 4));
    cr_assert_not(fi_space_extend(&span, fi_the_map.units));
    assert_equal(fi_space_used_units(), 8);
}

/* ---- a host's memory ---- */

Test(space, a_hosts_memory_gets_its_own_entries_and_gives_them_back) {
    char *start = host_map(3 * FI_UNIT_BYTES, FI_UNIT_BYTES);
    for (unsigned turn = 0; turn < 2; turn++) {
        fi_span span;
        cr_assert(fi_space_claim(start, 3, &span));
        cr_assert_eq(span.start, start);
        assert_equal(span.units, 3);
        assert_equal(span.slot, fi_map_slot((uintptr_t)start, 0));
        fi_space_give(&span);
    }
    assert_equal(fi_space_used_units(), 0);
}

static bool is_taken(size_t slot) {
    return (fi_the_map.used[slot / 64] >> (slot % 64) & 1) != 0;
}

static void assert_extends(char *start, unsigned alternate) {
    fi_span span;
    cr_assert(fi_space_claim(start, 2, &span));
    assert_equal(span.slot, fi_map_slot((uintptr_t)start, alternate));
    cr_assert(fi_space_extend(&span, 2));
    assert_equal(span.units, 4);
    cr_assert(is_taken(span.slot + 3) && !is_taken(span.slot + 4));
    cr_assert_not(fi_space_extend(&span, fi_the_map.units));
    assert_equal(span.units, 4);
    fi_space_give(&span);
    cr_assert(!is_taken(span.slot) && !is_taken(span.slot + 3));
}

Test(space, a_hosts_span_takes_the_entries_behind_its_own) {
    fi_span own = take(2, 4);
    assert_extends(host_map(2 * FI_UNIT_BYTES, FI_UNIT_BYTES), 0);
    assert_extends(own.start - ((size_t)1 << 42), 1);
}

Test(space, a_hosts_span_does_not_take_what_another_has) {
    char *start = host_map(4 * FI_UNIT_BYTES, FI_UNIT_BYTES);
    fi_span span, behind;
    cr_assert(fi_space_claim(start, 2, &span));
    cr_assert(fi_space_claim(start + 3 * FI_UNIT_BYTES, 1, &behind));
    cr_assert_not(fi_space_extend(&span, 2));
    assert_equal(span.units, 2);
    cr_assert(fi_space_extend(&span, 1));
}

Test(space, entries_that_are_taken_leave_three_alternates_and_then_none) {
    fi_span own = take(4, 4), claimed[FI_MAP_ALTERNATES];
    for (unsigned i = 1; i < FI_MAP_ALTERNATES; i++) {
        cr_assert(fi_space_claim(own.start - ((size_t)i << 42), 4, &claimed[i]));
        assert_equal(claimed[i].slot, fi_map_slot((uintptr_t)own.start, i));
    }
    fi_span more;
    cr_assert_not(fi_space_claim(own.start - ((size_t)4 << 42), 4, &more));
    fi_space_give(&claimed[2]);
    cr_assert(fi_space_claim(own.start - ((size_t)4 << 42), 4, &more));
    assert_equal(more.slot, claimed[2].slot);
}

/* ---- scarcity ---- */

Test(space, what_cannot_fit_is_refused_and_changes_nothing) {
    fi_span span;
    cr_assert_not(fi_space_take(fi_the_map.units + 1, 1, &span));
    cr_assert_not(fi_space_take(1, fi_the_map.units * 2, &span));
    cr_assert_not(fi_space_take(SIZE_MAX >> FI_UNIT_SHIFT, 1, &span));
    assert_equal(fi_space_used_units(), 0);
}

Test(space_when_it_is_scarce, a_window_that_is_refused_is_reserved_in_parts) {
    fi_os_fail_at(3); /* after the two that make the map */
    cr_assert(fi_space_init());
    size_t most = 0;
    fi_span span, last = {NULL, 0, 0};
    for (; most <= fi_the_map.units && fi_space_take(4096, 1, &span); most += 4096)
        last = span;
    assert_at_least(most, fi_the_map.units / 4);
    assert_equal(fi_space_used_units(), most);
    fi_space_give(&last);
    cr_assert(fi_space_take(4096, 1, &span));
    cr_assert_eq(span.start, last.start, "there is no other place left");
}

static void assert_half_a_map_when_refused(unsigned nth) {
    size_t units = fi_os_address_budget() >> FI_UNIT_SHIFT;
    fi_os_fail_at(nth);
    cr_assert(fi_space_init());
    assert_equal(fi_the_map.units, units / 2);
    take(FI_FULL_ARENA_UNITS, FI_FULL_ARENA_UNITS);
}

Test(space_when_it_is_scarce, a_map_that_is_refused_is_made_for_half_the_window) {
    assert_half_a_map_when_refused(1);
}

Test(space_when_it_is_scarce, a_map_that_cannot_be_written_is_made_for_half_the_window) {
    assert_half_a_map_when_refused(2);
}
