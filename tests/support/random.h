/* A small generator with a seed that a failing test prints, so that its run can be had again. */
#ifndef FI_TESTS_SUPPORT_RANDOM_H
#define FI_TESTS_SUPPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct random_source {
    uint64_t state;
} random_source;

/* xorshift64*: the state is never 0. */
static inline uint64_t random_next(random_source *r) {
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(2685821657736338717);
}

/* 0 to bound - 1. */
static inline size_t random_below(random_source *r, size_t bound) {
    return (size_t)((random_next(r) >> 11) % bound);
}

static inline random_source random_seeded(uint64_t seed) {
    return (random_source){seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
}

#endif
