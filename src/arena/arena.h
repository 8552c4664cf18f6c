/* Arenas: where they come from, and where they go when their owner ends.
 *
 * An arena that its owner leaves goes to a small process-wide store, memory and all, for the next interpreter;
 * what the store can't hold, or has held for too long, goes back to the operating system. An interpreter's life
 * then costs no system call as long as one has ended shortly before. */
#ifndef FI_ARENA_ARENA_H
#define FI_ARENA_ARENA_H

#include "arena/map.h"
#include "base/bits.h"
#include "fief/fief.h"

/* The host's memory, as in fief_config. */
typedef struct fi_source {
    void *ctx;
    void *(*alloc)(void *ctx, size_t bytes, size_t alignment);
    void (*free)(void *ctx, void *span, size_t bytes);
    fief_provider_extend_fn *extend; /* NULL: none */
    fief_provider_end_fn *end;       /* NULL: none */
    bool large_only;                 /* arenas are the system's, and what it has not got */
} fi_source;

/* Where arenas come from. */
static inline bool fi_source_gives_arenas(const fi_source *source) {
    return source->alloc != NULL && !source->large_only;
}

/* Readies the map and the address space; once, before anything else. False: there is no memory for them. */
FI_MUST_USE bool fi_arena_init(void);

/* An arena of `units` units (small or full), committed, from the source (`alloc` NULL: the operating system).
 * `warm`: one that an ended interpreter left will do. NULL on exhaustion. */
fi_arena *fi_arena_take(const fi_source *source, unsigned units, bool warm);
fi_arena *fi_arena_take_fresh(const fi_source *source, unsigned units);

/* The same for a caller that holds FI_RANK_PROCESS: a warm one, or NULL. One that `holds_handle` still has the
 * handle's last contents. */
fi_arena *fi_arena_pop_warm(unsigned units);

/* Address space for one huge block of at least `bytes`, the first `bytes` of it committed; whole units. */
fi_arena *fi_arena_take_huge(const fi_source *source, size_t bytes, size_t alignment);
fi_arena *fi_arena_take_huge_of_system(size_t bytes, size_t alignment);

/* Makes the first `bytes` bytes of a huge block's space usable, taking more space behind it if need be. */
FI_MUST_USE bool fi_arena_extend_huge(fi_arena *arena, const fi_source *source, size_t old_bytes, size_t bytes);

/* Hands an arena to an owner. From here on the owner writes its descriptor. */
void fi_arena_adopt(fi_arena *arena, void *owner, uint64_t owner_id, uint64_t *remote_summary, uint32_t index);

/* The same for one that passes to another owner with all that is in it; between begin and end its pools are made
 * the new owner's, too. Others who look at it meanwhile look again. */
void fi_arena_begin_passing(fi_arena *arena, void *owner, uint64_t owner_id, uint64_t *remote_summary,
                            uint32_t index);
void fi_arena_end_passing(fi_arena *arena);

/* The owner leaves it. `warm`: it may be kept for another. */
void fi_arena_leave(fi_arena *arena, const fi_source *source, bool warm);

/* The same in steps, for a caller that has more to do under FI_RANK_PROCESS: disown, push under the lock, then
 * bury what could not be kept, and `*due` if it is not NULL. */
void fi_arena_disown(fi_arena *arena);
FI_MUST_USE bool fi_arena_push_warm(fi_arena *arena, uint64_t now_ms, fi_arena **due);
void fi_arena_bury(fi_arena *arena, const fi_source *source);

/* The owner has ended, and blocks in it are still used: nobody gets it, ever. */
void fi_arena_keep(fi_arena *arena);

/* Gives all warm arenas back to the operating system, and what tables are in use for ended interpreters alone.
 * Returns the bytes of memory that may have been in those arenas. */
size_t fi_arena_release_warm(void);

/* Bytes of a run of granules that blocks may use: the arena's gap excepted. */
static inline size_t fi_arena_run_bytes(const fi_arena *arena, unsigned first, unsigned granules) {
    size_t bytes = (size_t)granules << FI_GRANULE_SHIFT;
    return first + granules == arena->granules ? bytes - FI_ARENA_GAP_BYTES : bytes;
}

static inline uint64_t fi_arena_all_granules(const fi_arena *arena) {
    return fi_bit_run(0, arena->granules);
}

/* Notes that the first `bytes` bytes of a granule may hold memory. */
static inline void fi_arena_touch(fi_arena *arena, unsigned granule, size_t bytes) {
    uint8_t pages = (uint8_t)fi_divide_up(bytes, FI_TOUCHED_BYTES);
    if (pages == 0)
        return;
    arena->dirty_granules |= fi_bit_run(granule, 1);
    if (pages > arena->touched_pages[granule])
        arena->touched_pages[granule] = pages;
}

/* Bytes of memory in the granules of `mask`. */
static inline size_t fi_arena_touched_bytes(const fi_arena *arena, uint64_t mask) {
    size_t pages = 0;
    for (mask &= arena->dirty_granules; mask != 0; mask &= mask - 1)
        pages += arena->touched_pages[fi_lowest_bit(mask)];
    return pages * FI_TOUCHED_BYTES;
}

/* Purges the granules of `mask`, run by run, except for a handle's page. They are zeros then. */
void fi_arena_purge(fi_arena *arena, uint64_t mask);

#endif
