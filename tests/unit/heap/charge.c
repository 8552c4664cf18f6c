/* heap/charge: the gates of a limit - hard, soft, reserve - and the pressure callback's turns. */
#include "heap/charge.h"

#include "heap/stats.h"
#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"

#include <signal.h>

enum { KIB = 1024, MIB = 1024 * KIB };

/* What a pressure callback saw, and what it shall do. */
typedef struct pressure {
    unsigned calls;
    size_t wanted;
    size_t gives;    /* bytes that it uncharges */
    bool charges;    /* it charges itself, so that it would be called again */
    fi_charge inner; /* what came of that */
    bool answer;
} pressure;

static pressure seen;

static bool press(fief *f, size_t wanted, void *arg) {
    pressure *p = arg;
    p->calls++;
    p->wanted = wanted;
    fi_heap_uncharge(f, p->gives);
    if (p->charges) {
        bool pressed = false;
        p->inner = fi_heap_charge(f, MIB, &pressed);
    }
    return p->answer;
}

static fief *heap;
static size_t base; /* charged before the test begins: the handle's page */

static void set_up(void) {
    heap = create(named("limited"));
    base = heap->count.charged_bytes;
}

TestSuite(charge, .init = set_up);

static void limit(size_t hard, size_t soft, size_t reserve, bool with_callback) {
    fief_limit wanted = {hard, soft, reserve, with_callback ? press : NULL, &seen};
    cr_assert(fi_limit_is_valid(&wanted));
    fi_heap_set_limit(heap, &wanted);
}

/* As an allocation charges: again while it is told to. */
static bool charge(size_t bytes) {
    bool pressed = false;
    fi_charge result;
    do
        result = fi_heap_charge(heap, bytes, &pressed);
    while (result == FI_CHARGE_AGAIN);
    return result == FI_CHARGED;
}

/* ---- counting ---- */

Test(charge, without_a_limit_everything_is_granted_and_counted) {
    cr_assert(charge((size_t)1 << 40));
    assert_equal(heap->count.charged_bytes, base + ((size_t)1 << 40));
    fi_heap_uncharge(heap, (size_t)1 << 40);
    assert_equal(heap->count.charged_bytes, base);
}

Test(charge, the_peak_stays) {
    charge(10 * KIB);
    fi_stats_note_memory(heap);
    fi_heap_uncharge(heap, 10 * KIB);
    charge(KIB);
    fi_stats_note_memory(heap);
    assert_equal(heap->count.charged_peak_bytes, base + 10 * KIB);
}

Test(charge, what_was_charged_but_not_had_is_no_peak) {
    cr_assert_null(fief_alloc(heap, opaque_size((size_t)1 << 46)));
    assert_equal(heap->count.charged_peak_bytes, base);
}

static int uncharge_too_much(void *arg) {
    (void)arg;
    fi_heap_uncharge(heap, heap->count.charged_bytes + 1);
    return 0;
}

Test(charge, giving_back_more_than_was_charged_is_a_broken_invariant) {
    assert_aborted(run_in_child(uncharge_too_much, NULL));
}

/* ---- hard ---- */

Test(charge, the_hard_limit_can_be_reached_and_not_passed) {
    limit(base + 100 * KIB, 0, 0, false);
    cr_assert(charge(100 * KIB));
    cr_assert_not(charge(1));
    assert_equal(heap->count.charged_bytes, base + 100 * KIB);
    assert_equal(heap->count.limit_failures, 1);
}

Test(charge, at_the_hard_limit_the_callback_is_called_once_for_an_allocation) {
    limit(base + 100 * KIB, 0, 0, true);
    seen.answer = true; /* it says so, but gave nothing */
    cr_assert_not(charge(MIB));
    assert_equal(seen.calls, 1);
    assert_equal(seen.wanted, MIB);
    assert_equal(heap->count.pressure_calls, 1);
    assert_equal(heap->count.limit_failures, 1);
}

Test(charge, what_the_callback_gave_lets_the_allocation_succeed) {
    limit(base + 100 * KIB, 0, 0, true);
    charge(100 * KIB);
    seen = (pressure){.gives = 40 * KIB, .answer = true};
    cr_assert(charge(40 * KIB));
    assert_equal(heap->count.limit_failures, 0);
}

Test(charge, a_callback_that_gave_nothing_ends_the_attempt) {
    limit(base + 100 * KIB, 0, 0, true);
    bool pressed = false;
    assert_equal(fi_heap_charge(heap, MIB, &pressed), FI_CHARGE_REFUSED);
    assert_equal(seen.calls, 1);
}

