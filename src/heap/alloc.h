/* Allocation beyond the fast path. */
#ifndef FI_HEAP_ALLOC_H
#define FI_HEAP_ALLOC_H

#include "heap/heap.h"

/* `site` is where the verb returns to, for those who watch. */

/* Any size, for callers that found no block in a fine class's list. */
void *fi_heap_alloc(fief *f, size_t size, const void *site);

/* The same, for a block that replaces a smaller one. */
void *fi_heap_alloc_growing(fief *f, size_t size, const void *site);

/* Zeroed. */
void *fi_heap_zalloc(fief *f, size_t size, const void *site);

void *fi_heap_alloc_aligned(fief *f, size_t size, size_t alignment, const void *site);

/* What a watched handle cuts its blocks from, and nobody is asked: a block of a class, which is the one for blocks
 * so large (up to FI_SMALL_BYTES) and so aligned (up to FI_MOST_CLASS_ALIGNMENT); and a large one, `zero`: as
 * zeros. */
enum { FI_MOST_CLASS_ALIGNMENT = 4096 };
unsigned fi_heap_class_for(const fief *f, size_t size, size_t alignment);
void *fi_heap_alloc_of_class(fief *f, unsigned size_class);
void *fi_heap_alloc_large(fief *f, size_t size, size_t alignment, bool zero);

size_t fi_heap_good_size(const fief *f, size_t size);

#endif
