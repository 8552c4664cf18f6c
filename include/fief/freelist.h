/* freelist.h - free objects of a hot type, kept at hand.
 *
 * A list keeps blocks of one size for one interpreter: pushed when an object dies, popped when the next one is
 * made, last in first out, in a dozen instructions for both. Beside what comes and goes it can hold a reserve,
 * taken from the heap before it is promised: blocks for when memory does not exist, an out-of-memory error's for
 * one.
 *
 *   - A pop takes the last block that was pushed; if there is none it allocates; if that fails it takes one of
 *     the reserve.
 *   - A push fills the reserve up, if something was taken from it; else the block is kept; where `capacity` blocks
 *     are, it goes back to the heap.
 *   - Whose block is pushed is compared on every push, in release builds too; what is not the interpreter's own is
 *     a foreign free, or whatever fief_free would call it, and never kept. Below FIEF_DEBUG_CHECK its size is the
 *     caller's promise, and so is that it is not in a list already: a list does not look into its blocks.
 *   - From FIEF_DEBUG_CHECK on nothing is kept but the reserve: each push frees, with all checks and the size that
 *     the list is for, and each pop allocates. So a list never hides a use after free.
 *   - Memory pressure, fief_trim, and the end give what is kept back to the heap: the first two down to the
 *     reserve. Once the interpreter is closing nothing is kept any more; reserves work until all at-exit callbacks
 *     have run. fief_destroy ends the lists that are left.
 *
 * Threading contract: as in fief.h. A list is its interpreter's, and all functions here are for that one's holder.
 *
 * To the heap, blocks that are kept are live: fief_stats and limits count them. fief_visit, fief_leaks_report and
 * fief_snapshot_take have lists drained first, and leave the reserves out.
 *
 * The inlined functions need GNU C, like inline.h, and know a list's first fields and where its slots are: for a
 * layout version, which is part of the slow functions' names. */
#ifndef FIEF_FREELIST_H
#define FIEF_FREELIST_H

#include "debug.h"
#include "inline.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fief_freelist fief_freelist; /* opaque */

/* ---- life ---------------------------------------------------------------------------------------------- */

/* Called for each block that a pop is about to return. `kept`: its content is as it was pushed. Else it is new:
 * its content is undefined, or zeros if it was made for the reserve. With a hook each pop and each push is a call.
 * It may use the heap and other lists. */
typedef void fief_freelist_revive_fn(fief *f, void *block, bool kept, void *arg);

/* Called for each block that was pushed and goes back to the heap, before it does: gives up what the object held
 * on to. It may run inside any allocation, under memory pressure. It may free and push, and must not destroy a
 * list. */
typedef void fief_freelist_clear_fn(fief *f, void *block, void *arg);

enum { FIEF_FREELIST_MOST_BYTES = 16 * 1024, FIEF_FREELIST_MOST_BLOCKS = 65536 };

typedef struct fief_freelist_config {
    size_t size;                     /* sizeof(fief_freelist_config): lets the struct grow */
    const char *name;                /* copied, cut to 31 bytes; NULL: "" */
    size_t block_bytes;              /* of each block: 1 to FIEF_FREELIST_MOST_BYTES */
    fief_tag tag;                    /* of the blocks that pops allocate (debug.h) */
    size_t capacity;                 /* blocks kept at most: 0 to FIEF_FREELIST_MOST_BLOCKS */
    size_t reserve;                  /* blocks held back besides: 0 to FIEF_FREELIST_MOST_BLOCKS */
    fief_freelist_revive_fn *revive; /* NULL: none */
    fief_freelist_clear_fn *clear;   /* NULL: none */
    void *arg;                       /* of both */
    bool adaptive;                   /* the list is as long as proves useful: `capacity` at most */
} fief_freelist_config;

#define FIEF_FREELIST_CONFIG_INIT                                                                                 \
    { sizeof(fief_freelist_config), NULL, 0, 0, 0, 0, NULL, NULL, NULL, false }

/* Makes a list, its reserve filled. On failure *out is NULL, nothing is left behind, and the status tells why:
 * FIEF_BAD_ARGUMENT, FIEF_NO_MEMORY (the reserve could not be filled, too), FIEF_BAD_STATE if f is closing,
 * immortal (nothing of it is ever given back), or a parcel's handle. Takes some 300 bytes, and 8 for each block of
 * capacity and reserve, that are not of the heap. */
FIEF_API fief_status fief_freelist_create(fief *f, const fief_freelist_config *config, fief_freelist **out);

/* Gives everything back to the heap, the reserve too. NULL is nothing. Cost: in the blocks. */
FIEF_API void fief_freelist_destroy(fief_freelist *list);

/* Gives back to the heap what is kept beyond the reserve; returns how many blocks that was. */
FIEF_API size_t fief_freelist_trim(fief_freelist *list);

/* ---- families ------------------------------------------------------------------------------------------ */

/* Lists of one type whose objects differ in length: the tuples of one item, of two, and so on. */
typedef struct fief_freelist_family fief_freelist_family; /* opaque */

enum { FIEF_FREELIST_MOST_LISTS = 256 };

/* Makes `count` lists (1 to FIEF_FREELIST_MOST_LISTS), all as `config` says, but that the one at `index` has
 * blocks of config->block_bytes + index * step_bytes. All or nothing: statuses as of fief_freelist_create. */
