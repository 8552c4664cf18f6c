/* What the loads have in common. Each is a plain C program that only calls malloc and free, as a stranger's
 * program does: which allocator that is, LD_PRELOAD decides. A load does the same work in every run. */
#ifndef BENCH_PRELOAD_LOAD_H
#define BENCH_PRELOAD_LOAD_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* xorshift64*: the same sequence under every allocator. */
typedef struct load_random {
    uint64_t state;
} load_random;

static inline load_random load_seeded(uint64_t seed) {
    return (load_random){seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
}

static inline size_t load_below(load_random *r, size_t bound) {
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (size_t)((r->state * UINT64_C(2685821657736338717) >> 32) % bound);
}

static inline void load_require(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "failed: %s\n", what);
        exit(1);
    }
}

/* A program writes to what it allocates at both ends, and reads it before it lets it go. */
static inline void *load_made(size_t bytes) {
    volatile unsigned char *p = malloc(bytes);
    load_require(p != NULL, "malloc");
    p[0] = (unsigned char)bytes;
    p[bytes - 1] = 1;
    return (void *)p;
}

static inline void load_dropped(void *p) {
    (void)*(volatile unsigned char *)p;
    free(p);
}

static inline pthread_t load_start(void *(*run)(void *), void *arg) {
    pthread_t thread;
    load_require(pthread_create(&thread, NULL, run, arg) == 0, "pthread_create");
    return thread;
}

static inline size_t load_argument(int argc, char **argv, int index) {
    load_require(index < argc, "an argument is missing");
    return strtoul(argv[index], NULL, 10);
}

#endif
