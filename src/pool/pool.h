/* Pools: a granule cut into blocks of one size class.
 *
 * The blocks are carved lazily, some at a time, so that a pool costs the pages it needs. A list of free blocks
 * ends in `owner`, the handle (see fi_block). Lists are taken whole: the handle allocates from one while frees
 * collect in the pool, so that neither waits for the other's last store. */
#ifndef FI_POOL_POOL_H
#define FI_POOL_POOL_H

#include "arena/arena.h"
#include "base/atomics.h"
#include "os/os.h"
#include "pool/size_class.h"

/* Makes a granule a pool. Its first block lies at `start`; nothing is carved yet. State: CURRENT. */
void fi_pool_open(fi_pool *pool, fi_arena *arena, unsigned size_class, char *start, void *owner);

/* Makes one or more granules one large block of `bytes` usable bytes: LARGE, and TAILs. */
void fi_pool_open_large(fi_pool *first, fi_arena *arena, unsigned granules, size_t bytes, fi_pool_state state,
                        void *owner);

/* Makes an arena `places` guarded blocks: GUARDED. What lies where in it is its opener's to know. */
void fi_pool_open_guarded(fi_pool *pool, fi_arena *arena, size_t bytes, unsigned places, void *owner);

/* Takes further granules behind a large block into it, or gives up its last ones; and sets its usable bytes. */
void fi_pool_resize_large(fi_pool *first, unsigned granules, size_t bytes);

/* Makes a large block begin `bytes` further on, at its end's cost. */
void fi_pool_move_start(fi_pool *first, ptrdiff_t bytes);

/* Its blocks become another owner's, whose handle lies `bytes` further on. Its generation stays, so that what
 * others have freed stays freed: they read the arena's owner before and after (fi_arena_begin_passing). */
void fi_pool_rebase(fi_pool *pool, uintptr_t bytes);

/* From here on every free of what was in it is refused, whichever thread tries. */
void fi_pool_close(fi_pool *pool);

/* Hands out `count` new blocks as a list, in address order. carved + count <= capacity, count > 0. */
fi_block *fi_pool_carve(fi_pool *pool, void *owner, unsigned count);

/* Hands out all blocks that have come back, which are some. */
fi_block *fi_pool_take(fi_pool *pool, void *owner);

/* Hands out `count` of them at most. */
fi_block *fi_pool_take_some(fi_pool *pool, void *owner, unsigned count);

static inline bool fi_pool_is_small(const fi_pool *pool) {
    return pool->state >= FI_POOL_CURRENT && pool->state <= FI_POOL_READY;
}

static inline unsigned fi_pool_used(const fi_pool *pool) {
    return (unsigned)(pool->floor + (int)pool->count);
}

static inline unsigned fi_pool_free_count(const fi_pool *pool) {
    return pool->carved - fi_pool_used(pool); /* NOLINT(*NullDereference): the table of pools is never NULL here */
}

/* The next event comes after `frees` frees; one more than there can be means never. */
static inline void fi_pool_expect(fi_pool *pool, unsigned frees) {
    pool->floor = (int16_t)((int)fi_pool_used(pool) - (int)frees);
    pool->count = frees;
}

static inline char *fi_pool_start(const fi_pool *pool, const void *owner) {
    return (char *)(pool->base - (uintptr_t)owner);
}

static inline fi_block *fi_pool_block(const fi_pool *pool, const void *owner, unsigned index) {
    return (fi_block *)(fi_pool_start(pool, owner) + index * fi_class_bytes(pool->size_class));
}

/* Bytes of pages from its granule's start to the end of its first `blocks` blocks; a page that it shares with the
 * handle is the handle's. Of a watched heap there is room before the first block, which is used, too. */
static inline size_t fi_pool_extent(const fi_pool *pool, const void *owner, unsigned blocks) {
    size_t page = fi_os_page_bytes(), first = (size_t)fi_pool_start(pool, owner);
    size_t granule = fi_round_down(first, FI_GRANULE_BYTES);
    size_t end = first + blocks * fi_class_bytes(pool->size_class);
    size_t start = granule == (size_t)owner ? granule + page : granule;
    return blocks != 0 && end > start ? fi_round_up(end, page) - start : 0;
}

/* Takes a block back. True: the pool's event is due. */
static inline bool fi_pool_push(fi_pool *pool, fi_block *block) {
    block->mark = (uintptr_t)block;
    block->next = pool->free;
    pool->free = block;
    return --pool->count == 0;
}

/* What a thread that is not the owner may know of a pool. */
typedef struct fi_pool_view {
    fi_pool_state state;
    unsigned size_class;
    unsigned carved;
    uint32_t generation;
    char *start; /* of the first block, of the large block */
    size_t large_bytes;
} fi_pool_view;

/* False: the pool is being changed, or is none. `owner` as read from its arena. */
static inline bool fi_pool_snapshot(const fi_pool *pool, const void *owner, fi_pool_view *out) {
    uint32_t generation = fi_load_acquire(&pool->generation);
    out->state = (fi_pool_state)fi_load_acquire(&pool->state);
    out->size_class = fi_load_acquire(&pool->size_class);
    out->carved = fi_load_acquire(&pool->carved);
    out->start = (char *)(fi_load_acquire(&pool->base) - (uintptr_t)owner);
    out->large_bytes = fi_load_acquire(&pool->large_bytes);
    out->generation = generation;
    return generation % 2 == 0 && generation == fi_load_relaxed(&pool->generation) && out->state != FI_POOL_NONE;
}

static inline bool fi_view_is_small(const fi_pool_view *view) {
    return view->state >= FI_POOL_CURRENT && view->state <= FI_POOL_READY;
}

/* A ring of READY pools: `*ring` is the index of its front, 0 if it is empty. */
void fi_ring_push(uint32_t *ring, fi_pool *pool, bool at_front);
void fi_ring_remove(uint32_t *ring, fi_pool *pool);

/* Puts all of another ring behind it. */
void fi_ring_join(uint32_t *ring, uint32_t other);

#endif
