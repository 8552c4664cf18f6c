/* A watched heap full of blocks of many kinds, live and freed, and everything that looks at it. Whatever was
 * overwritten, each of these must come to an end, and tell nothing that can't be. */
#ifndef FI_TESTS_CORRUPTION_HEAPS_H
#define FI_TESTS_CORRUPTION_HEAPS_H

#include "support/random.h"

#include <fief/debug.h>
#include <stdbool.h>
#include <stdint.h>

enum { SLOTS = 96 };

typedef struct target {
    unsigned char *start; /* NULL: none yet */
    size_t size;
    bool live; /* for all that the program knows */
} target;

typedef struct victim {
    random_source rng;
    fief *heap, *other; /* the second is whole, and frees what is not its own */
    target targets[SLOTS];
    uint64_t reports;
} victim;

/* Both heaps at some level, the first half full and half freed. */
void victim_begin(victim *v, uint64_t seed);

/* Takes whatever the policies leave. */
void victim_end(victim *v);

/* Some verb, on some block. */
void victim_use(victim *v);

/* Some verb that only tells: nothing changes, whatever it reads. */
void victim_look(victim *v);

/* Ends the program with the seed. */
_Noreturn void victim_fail(const char *what);

/* Counts `count` states, from `seed` on. */
void corrupt_memory(uint64_t count, uint64_t seed);
void corrupt_records(uint64_t count, uint64_t seed);

#endif
