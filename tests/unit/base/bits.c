/* base/bits: every helper against the obvious way to compute the same. */
#include "base/bits.h"

#include "support/compare.h"
#include "support/random.h"

Test(bits, zero_is_no_power_of_two) {
    cr_assert_not(fi_is_power_of_two(0));
}

Test(bits, one_bit_is_a_power_of_two_and_two_bits_are_none) {
    for (unsigned i = 0; i < 64; i++)
        for (unsigned j = 0; j < 64; j++)
            cr_assert_eq(fi_is_power_of_two((size_t)1 << i | (size_t)1 << j), i == j, "bits %u and %u", i, j);
}

Test(bits, rounding_gives_the_nearest_multiples) {
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
        for (size_t x = 0; x < 10000; x++) {
            assert_equal(fi_round_down(x, alignment), x / alignment * alignment);
            assert_equal(fi_round_up(x, alignment), (x + alignment - 1) / alignment * alignment);
        }
}

Test(bits, dividing_up_counts_the_part_that_is_left) {
    for (size_t by = 1; by < 100; by++)
        for (size_t x = 0; x < 1000; x++)
            assert_equal(fi_divide_up(x, by), x / by + (x % by != 0));
}

Test(bits, the_highest_and_lowest_bit_are_found_in_any_company) {
    random_source rng = random_seeded(1);
    for (unsigned i = 0; i < 64; i++) {
        uint64_t bit = UINT64_C(1) << i, noise = random_next(&rng);
        assert_equal(fi_highest_bit(bit | (noise & (bit - 1))), i);
        assert_equal(fi_lowest_bit(bit | (noise & ~(bit - 1))), i);
    }
}

Test(bits, counting_counts_each_bit_once) {
    assert_equal(fi_count_bits(0), 0);
    assert_equal(fi_count_bits(UINT64_MAX), 64);
    for (unsigned count = 1; count <= 64; count++)
        assert_equal(fi_count_bits(UINT64_MAX >> (64 - count)), count);
}

static bool is_run(uint64_t mask, unsigned first, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (first + i >= 64 || (mask >> (first + i) & 1) == 0)
            return false;
    return true;
}

Test(bits, a_run_has_its_bits_and_no_others) {
    for (unsigned first = 0; first < 64; first++)
        for (unsigned count = 1; first + count <= 64; count++) {
            uint64_t run = fi_bit_run(first, count);
            assert_equal(fi_count_bits(run), count);
            cr_assert(is_run(run, first, count), "%u bits from %u", count, first);
        }
}

static unsigned first_run_by_trying_all(uint64_t mask, unsigned count) {
    unsigned first = 0;
    while (first < 64 && !is_run(mask, first, count))
        first++;
    return first;
}

/* Random masks of every density: a long run is rare where half of the bits are set. */
Test(bits, the_lowest_run_is_found_if_there_is_one) {
    random_source rng = random_seeded(2);
    for (unsigned turn = 0; turn < 2000; turn++) {
        uint64_t mask = random_next(&rng);
        for (unsigned denser = turn % 6; denser > 0; denser--)
            mask |= random_next(&rng);
        for (unsigned count = 1; count <= 64; count++)
            assert_equal(fi_find_run(mask, count), first_run_by_trying_all(mask, count));
    }
}

Test(bits, no_run_is_found_in_nothing_and_the_whole_in_everything) {
    for (unsigned count = 1; count <= 64; count++) {
        assert_equal(fi_find_run(0, count), 64);
        assert_equal(fi_find_run(UINT64_MAX, count), 0);
    }
}
