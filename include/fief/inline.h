/* inline.h - fief's fast path, for a runtime that wants it inside its own code.
 *
 * The functions do what fief_alloc, fief_free and their kin do, under the same contract and with the same checks,
 * without the call; they fall back to the library for whatever is rare. They need GNU C (gcc, clang); elsewhere
 * they are the called functions.
 *
 * They know the first fields of the handle and of a pool descriptor. Both are fixed for a layout version, which is
 * part of the slow functions' names: a header and a library that differ fail to link. */
#ifndef FIEF_INLINE_H
#define FIEF_INLINE_H

#include "fief.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FIEF_INLINE_LAYOUT 1
#define FIEF_INLINE_BYTES 512                     /* the largest block that is allocated inline */
#define FIEF_INLINE_LISTS (FIEF_INLINE_BYTES / 8) /* classes of such blocks */

#if defined(__GNUC__)

/* A free block. `mark` is its own address while it is free. */
typedef struct __attribute__((may_alias)) fief_fast_block {
    struct fief_fast_block *next;
    uintptr_t mark;
} fief_fast_block;

/* The start of a pool descriptor: src/arena/descriptor.h says what the fields mean. */
typedef struct fief_fast_pool {
    fief_fast_block *free;
    uintptr_t base;
    uint64_t multiplier;
    uint64_t limit;
    uint32_t count;
    uint32_t unused[2];
    uint8_t size_class;
    uint8_t state;
} fief_fast_pool;

#define FIEF_FAST_CURRENT 0x100 /* the state of a pool that its class allocates from, times 256 */

/* The start of a handle. An empty list holds the handle itself: its second word, read as a mark, fails the test.
 */
typedef struct fief_fast {
    uintptr_t sentinel_next;
    uintptr_t sentinel_mark;
    char *pools;         /* table of pool descriptors, 64 bytes each */
    uintptr_t pool_mask; /* the table's bytes less 64 */
    uintptr_t round;     /* alignment less 1 */
    uintptr_t layout;    /* FIEF_INLINE_LAYOUT */
    uintptr_t unused[2];
    fief_fast_block *lists[FIEF_INLINE_LISTS]; /* by (size - 1) / 8 */
    fief_fast_block *coarse_lists[40];         /* of larger classes */
    uint16_t hot[FIEF_INLINE_LISTS]; /* blocks that may yet be put back into a list: fief_inline_free_hot */
} fief_fast;

/* Not for direct use. */
FIEF_API void *fief_slow_alloc_1(fief *f, size_t size);
FIEF_API void fief_slow_free_1(fief *f, void *p);
FIEF_API void fief_slow_free_home_1(fief *f, void *p);
FIEF_API void fief_slow_free_hot_1(fief *f, void *p);
FIEF_API void fief_slow_free_sized_1(fief *f, void *p, size_t size);
FIEF_API void fief_slow_event_1(fief *f, fief_fast_pool *pool);

#define FIEF_FAST_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A descriptor is read plainly, so that the reads fold into other instructions. It may be another interpreter's,
 * which may be changing it: no value that it can have there lets a foreign block pass. ThreadSanitizer is told so.
 */
#if defined(__SANITIZE_THREAD__)
#define FIEF_FAST_READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIEF_FAST_READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#endif
#endif
#ifndef FIEF_FAST_READ
#define FIEF_FAST_READ(field) (field)
#endif

/* Which list serves a size, as an offset: 8 * ((size - 1) / 8) + 7, rounded up to the handle's alignment. A
 * constant whose class does not depend on the alignment folds. */
static inline __attribute__((always_inline)) size_t fief_fast_offset(const fief_fast *fast, size_t size) {
    if (__builtin_constant_p(size) && ((size - 1) & 8) != 0)
        return (size - 1) | 15;
    return (size - 1) | fast->round;
}

typedef void *fief_slow_alloc_fn(fief *f, size_t size);

/* Not for direct use. `slow` takes what is rare. */
static inline __attribute__((always_inline)) void *fief_fast_alloc(fief *f, size_t size,
                                                                   fief_slow_alloc_fn *slow) {
    fief_fast *fast = (fief_fast *)f;
    size_t offset = fief_fast_offset(fast, size);
    if (FIEF_FAST_UNLIKELY(offset >= FIEF_INLINE_BYTES)) /* size 0 too */
        return slow(f, size);
    fief_fast_block **list = (fief_fast_block **)((char *)fast->lists - 7 + offset);
    /* An address in a register: the processor forwards the last store to it sooner. And the block ends up in the
     * register that returns it. */
    if (!__builtin_constant_p(offset))
        __asm__("" : "+r"(list));
    fief_fast_block *block = *list;
    if (!__builtin_constant_p(offset))
        __asm__("" : "+r"(block));
    block->mark -= (uintptr_t)block; /* a free block's mark becomes 0, anything else does not */
    if (FIEF_FAST_UNLIKELY(block->mark != 0))
        return slow(f, size);
    *list = block->next;
    return block;
}

static inline __attribute__((always_inline)) void *fief_inline_alloc(fief *f, size_t size) {
    return fief_fast_alloc(f, size, fief_slow_alloc_1);
}

