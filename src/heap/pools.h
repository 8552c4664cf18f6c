/* The pools of one heap: from granule to class and back. */
#ifndef FI_HEAP_POOLS_H
#define FI_HEAP_POOLS_H

#include "heap/heap.h"

/* Makes a free granule the class's current pool, which the class must not have. NULL on exhaustion. */
fi_pool *fi_heap_open_pool(fief *f, unsigned size_class);

/* How far into its granule a pool's first block lies. */
size_t fi_heap_first_block(bool behind_handle, unsigned size_class, bool watched);

/* Makes the pool the class's current one, which the class must not have: it was READY. */
void fi_heap_make_current(fief *f, fi_pool *pool);

/* The current pool has nothing left to hand out: it becomes FULL. */
void fi_heap_retire_current(fief *f, unsigned size_class);

/* A pool that is not current has handed out all it had: it becomes, or stays, FULL. */
void fi_heap_drained(fief *f, fi_pool *pool);

/* A pool's count of frees has reached 0. */
void fi_heap_event(fief *f, fi_pool *pool);

/* Closes current pools all of whose blocks have come home. */
void fi_heap_close_idle(fief *f);

/* No class has a current pool from here on, but those that it can go on with. The handle's lists are empty. */
void fi_heap_rest_pools(fief *f);

/* Makes a pool's list end in f: until it is read, that of a pool that was another heap's ends in that one's
 * handle. Walks it, once. */
FI_COLD void fi_heap_own_end_slow(fief *f, fi_pool *pool);

static inline void fi_heap_own_end(fief *f, fi_pool *pool) {
    if (FI_UNLIKELY((pool->arena->foreign_ends >> fi_map_granule(pool) & 1) != 0))
        fi_heap_own_end_slow(f, pool);
}

/* Takes back a block that has been checked. */
static inline void fi_heap_take_back(fief *f, fi_pool *pool, fi_block *block) {
    if (FI_UNLIKELY(fi_pool_push(pool, block)))
        fi_heap_event(f, pool);
}

/* Whether a block is on its pool's list of free blocks, or on one of the handle's. Walks them, and reads nothing
 * that is not the heap's: where a list is damaged the answer is yes. */
bool fi_heap_is_listed(fief *f, fi_pool *pool, const fi_block *block);

/* Whether a list may go on there: it is in one of this heap's pools of blocks. */
bool fi_heap_is_linkable(const fief *f, const fi_block *block);

/* From here on so many blocks of a class may go into its list as they are freed (fief_inline_free_hot). */
static inline void fi_heap_grant_hot(fief *f, unsigned size_class, uint16_t frees) {
    if (fi_heap_is_coarse(size_class))
        return;
    f->count.listed += (uint64_t)frees - f->fast.hot[size_class];
    f->fast.hot[size_class] = frees;
}

/* Moves all blocks in the handle's lists back to their pools. */
void fi_heap_flush_lists(fief *f);

/* Blocks in the handle's lists, and their bytes. Walks them. */
typedef struct fi_listed {
    uint64_t blocks, bytes;
} fi_listed;
fi_listed fi_heap_count_listed(fief *f);

/* The pool or large block whose granule an address lies in; NULL if that is not this heap's. */
fi_pool *fi_heap_pool_of(const fief *f, const void *p);

#endif
