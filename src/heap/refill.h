/* Where a list gets its blocks from: the slow half of allocation. */
#ifndef FI_HEAP_REFILL_H
#define FI_HEAP_REFILL_H

#include "heap/heap.h"

/* A block of a size class whose list was found empty, or whose first block was found written to. */
void *fi_heap_refill(fief *f, unsigned size_class);

/* The same as the fast path, for any class. */
static inline void *fi_heap_pop(fief *f, unsigned size_class) {
    fi_block **list = fi_heap_list(f, size_class);
    fi_block *block = *list;
    block->mark -= (uintptr_t)block;
    if (FI_UNLIKELY(block->mark != 0))
        return fi_heap_refill(f, size_class);
    *list = block->next;
    return block;
}

#endif
