/* Guarded blocks: each in pages of its own, between pages that nobody may touch, and not to be touched itself once
 * it is free. A stray access stops the program where it happens, and the handler of SIGSEGV tells what it hit.
 *
 * Guarded blocks up to a page lie in regions, arenas of the heap's that hold nothing else; larger ones have an
 * arena each. Freed places are used again oldest first, and as late as the number of places allows. */
#ifndef FI_DEBUG_GUARD_H
#define FI_DEBUG_GUARD_H

#include "debug/fence.h"
#include "heap/watch.h"

/* Freed places, oldest first, linked through their records. */
typedef struct fi_guard_queue {
    fi_record_ref oldest, newest; /* 0: none */
    uint32_t count;
} fi_guard_queue;

typedef struct fi_guards {
    fi_guard_queue places; /* of regions */
    fi_guard_queue arenas; /* of larger blocks: they rest for a while, and go back */
    uint32_t live;
    uint32_t most;    /* in use at once; beyond, blocks are not guarded */
    uint32_t sample;  /* one allocation in so many; 0: none */
    bool left;        /* blocks begin on a page: finds underflows at once, not overflows */
    uint64_t paid_ns; /* the samples so far have taken the time up to here */
    uint64_t random;  /* never 0 */
} fi_guards;

/* `most` 0: the default. */
void fi_guard_begin(fief *f, uint32_t most, uint32_t sample, bool left);

/* NULL: there is no place for it, and it is to be allocated as any other. */
void *fi_guard_alloc(fief *f, const fi_request *request, size_t alignment);

/* Its record says that it is HELD. */
void fi_guard_free(fief *f, const fi_spot *spot);

/* Gives back the memory of places that rest: all of it, or if some are in use that of larger blocks. */
void fi_guard_drain(fief *f);

/* Another heap's guarded blocks, and its places that rest, have become this one's. */
void fi_guard_join(fief *f, const fi_guards *other);
/* Makes the pages of live blocks read-only, or writable again. False: not all of them. */
bool fi_guard_freeze(const fief *f, const fi_pool *pool, bool frozen);

/* The `index`th block of a GUARDED pool. */
fi_spot fi_guard_spot(const fief *f, const fi_pool *pool, unsigned index);

/* The place that an address lies in, with the guard pages beside it. False: in none. Any thread. */
bool fi_guard_locate(const fi_pool *pool, const fi_pool_view *view, const void *p, unsigned *index, char **block);

/* Where the pages of a place start, and where its block does, by its record. */
char *fi_guard_place(const fi_pool_view *view, unsigned index);
char *fi_guard_block(const fi_pool_view *view, unsigned index, const fi_record *record);

/* Bytes of the pages that each block has. */
size_t fi_guard_place_bytes(const fi_pool_view *view);

/* Says when the next allocation is to be guarded, and whether this one is: more than some in a short time would
 * show in a program's speed. */
bool fi_guard_next_sample(fief *f);

#endif
