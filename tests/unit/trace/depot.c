/* trace/depot: one number for equal stacks, whoever puts them, and the stack again for its number. */
#include "trace/depot.h"

#include "os/os.h"
#include "support/compare.h"
#include "support/random.h"

#include <pthread.h>
#include <string.h>

enum { FRAMES = 12, STACKS = 5000, THREADS = 4 };

TestSuite(depot, .init = fi_os_init);

/* The stack with this number, always the same. */
static size_t make_stack(uintptr_t *pcs, size_t which) {
    random_source rng = random_seeded(which);
    size_t count = 1 + which % FRAMES;
    for (size_t i = 0; i < count; i++)
        pcs[i] = (uintptr_t)(0x400000 + random_below(&rng, 1 << 20));
    return count;
}

static uint32_t put_stack(size_t which) {
    uintptr_t pcs[FRAMES];
    size_t count = make_stack(pcs, which);
    return fi_depot_put(pcs, count);
}

static void assert_is_stack(uint32_t number, size_t which) {
    uintptr_t pcs[FRAMES];
    size_t count = make_stack(pcs, which);
    fi_stack stack;
    cr_assert(fi_depot_get(number, &stack), "stack %zu", which);
    assert_equal(stack.count, count);
    assert_equal(stack.text_bytes, 0);
    cr_assert_arr_eq(stack.pcs, pcs, count * sizeof *pcs);
}

Test(depot, equal_stacks_have_one_number) {
    uint32_t first = put_stack(1);
    cr_assert_neq(first, 0);
    size_t used_bytes = fi_depot_used_bytes();
    for (unsigned i = 0; i < 1000; i++)
        assert_equal(put_stack(1), first);
    assert_equal(fi_depot_used_bytes(), used_bytes);
    cr_assert_neq(put_stack(2), first);
}

Test(depot, a_part_of_a_stack_is_another) {
    uintptr_t pcs[] = {0x1000, 0x2000, 0, 0};
    uint32_t numbers[4];
    for (unsigned count = 1; count <= 4; count++) {
        fi_stack stack;
        numbers[count - 1] = fi_depot_put(pcs, count);
        for (unsigned other = 1; other < count; other++)
            cr_assert_neq(numbers[count - 1], numbers[other - 1]);
        cr_assert(fi_depot_get(numbers[count - 1], &stack));
        assert_equal(stack.count, count);
    }
}

Test(depot, a_number_gives_its_stack) {
    static uint32_t numbers[STACKS];
    for (size_t i = 0; i < STACKS; i++)
        numbers[i] = put_stack(i);
    for (size_t i = 0; i < STACKS; i++)
        assert_is_stack(numbers[i], i);
}

Test(depot, an_empty_stack_is_none) {
    fi_stack stack;
    assert_equal(fi_depot_put(NULL, 0), 0);
    assert_equal(fi_depot_put_text(0, "", 0), 0);
    cr_assert_not(fi_depot_get(0, &stack));
}

Test(depot, a_stack_that_is_too_deep_is_cut) {
    uintptr_t pcs[FI_DEPOT_MOST_FRAMES + 5];
    for (size_t i = 0; i < FI_DEPOT_MOST_FRAMES + 5; i++)
        pcs[i] = i + 1;
    fi_stack stack;
    cr_assert(fi_depot_get(fi_depot_put(pcs, FI_DEPOT_MOST_FRAMES + 5), &stack));
    assert_equal(stack.count, FI_DEPOT_MOST_FRAMES);
    assert_equal(stack.pcs[FI_DEPOT_MOST_FRAMES - 1], FI_DEPOT_MOST_FRAMES);
}