Test(charge, a_callback_is_not_called_from_within_itself) {
    limit(base + 100 * KIB, 0, 0, true);
    seen.charges = true;
    cr_assert_not(charge(MIB));
    assert_equal(seen.calls, 1);
    assert_equal(seen.inner, FI_CHARGE_REFUSED);
}

/* ---- soft ---- */

Test(charge, up_to_the_soft_limit_nobody_is_called) {
    limit(0, base + MIB, 0, true);
    cr_assert(charge(MIB));
    assert_equal(seen.calls, 0);
}

Test(charge, a_soft_limit_is_called_for_at_its_crossing_and_at_each_further_eighth) {
    limit(0, base + 8 * MIB, 0, true);
    charge(8 * MIB);
    unsigned crossings = 0;
    for (size_t beyond = 64 * KIB; beyond <= 8 * MIB; beyond += 64 * KIB) {
        cr_assert(charge(64 * KIB));
        crossings = seen.calls;
    }
    assert_at_least(crossings, 7);
    assert_at_most(crossings, 9);
}

Test(charge, a_soft_limit_refuses_nothing) {
    limit(0, base + 64 * KIB, 0, true);
    cr_assert(charge(100 * MIB));
    assert_equal(seen.calls, 1);
    assert_equal(heap->count.limit_failures, 0);
}

Test(charge, a_heap_that_fell_below_the_soft_limit_is_called_for_at_its_next_crossing) {
    limit(0, base + 8 * MIB, 0, true);
    charge(9 * MIB);
    assert_equal(seen.calls, 1);
    fi_heap_uncharge(heap, 9 * MIB);
    charge(9 * MIB);
    assert_equal(seen.calls, 2);
}

Test(charge, a_soft_limit_without_a_callback_is_none) {
    limit(0, base + KIB, 0, false);
    cr_assert(charge(MIB));
    assert_equal(heap->count.pressure_calls, 0);
}

/* ---- reserve ---- */

Test(charge, the_reserve_is_for_unwinding_only) {
    limit(base + 100 * KIB, 0, 20 * KIB, false);
    cr_assert(charge(80 * KIB));
    cr_assert_not(charge(KIB));
    fi_heap_unwind(heap, true);
    cr_assert(charge(20 * KIB));
    cr_assert_not(charge(1));
    fi_heap_unwind(heap, false);
    fi_heap_uncharge(heap, 20 * KIB);
    cr_assert_not(charge(KIB));
}

Test(charge, unwinding_nests) {
    limit(base + 100 * KIB, 0, 20 * KIB, false);
    fi_heap_unwind(heap, true);
    fi_heap_unwind(heap, true);
    fi_heap_unwind(heap, false);
    cr_assert(charge(100 * KIB));
    fi_heap_uncharge(heap, 100 * KIB);
    fi_heap_unwind(heap, false);
    cr_assert_not(charge(100 * KIB));
}

Test(charge, ending_an_unwinding_that_never_began_does_nothing) {
    fi_heap_unwind(heap, false);
    assert_equal(heap->unwinding, 0);
}

/* ---- setting ---- */

Test(charge, a_limit_is_valid_if_its_parts_fit_the_whole) {
    static const struct {
        fief_limit limit;
        bool valid;
    } cases[] = {
        {{0, 0, 0, NULL, NULL}, true},           {{100, 0, 0, NULL, NULL}, true},
        {{0, 100, 0, NULL, NULL}, true}, /* soft alone */
        {{100, 100, 100, NULL, NULL}, true},     {{100, 101, 0, NULL, NULL}, false},
        {{100, 0, 101, NULL, NULL}, false},      {{0, 0, 1, NULL, NULL}, false}, /* a reserve of nothing */
        {{PTRDIFF_MAX, 0, 0, NULL, NULL}, true}, {{(size_t)PTRDIFF_MAX + 1, 0, 0, NULL, NULL}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(fi_limit_is_valid(&cases[i].limit), cases[i].valid, "case %zu", i);
}

Test(charge, a_limit_below_what_is_in_use_leaves_it_and_refuses_more) {
    charge(100 * KIB);
    limit(50 * KIB, 0, 0, false);
    cr_assert_not(charge(1));
    assert_equal(heap->count.charged_bytes, base + 100 * KIB);
    limit(0, 0, 0, false);
    cr_assert(charge(1));
}
