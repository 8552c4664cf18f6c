/* Blocks beyond the size classes: whole pages.
 *
 * Up to half an arena they are runs of granules, and grow and shrink in place while the granules behind them are
 * free. Beyond, each has address space of its own, grows into what is free behind it, and otherwise has its pages
 * moved to a new place without a copy. */
#ifndef FI_HEAP_LARGE_H
#define FI_HEAP_LARGE_H

#include "heap/heap.h"

typedef struct fi_large_request {
    size_t bytes;
    size_t alignment; /* a power of two */
    bool zero;
    bool growing; /* it replaces a smaller block: likely to grow on */
} fi_large_request;

/* NULL on exhaustion. bytes <= PTRDIFF_MAX. */
void *fi_large_alloc(fief *f, const fi_large_request *request);

void fi_large_free(fief *f, fi_pool *pool);

/* Makes the block of `pool` hold `bytes`, where it is or with its pages moved; returns where it is now. NULL: not
 * without a copy, or, if *refused, not at all; nothing has changed. */
void *fi_large_resize(fief *f, fi_pool *pool, size_t bytes, bool *refused);

/* Usable bytes for a request. bytes <= PTRDIFF_MAX. */
size_t fi_large_usable(size_t bytes);

#endif
