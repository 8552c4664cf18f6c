/* Where a list gets its blocks from: the slow half of allocation. */
#ifndef FI_HEAP_REFILL_H
#define FI_HEAP_REFILL_H

#include "heap/heap.h"

/* A block of a size class whose list was found empty, or whose first block was found written to. */
void *fi_heap_refill(fief *f, unsigned size_class);

/* The first block of a list; NULL if the list is empty, or its first block was written to: then a refill is next.
 */
static inline void *fi_heap_pop_from(fi_block **list) {
    fi_block *block = *list;
    block->mark -= (uintptr_t)block;
    if (FI_UNLIKELY(block->mark != 0))
        return NULL;
    *list = block->next;
    return block;
}

/* The same as the fast path, for any class. */
static inline void *fi_heap_pop(fief *f, unsigned size_class) {
    return fi_heap_pop_from(fi_heap_fast_list(f, size_class));
}

#endif