Test(depot, a_text_stands_with_its_stack) {
    static const char text[] = "script.lua:12\nscript.lua:40\n";
    char long_text[FI_DEPOT_MOST_TEXT_BYTES + 10];
    memset(long_text, 'x', sizeof long_text);
    uint32_t plain = put_stack(7);
    for (size_t bytes = 1; bytes < sizeof text; bytes++) {
        uint32_t number = fi_depot_put_text(plain, text, bytes);
        fi_stack stack;
        cr_assert_neq(number, plain);
        assert_equal(fi_depot_put_text(plain, text, bytes), number);
        cr_assert_neq(fi_depot_put_text(put_stack(8), text, bytes), number);
        cr_assert(fi_depot_get(number, &stack));
        assert_equal(stack.text_bytes, bytes);
        cr_assert_arr_eq(stack.text, text, bytes);
        assert_equal(stack.count, 1 + 7 % FRAMES);
    }
    fi_stack stack;
    assert_equal(fi_depot_put_text(plain, text, 0), plain);
    cr_assert(fi_depot_get(fi_depot_put_text(plain, long_text, sizeof long_text), &stack));
    assert_equal(stack.text_bytes, FI_DEPOT_MOST_TEXT_BYTES);
    cr_assert(fi_depot_get(fi_depot_put_text(0, text, 5), &stack));
    assert_equal(stack.count, 0);
    assert_equal(stack.text_bytes, 5);
}

/* Numbers inside an entry, behind the end, anything. */
Test(depot, garbage_is_no_stack) {
    fi_stack stack;
    cr_assert_not(fi_depot_get(12345, &stack)); /* nothing was put yet */
    uint32_t good = put_stack(FRAMES - 1);
    uint32_t last = put_stack(2 * FRAMES - 1);
    for (uint32_t number = good + 1; number < last; number++)
        cr_assert_not(fi_depot_get(number, &stack), "%u", number);
    for (unsigned bit = 0; bit < 32; bit++)
        if (UINT32_C(1) << bit != good && UINT32_C(1) << bit != last)
            cr_assert_not(fi_depot_get(UINT32_C(1) << bit, &stack), "bit %u", bit);
    cr_assert_not(fi_depot_get(UINT32_MAX, &stack));
    cr_assert_not(fi_depot_get(last + 100000, &stack));
}

/* ---- exhaustion ---- */

Test(depot, a_refusal_is_0_and_passes) {
    fi_os_fail_at(2); /* the first is address space, which is asked for again, in smaller pieces */
    assert_equal(put_stack(1), 0);
    cr_assert_neq(put_stack(1), 0);
    size_t used_bytes = fi_depot_used_bytes();
    fi_os_fail_at(1);
    size_t which = 2;
    while (put_stack(which) != 0)
        which++;
    cr_assert_leq(fi_depot_used_bytes() - used_bytes, (size_t)1 << 20);
    cr_assert_neq(put_stack(which), 0);
    assert_is_stack(put_stack(which - 1), which - 1);
}

Test(depot, less_address_space_makes_a_smaller_store) {
    fi_os_fail_at(1);
    uint32_t number = put_stack(3);
    cr_assert_neq(number, 0);
    assert_is_stack(number, 3);
}

Test(depot, a_full_store_gives_0_and_keeps_what_it_has) {
    uintptr_t pcs[FI_DEPOT_MOST_FRAMES] = {0};
    uint32_t early = put_stack(1);
    for (pcs[0] = 1; fi_depot_put(pcs, FI_DEPOT_MOST_FRAMES) != 0; pcs[0]++)
        continue;
    assert_at_most(fi_depot_used_bytes(), FI_DEPOT_BYTES);
    assert_at_least(fi_depot_used_bytes(), FI_DEPOT_BYTES - 1024);
    assert_equal(put_stack(1), early);
    assert_is_stack(early, 1);
    char text[FI_DEPOT_MOST_TEXT_BYTES] = "there is no room for this";
    assert_equal(fi_depot_put_text(early, text, sizeof text), early);
}

/* ---- threads ---- */

static uint32_t numbers_of[THREADS][STACKS];

/* The same stacks by every thread, each beginning elsewhere. */
static void *put_all(void *arg) {
    uint32_t *numbers = arg;
    size_t start = (size_t)(numbers - numbers_of[0]) / STACKS * (STACKS / THREADS / 3);
    for (size_t i = 0; i < STACKS; i++) {
        size_t which = (start + i) % STACKS;
        numbers[which] = put_stack(which);
    }
    return NULL;
}

Test(depot, threads_get_the_same_numbers) {
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, put_all, numbers_of[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < STACKS; i++) {
        assert_is_stack(numbers_of[0][i], i);
        for (unsigned thread = 1; thread < THREADS; thread++)
            assert_equal(numbers_of[thread][i], numbers_of[0][i]);
    }
}
