/* Arithmetic on bits, masks and alignments. */
#ifndef FI_BASE_BITS_H
#define FI_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool fi_is_power_of_two(size_t x) {
    return x != 0 && (x & (x - 1)) == 0;
}

/* `alignment` is a power of two in all of these. Rounding up must not overflow: callers bound x first. */
static inline size_t fi_round_up(size_t x, size_t alignment) {
    return (x + alignment - 1) & ~(alignment - 1);
}

static inline size_t fi_round_down(size_t x, size_t alignment) {
    return x & ~(alignment - 1);
}

static inline size_t fi_divide_up(size_t x, size_t by) {
    return (x + by - 1) / by;
}

/* Index of the highest and of the lowest bit set; x is not 0. */
static inline unsigned fi_highest_bit(uint64_t x) {
    return 63U - (unsigned)__builtin_clzll(x);
}

static inline unsigned fi_lowest_bit(uint64_t x) {
    return (unsigned)__builtin_ctzll(x);
}

static inline unsigned fi_count_bits(uint64_t x) {
    return (unsigned)__builtin_popcountll(x);
}

/* `count` bits from bit `first` on; first + count <= 64, count > 0. */
static inline uint64_t fi_bit_run(unsigned first, unsigned count) {
    return (~UINT64_C(0) >> (64 - count)) << first;
}

/* Lowest index of `count` neighbouring bits set in `mask`, 64 if there is none. */
static inline unsigned fi_find_run(uint64_t mask, unsigned count) {
    for (unsigned left = count - 1; left > 0 && mask != 0;) { /* each turn leaves the starts of longer runs */
        unsigned step = left < count - left ? left : count - left;
        mask &= mask >> step;
        left -= step;
    }
    return mask != 0 ? fi_lowest_bit(mask) : 64;
}

#endif
