/* What fief knows of each granule and of each arena, in tables outside the memory that programs write to.
 *
 * A granule is 64 KiB, the unit in which an arena is handed out; a unit is 256 KiB, the unit of address space. A
 * small arena is one unit: an interpreter's first ones, so that ten thousand small heaps share the pages of these
 * tables. A full arena is four units.
 *
 * Who writes: the owner of the arena, under its interpreter's lock, unless a field says otherwise. Others read a
 * descriptor only through fi_pool_snapshot, which its generation guards. */
#ifndef FI_ARENA_DESCRIPTOR_H
#define FI_ARENA_DESCRIPTOR_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FI_GRANULE_SHIFT = 16,
    FI_UNIT_SHIFT = 18,
    FI_UNIT_GRANULES = 1 << (FI_UNIT_SHIFT - FI_GRANULE_SHIFT),
    FI_SMALL_ARENA_UNITS = 1,
    FI_FULL_ARENA_UNITS = 4,

    /* Left unused at an arena's end, so that a block that runs over there does not reach the next arena's handle.
     * It costs address space alone. */
    FI_ARENA_GAP_BYTES = 4096,
    FI_TOUCHED_BYTES = 4096,

    FI_TAIL_CLASS = 255 /* size_class of a TAIL, and of what was one last: `carved` still tells of what */
};

#define FI_GRANULE_BYTES ((size_t)1 << FI_GRANULE_SHIFT)
#define FI_UNIT_BYTES ((size_t)1 << FI_UNIT_SHIFT)

/* A free block. Its link ends in the owner's handle, which serves as sentinel: reading the handle's second word
 * as a mark fails the test. */
typedef struct __attribute__((may_alias)) fi_block {
    struct fi_block *next;
    uintptr_t mark; /* the block's own address while it is free; 0 once it is handed out */
} fi_block;

typedef struct fi_arena fi_arena;

typedef enum fi_pool_state {
    FI_POOL_NONE = 0, /* the granule is free, or no arena is there */
    FI_POOL_CURRENT,  /* its class allocates from it */
    FI_POOL_FULL,     /* too few of its blocks have come back to be worth a refill */
    FI_POOL_READY,    /* waits in its class's ring to become current */
    FI_POOL_LARGE,    /* one block of one or more granules; this is the first */
    FI_POOL_TAIL,     /* a further granule of a large block; `carved` granules behind its first */
    FI_POOL_HUGE,     /* one block that fills its arena */
    FI_POOL_GUARDED   /* an arena of `carved` blocks between inaccessible pages; src/debug knows where */
} fi_pool_state;

/* The descriptor of a granule: one cache line, the first 36 bytes of which a free touches.
 *
 *   used = floor + count        blocks handed to the program or waiting in a list of the handle
 *   carved = used + blocks on `free`,    carved <= capacity
 *
 * Each free counts `count` down; at 0 the pool's next event is due (heap/pools.c): FULL, enough has come back for
 * it to become READY; READY, all came home, so it is closed.
 *
 * A block that starts at p is this pool's if (p + owner - base) * multiplier < limit, in 64-bit arithmetic:
 * multiplier is 2^64 / block size rounded up by the excess e = multiplier * block size, so that the q-th block
 * gives q * e, anything between two blocks gives at least `multiplier`, and another owner's handle, which differs
 * by 64 KiB or more, lies outside the pool. limit = carved * e. docs/decisions/0002-one-compare.md has the proof.
 */
typedef struct fi_pool {
    fi_block *free; /* freed blocks, last first */
    uintptr_t base; /* address of the first block plus address of the owner's handle */
    union {
        uint64_t multiplier; /* CURRENT, FULL, READY */
        size_t large_bytes;  /* LARGE, HUGE: usable bytes, whole pages */
    };
    uint64_t limit; /* 0 where every free must take the slow path */
    uint32_t count;
    int16_t floor;       /* CURRENT: -1, so that no event is due */
    uint16_t carved;     /* blocks that have ever been in a list; TAIL: see there */
    uint32_t generation; /* even; odd while the owner changes the fields. Never goes back. */
    uint8_t size_class;
    uint8_t state;     /* fi_pool_state */
    uint16_t capacity; /* blocks that fit; LARGE: granules; HUGE: 1 */
    fi_arena *arena;
    uint32_t next, prev; /* ring of its class's READY pools, as indices into the table; 0 is none's */
} fi_pool;

static_assert(sizeof(fi_pool) == 64, "a pool descriptor is one cache line");

typedef enum fi_arena_state {
    FI_ARENA_NONE = 0,
    FI_ARENA_LIVE, /* owned by a living interpreter */
    FI_ARENA_WARM, /* its owner has ended, or freed it (a huge block); kept with its memory for the next one */
    FI_ARENA_DEAD, /* its owner has ended or gave it back; a tombstone */
    FI_ARENA_KEPT  /* its owner has ended and left blocks that others may use: never given to anybody */
} fi_arena_state;

/* One arena, or one huge block. LIVE: its owner writes, except where noted. Else: under FI_RANK_PROCESS. */
struct fi_arena {
    _Alignas(64) char *start;
    size_t bytes;
    void *owner;              /* the owner's handle; others read it. NULL unless LIVE */
    uint64_t owner_id;        /* stays behind as the tombstone's inscription */
    uint64_t *remote_summary; /* the owner's word of arenas that have remote frees (bit `index` mod 64) */
    uint64_t remote_granules; /* granules that have remote frees; set by those who free, cleared by the owner */
    uint64_t free_granules;   /* neither a pool nor part of a large block */
    uint64_t dirty_granules;  /* may hold something else than zeros; see touched_pages */
    uint64_t aged_granules;   /* were free and dirty at the last tick already */
    fi_arena *next, *prev;    /* the owner's list of arenas with as many free granules; the warm list */
    uint64_t warm_since_ms;   /* WARM */
    uint32_t slot;            /* its first unit, as an index into the table of arenas */
    uint32_t index;           /* its place in the owner's table of arenas */
    uint8_t state;            /* fi_arena_state */
    uint8_t granules;         /* 0: a huge block */
    uint8_t from_provider;    /* 1: the host's memory */
    uint8_t holds_handle;     /* 1: the owner's handle lies at its start */
    uint8_t list;             /* the owner's list it is in, plus 1; 0: none */
    /* How far into a granule the system has given memory, in FI_TOUCHED_BYTES: known when the granule is free, and
     * when it is not, what it was when it last was. 0 for a host's memory that has not been used yet. */
    uint8_t touched_pages[FI_FULL_ARENA_UNITS * FI_UNIT_GRANULES];
    uint8_t passing;       /* odd while it passes from one owner to another with all that is in it */
    uint16_t foreign_ends; /* granules whose pool's list of free blocks may end in an earlier owner's handle */
};

static_assert(sizeof(fi_arena) == 128, "an arena descriptor is two cache lines");

#endif
