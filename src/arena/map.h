/* The arena map: from any address to what fief knows of it, in constant time and by reads of fief's own memory.
 *
 * One table of pool descriptors has an entry for each granule of a window of address space, and is indexed by the
 * address modulo the window's size. The window is normally one reservation, so that no two addresses of fief's
 * share an entry; the check in the descriptor refuses all others. Memory of a host, or of a second reservation,
 * takes entries that are not in use: those of its own address, or one of three alternates, which the slow path
 * looks through as well.
 *
 * The tables are mapped readable throughout, so that any index may be read, and made writable in stripes as
 * address space comes into use: what is never used costs no memory and no commit charge. They are never
 * unmapped, so that a descriptor may be read at any time, by any thread; on request, descriptors that nobody uses
 * become zeros again. */
#ifndef FI_ARENA_MAP_H
#define FI_ARENA_MAP_H

#include "arena/descriptor.h"
#include "base/atomics.h"
#include "base/attributes.h"

#include <stdbool.h>

enum {
    FI_MAP_ALTERNATES = 4,
    FI_MOST_UNITS = 1 << 24,
    /* A word of remote frees covers 32 blocks; the smallest block is 16 bytes. */
    FI_REMOTE_WORD_BLOCKS = 32,
    FI_REMOTE_WORDS = (1 << FI_GRANULE_SHIFT) / 16 / FI_REMOTE_WORD_BLOCKS
};

typedef struct fi_map {
    fi_pool *pools;   /* one for each granule */
    uint64_t *remote; /* FI_REMOTE_WORDS for each granule: generation << 32 | a bit for each block */
    fi_arena *arenas; /* one for each unit */
    uint32_t *
        heads; /* for each unit: the slot of the arena it belongs, or last belonged, to; 0: none; or a tombstone */
    uint64_t *used;        /* a bit for each unit that is taken; under FI_RANK_PROCESS. Unit 0 is never used. */
    size_t units;          /* size of the window, a power of two */
    uint64_t recent_owner; /* an owner of late: what a tombstone leaves out of an id */
    uint32_t first_generation; /* of a descriptor that is zeros: no lower than any that was forgotten */
} fi_map;

/* Written once, by fi_map_init, before any other function of fief runs. */
extern fi_map fi_the_map;

/* A descriptor that refuses every free, for handles whose frees must all take the slow path. */
extern const fi_pool fi_no_pool;

/* Makes the tables for a window of `units` units. False: nothing was made. */
FI_MUST_USE bool fi_map_init(size_t units);

/* Makes the entries of these units writable. Under FI_RANK_PROCESS. */
FI_MUST_USE bool fi_map_enable(size_t first_unit, size_t units);

/* The entry that an address has of itself (alternate 0) or may be given instead. */
static inline size_t fi_map_slot(uintptr_t address, unsigned alternate) {
    size_t units = fi_the_map.units;
    return ((address >> FI_UNIT_SHIFT) ^ (alternate * (units / FI_MAP_ALTERNATES))) & (units - 1);
}

/* The arena that an address lies in, of whatever state; NULL if it never was fief's, or was forgotten. Any thread.
 */
fi_arena *fi_map_find(const void *p);

/* Gives back the tables' memory for units that nobody uses. What stays is a tombstone for each: the id of its last
 * owner. Under FI_RANK_PROCESS. */
void fi_map_forget_dead(void);

/* Told of the granules that are forgotten then, for who keeps something of each; under FI_RANK_PROCESS, too. */
typedef void fi_map_forget_fn(size_t first_granule, size_t granules);
extern fi_map_forget_fn *fi_map_on_forget; /* NULL: nobody does */

/* The last owner of an address that was forgotten, 0 for any other. Any thread. */
uint64_t fi_map_tombstone(const void *p);

/* The descriptor of the granule that an address lies in, by the address's own entry; NULL before there is a map.
 * An alternate's is another. */
static inline const fi_pool *fi_map_own_entry(const void *p) {
    size_t granules = fi_the_map.units * FI_UNIT_GRANULES;
    return granules != 0 ? &fi_the_map.pools[((uintptr_t)p >> FI_GRANULE_SHIFT) & (granules - 1)] : NULL;
}

/* Which of an arena's granules an address lies in. Any thread; the arena may be changing hands. */
static inline unsigned fi_map_granule_of(const fi_arena *arena, const void *p) {
    size_t offset = (size_t)((const char *)p - (const char *)fi_load_relaxed(&arena->start));
    size_t granule = offset >> FI_GRANULE_SHIFT;
    return granule < fi_load_relaxed(&arena->granules) ? (unsigned)granule : 0;
}

static inline fi_pool *fi_map_pools(const fi_arena *arena) {
    return &fi_the_map.pools[(size_t)arena->slot * FI_UNIT_GRANULES];
}

static inline uint32_t fi_map_index(const fi_pool *pool) {
    return (uint32_t)(pool - fi_the_map.pools);
}

static inline unsigned fi_map_granule(const fi_pool *pool) {
    return (unsigned)(pool - fi_map_pools(pool->arena));
}

/* Where a granule starts. */
static inline char *fi_map_address(const fi_pool *pool) {
    return pool->arena->start + ((size_t)fi_map_granule(pool) << FI_GRANULE_SHIFT);
}

static inline uint64_t *fi_map_remote(const fi_pool *pool) {
    return &fi_the_map.remote[(size_t)fi_map_index(pool) * FI_REMOTE_WORDS];
}

#endif
