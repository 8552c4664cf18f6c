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

/* What a watched handle cuts its blocks from: a block of whatever class or kind holds `size` bytes so aligned, and
 * nobody is asked. `zero`: a large one arrives as zeros. */
void *fi_heap_alloc_raw(fief *f, size_t size, size_t alignment, bool zero);

size_t fi_heap_good_size(const fief *f, size_t size);

#endif
