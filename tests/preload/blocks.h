/* Blocks whose content tells whether they were kept as they are. */
#ifndef FI_TESTS_PRELOAD_BLOCKS_H
#define FI_TESTS_PRELOAD_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Sizes around every step of any malloc: up to half a mebibyte, then by halves of a power of two. */
#define FOR_EVERY_STEP(size)                                                                                      \
    for (size_t size = 1; size < ((size_t)64 << 20); size += size < 2048 ? 1 : size < 65536 ? 509 : size / 2 - 3)

static inline void blocks_fill(void *p, size_t bytes, unsigned seed) {
    unsigned char *at = p;
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(seed + i * 7);
}

static inline bool blocks_hold(const void *p, size_t bytes, unsigned seed) {
    const unsigned char *at = p;
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != (unsigned char)(seed + i * 7))
            return false;
    return true;
}

static inline bool blocks_are_zero(const void *p, size_t bytes) {
    const unsigned char *at = p;
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != 0)
            return false;
    return true;
}

static inline bool blocks_aligned(const void *p, size_t alignment) {
    return (uintptr_t)p % alignment == 0;
}

/* What the process has resident now. */
static inline size_t blocks_resident_bytes(void) {
    size_t total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &total, &resident) != 2)
        abort();
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
