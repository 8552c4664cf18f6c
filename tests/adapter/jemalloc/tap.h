/* What the two programs here have in common: results as TAP, and interpreters with a backing. */
#ifndef FI_TESTS_ADAPTER_JEMALLOC_TAP_H
#define FI_TESTS_ADAPTER_JEMALLOC_TAP_H

#include <fief/adapter/jemalloc.h>

#include <stdio.h>
#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static unsigned check_count, failure_count;

static inline void check(bool good, const char *what) {
    printf("%s %u - %s\n", good ? "ok" : "not ok", ++check_count, what);
    failure_count += !good;
}

/* What main returns. */
static inline int tap_end(void) {
    printf("1..%u\n", check_count);
    return failure_count == 0 ? 0 : 1;
}

/* An interpreter with a backing. */
typedef struct guest {
    fief *heap;
    fief_jemalloc backing;
} guest;

/* False if there is no interpreter. */
static inline bool guest_begin(guest *g, const fief_jemalloc_functions *functions, fief_leak_policy on_leak) {
    fief_config config = FIEF_CONFIG_INIT;
    config.on_leak = on_leak;
    g->heap = NULL;
    fief_jemalloc_back(&g->backing, &config, functions);
    return fief_create(&g->heap, &config) == FIEF_OK;
}

static inline bool guest_end(guest *g) {
    return fief_destroy(g->heap) == FIEF_OK;
}

static inline unsigned char *filled(guest *g, size_t size) {
    unsigned char *block = fief_alloc(g->heap, size);
    return block != NULL ? memset(block, 0x5A, size) : NULL;
}

static inline bool is_filled(const unsigned char *block, size_t size) {
    for (size_t i = 0; block != NULL && i < size; i += 61)
        if (block[i] != 0x5A)
            return false;
    return block != NULL;
}

#endif