/* The descriptor of the granule that an address lies in, or one that refuses it. */
static inline __attribute__((always_inline)) fief_fast_pool *fief_fast_pool_of(const fief *f, const void *p) {
    const fief_fast *fast = (const fief_fast *)f;
    return (fief_fast_pool *)(fast->pools + (((uintptr_t)p >> 10) & fast->pool_mask));
}

/* One compare for: f owns the pool, p is in it, at the start of a block, and one that has been handed out. */
static inline __attribute__((always_inline)) bool fief_fast_holds(const fief *f, const fief_fast_pool *pool,
                                                                  const void *p) {
    uint64_t place = ((uintptr_t)p + (uintptr_t)f - FIEF_FAST_READ(pool->base)) * FIEF_FAST_READ(pool->multiplier);
    return place < FIEF_FAST_READ(pool->limit);
}

/* Not for direct use. */
static inline __attribute__((always_inline)) bool fief_fast_may_free(fief *f, const fief_fast_pool *pool,
                                                                     void *p) {
    return !FIEF_FAST_UNLIKELY(!fief_fast_holds(f, pool, p)) &&
           !FIEF_FAST_UNLIKELY(((fief_fast_block *)p)->mark == (uintptr_t)p);
}

/* Not for direct use. */
static inline __attribute__((always_inline)) void fief_fast_push(fief_fast_block **list, void *p) {
    fief_fast_block *block = (fief_fast_block *)p;
    block->mark = (uintptr_t)p;
    block->next = *list;
    *list = block;
}

/* Not for direct use. False: it is for the slow path. */
static inline __attribute__((always_inline)) bool fief_fast_free(fief *f, void *p) {
    fief_fast_pool *pool = fief_fast_pool_of(f, p);
    if (FIEF_FAST_UNLIKELY(!fief_fast_may_free(f, pool, p)))
        return false;
    fief_fast_push(&pool->free, p);
    if (FIEF_FAST_UNLIKELY(--pool->count == 0))
        fief_slow_event_1(f, pool);
    return true;
}

/* Not for direct use. To the pool, the block is used for as long as it is in the list. */
static inline __attribute__((always_inline)) bool fief_fast_free_hot(fief *f, void *p) {
    fief_fast *fast = (fief_fast *)f;
    fief_fast_pool *pool = fief_fast_pool_of(f, p);
    if (FIEF_FAST_UNLIKELY(!fief_fast_may_free(f, pool, p)))
        return false;
    size_t kind = pool->size_class | (size_t)pool->state << 8; /* no pool that holds blocks has a lower state */
    if (kind < FIEF_FAST_CURRENT + FIEF_INLINE_LISTS && fast->hot[kind - FIEF_FAST_CURRENT] != 0) {
        fast->hot[kind - FIEF_FAST_CURRENT]--;
        fief_fast_push(&fast->lists[kind - FIEF_FAST_CURRENT], p);
        return true;
    }
    fief_fast_push(&pool->free, p);
    if (FIEF_FAST_UNLIKELY(--pool->count == 0))
        fief_slow_event_1(f, pool);
    return true;
}

static inline __attribute__((always_inline)) void fief_inline_free(fief *f, void *p) {
    if (FIEF_FAST_UNLIKELY(!fief_fast_free(f, p)))
        fief_slow_free_1(f, p);
}

/* fief_inline_free for a block that was used just now: the next allocation of its class is likely to get it. A
 * runtime that makes a short-lived object for each one that stays gains by it: those that stay lie side by side,
 * and the others stay in the cache. One that frees many before it allocates again is better served by
 * fief_inline_free, which costs seven instructions less and never makes an allocation wait for the free before it.
 *
 * The contract is fief_free's, and both may be used of one heap. Larger blocks than FIEF_INLINE_BYTES, and those
 * of pools that the heap does not allocate from at the moment, are freed as by fief_inline_free; all of them at a
 * debug level, and in a heap that samples. A block is in use again sooner, so that without a level fewer double
 * frees and writes after free are noticed: those that come before the next allocation. */
static inline __attribute__((always_inline)) void fief_inline_free_hot(fief *f, void *p) {
    if (FIEF_FAST_UNLIKELY(!fief_fast_free_hot(f, p)))
        fief_slow_free_hot_1(f, p);
}

static inline __attribute__((always_inline)) void fief_inline_free_home(fief *f, void *p) {
    if (FIEF_FAST_UNLIKELY(!fief_fast_free(f, p)))
        fief_slow_free_home_1(f, p);
}

static inline __attribute__((always_inline)) void fief_inline_free_sized(fief *f, void *p, size_t size) {
    if (FIEF_FAST_UNLIKELY(!fief_fast_free(f, p))) /* the pool knows the size; a debug level compares */
        fief_slow_free_sized_1(f, p, size);
}

#else

static inline void *fief_inline_alloc(fief *f, size_t size) {
    return fief_alloc(f, size);
}
static inline void fief_inline_free(fief *f, void *p) {
    fief_free(f, p);
}
static inline void fief_inline_free_hot(fief *f, void *p) {
    fief_free(f, p);
}
static inline void fief_inline_free_home(fief *f, void *p) {
    fief_free_home(f, p);
}
static inline void fief_inline_free_sized(fief *f, void *p, size_t size) {
    fief_free_sized(f, p, size);
}

#endif

#ifdef __cplusplus
}
#endif

#endif
