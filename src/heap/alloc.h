/* Allocation beyond the fast path. */
#ifndef FI_HEAP_ALLOC_H
#define FI_HEAP_ALLOC_H

#include "heap/heap.h"

/* Any size, for callers that found no block in a fine class's list. */
void *fi_heap_alloc(fief *f, size_t size);

/* The same, for a block that replaces a smaller one. */
void *fi_heap_alloc_growing(fief *f, size_t size);

/* Zeroed. */
void *fi_heap_zalloc(fief *f, size_t size);

void *fi_heap_alloc_aligned(fief *f, size_t size, size_t alignment);

size_t fi_heap_good_size(const fief *f, size_t size);

#endif