FIEF_API fief_status fief_freelist_family_create(fief *f, const fief_freelist_config *config, size_t count,
                                                 size_t step_bytes, fief_freelist_family **out);

/* Destroys all of its lists, which must not be destroyed one by one. NULL is nothing. */
FIEF_API void fief_freelist_family_destroy(fief_freelist_family *family);

/* The list at an index below the family's count. */
static inline fief_freelist *fief_freelist_at(const fief_freelist_family *family, size_t index) {
    return ((fief_freelist *const *)family)[index];
}

/* ---- statistics ---------------------------------------------------------------------------------------- */

/* Counted since the list was made.
 *
 *   pops   = hits + allocated + from_reserve + failed
 *   pushes = kept + refilled + overflows + refused         (of NULL: none)
 *   kept   = hits + drained + held
 *
 * Only hits are counted as they happen; `kept` is what the last equation says, `high_water` is read off the slots,
 * and all others are counted where something slow is done anyway. */
typedef struct fief_freelist_stats {
    const char *name; /* lives as long as the list */
    size_t block_bytes;
    uint64_t hits;         /* pops of a block that was kept */
    uint64_t allocated;    /* misses: pops of a new block */
    uint64_t from_reserve; /* misses: there was no memory, but the reserve */
    uint64_t failed;       /* misses: not even that, and the pop returned NULL */
    uint64_t kept;         /* pushes of a block that was kept */
    uint64_t refilled;     /* pushes that made up for a block of the reserve */
    uint64_t overflows;    /* pushes of a block that went to the heap: the list was full, or is bypassed */
    uint64_t refused;      /* pushes of what was no block for this list: handled by policy, or freed */
    uint64_t drained;      /* blocks that were kept, and given back to the heap */
    size_t held;           /* blocks in the list now, without the reserve */
    size_t high_water;     /* the most there ever were */
    size_t capacity;       /* as of now; 0 if the list is bypassed, or its interpreter closing */
    size_t reserve;        /* what was asked for */
    size_t reserve_held;   /* blocks in the reserve now */
    uint64_t reserved[4];  /* 0 */
} fief_freelist_stats;

/* Cost: in the capacity. */
FIEF_API void fief_freelist_stats_read(const fief_freelist *list, fief_freelist_stats *out);

/* ---- pop and push -------------------------------------------------------------------------------------- */

/* Not for direct use. */
FIEF_API void *fief_slow_freelist_pop_1(fief_freelist *list);
FIEF_API void fief_slow_freelist_push_1(fief_freelist *list, void *p);

#if defined(__GNUC__)

#define FIEF_FREELIST_SLOTS_BYTES 320 /* from a list's start to its slots */
#define FIEF_FREELIST_UNIT_SHIFT 18   /* memory is owned in units of 256 KiB, and so aligned */

/* The start of a list. Slots below `count` hold what is kept. Those above vouch for the next push: what lies in
 * the same unit of memory as the block that a slot held last is the same interpreter's. A slot that may not be
 * filled holds an address where no block is: so full, bypassed, closing, and short of its reserve are one test,
 * which is the one for the owner. */
typedef struct __attribute__((may_alias)) fief_fast_freelist {
    size_t count;
    uint64_t hits;
} fief_fast_freelist;

static inline __attribute__((always_inline)) uintptr_t *fief_fast_slots(fief_freelist *list) {
    return (uintptr_t *)(void *)((char *)list + FIEF_FREELIST_SLOTS_BYTES);
}

/* A block of the list's size, or NULL on exhaustion if the reserve is used up, too. Its content is undefined,
 * unless a hook says otherwise. Constant cost. */
static inline __attribute__((always_inline)) void *fief_freelist_pop(fief_freelist *list) {
    fief_fast_freelist *fast = (fief_fast_freelist *)list;
    size_t count;
    if (FIEF_FAST_UNLIKELY(__builtin_sub_overflow(fast->count, (size_t)1, &count)))
        return fief_slow_freelist_pop_1(list);
    void *block = (void *)fief_fast_slots(list)[count];
    fast->count = count;
    fast->hits++;
    return block;
}

/* Takes a block back that was popped from this list, or allocated from its interpreter's heap with the list's
 * block size and no alignment or domain of its own. NULL is nothing. Misuse, where it is noticed, is reported as
 * for fief_free. Constant cost. */
static inline __attribute__((always_inline)) void fief_freelist_push(fief_freelist *list, void *p) {
    fief_fast_freelist *fast = (fief_fast_freelist *)list;
    size_t count = fast->count;
    if (FIEF_FAST_UNLIKELY(((fief_fast_slots(list)[count] ^ (uintptr_t)p) >> FIEF_FREELIST_UNIT_SHIFT) != 0)) {
        fief_slow_freelist_push_1(list, p);
        return;
    }
    __asm__("" : "+r"(count)); /* the slot's address is part of the store, not an instruction of its own */
    fief_fast_slots(list)[count] = (uintptr_t)p;
    __asm__("" : "+m"(fast->count)); /* counted in memory: one instruction less */
    fast->count++;
}

#else

static inline void *fief_freelist_pop(fief_freelist *list) {
    return fief_slow_freelist_pop_1(list);
}
static inline void fief_freelist_push(fief_freelist *list, void *p) {
    fief_slow_freelist_push_1(list, p);
}

#endif

#ifdef __cplusplus
}
#endif

#endif
