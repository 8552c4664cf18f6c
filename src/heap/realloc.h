/* Resizing. */
#ifndef FI_HEAP_REALLOC_H
#define FI_HEAP_REALLOC_H

#include "heap/watch.h"

/* A block stays where it is as long as it is at least half used: moving it would cost more than it gives back. */
static inline bool fi_heap_stays(size_t usable, size_t size) {
    return size <= usable && (size >= usable / 2 || usable == FI_LEAST_BLOCK_BYTES);
}

/* Whether the block stays where it is, as far as the fast path can tell. The checks are those of fief_inline_free.
 */
static inline bool fi_heap_realloc_is_done(fief *f, void *p, size_t size) {
    const fief_fast_pool *pool = fief_fast_pool_of(f, p);
    return FI_LIKELY(fief_fast_holds(f, pool, p)) && FI_LIKELY(((fi_block *)p)->mark != (uintptr_t)p) &&
           fi_heap_stays(fi_class_bytes(((const fi_pool *)pool)->size_class), size);
}

/* Whatever the fast path did not settle. p is not NULL; `old_size` may be FI_ANY_SIZE. */
void *fi_heap_realloc_slow(fief *f, void *p, size_t size, size_t old_size, const char *operation,
                           const void *site);

/* The same, for a verb that says more of the block than where it is. */
void *fi_heap_realloc_found(fief *f, void *p, size_t size, const fi_release *how);

#endif
