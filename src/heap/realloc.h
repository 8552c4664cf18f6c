/* Resizing. */
#ifndef FI_HEAP_REALLOC_H
#define FI_HEAP_REALLOC_H

#include "heap/heap.h"

/* A block stays where it is as long as it is at least half used: moving it would cost more than it gives back. */
static inline bool fi_heap_stays(size_t usable, size_t size) {
    return size <= usable && (size >= usable / 2 || usable == FI_LEAST_BLOCK_BYTES);
}

/* Whatever the fast path did not settle. p is not NULL. */
void *fi_heap_realloc_slow(fief *f, void *p, size_t size, const char *operation);

/* The checks are those of fief_inline_free. */
static inline void *fi_heap_realloc(fief *f, void *p, size_t size, const char *operation) {
    const fief_fast_pool *pool = fief_fast_pool_of(f, p);
    if (FI_LIKELY(fief_fast_holds(f, pool, p)) && FI_LIKELY(((fi_block *)p)->mark != (uintptr_t)p) &&
        fi_heap_stays(fi_class_bytes(((const fi_pool *)pool)->size_class), size))
        return p;
    return fi_heap_realloc_slow(f, p, size, operation);
}

#endif
