/* From any address to the block that it means, or to what is wrong with it. */
#ifndef FI_HEAP_FIND_H
#define FI_HEAP_FIND_H

#include "base/atomics.h"
#include "heap/heap.h"
#include "heap/misuse.h"

typedef enum fi_place {
    FI_PLACE_BLOCK,      /* the start of a block that was handed out at some time: live, or freed since */
    FI_PLACE_GIVEN_BACK, /* in memory of a living interpreter, or given back by it, where no block is now */
    FI_PLACE_INTERIOR,
    FI_PLACE_MISALIGNED,
    FI_PLACE_WILD /* where no block ever was, as far as is known */
} fi_place;

typedef struct fi_found {
    fi_place place;
    fi_arena *arena; /* NULL: not fief's */
    fief *owner;     /* NULL: none, or none that lives */
    fi_slot *slot;   /* of the arena's owner, living or ended; NULL: nobody's, or forgotten */
    fief_id owner_id;
    fief_state owner_state;
    fi_pool *pool; /* the block's; of a large block, its first granule's */
    fi_pool_view view;
    unsigned index; /* in its pool */
    char *block;    /* NULL where there is none */
    size_t block_bytes;
    bool is_free; /* by its record, of a watched heap's */
} fi_found;

/* What an address inside a block is, that is not its start. */
static inline fi_place fi_place_between(const void *p) {
    return (uintptr_t)p % sizeof(void *) != 0 ? FI_PLACE_MISALIGNED : FI_PLACE_INTERIOR;
}

/* A block of a small pool, as the usual case is found without more ado. */
typedef struct fi_small {
    fi_arena *arena;
    const void *owner;
    uint32_t generation;
    size_t index; /* in its pool */
} fi_small;

/* Whether the pool did not change since the block was found. */
static inline bool fi_find_is_same(const fi_pool *pool, const fi_small *found) {
    return found->generation % 2 == 0 && found->generation == fi_load_relaxed(&pool->generation);
}

/* The test of the fast path (docs/decisions/0002-one-compare.md), with the block's owner for its caller; the upper
 * half of the product is the block's index. `pool` is the descriptor under p's own entry. False: there is no such
 * block, its heap is watched throughout, or it takes a closer look. Any thread. */
static inline bool fi_find_small(const fi_pool *pool, const void *p, fi_small *out) {
    out->generation = fi_load_acquire(&pool->generation);
    out->arena = fi_load_acquire(&pool->arena);
    if (FI_UNLIKELY(out->arena == NULL))
        return false;
    out->owner = fi_load_acquire(&out->arena->owner); /* NULL fails the test, too */
    uintptr_t offset = (uintptr_t)p + (uintptr_t)out->owner - fi_load_acquire(&pool->base);
    fi_uint128 product = (fi_uint128)offset * fi_load_acquire(&pool->multiplier);
    out->index = (size_t)(product >> 64);
    return (uint64_t)product < fi_load_acquire(&pool->limit) && fi_find_is_same(pool, out);
}

/* Any thread: reads descriptors alone, never the block. */
fi_found fi_find(const void *p);

/* The block that starts at p; 0: none does. Any thread, while nobody else may free it. */
size_t fi_find_usable_bytes(const void *p);

/* The live large block of f's own that starts at p, by its descriptor alone. NULL: what is there is something
 * else, or takes a closer look. */
fi_pool *fi_find_own_large(fief *f, const void *p);

/* Reads the owner's state again. */
void fi_found_look_again(fi_found *found);

/* Whether it is f's own; with f NULL, a verb without a handle, nothing is. */
static inline bool fi_found_is_own(const fief *f, const fi_found *found) {
    return f != NULL && found->owner == f;
}

/* Whether src/debug keeps a record of it. */
static inline bool fi_found_is_watched(const fi_found *found) {
    return found->slot != NULL && (fi_slot_level(found->slot) != 0 || found->view.state == FI_POOL_GUARDED);
}

/* Whether it is in an immortal heap, which lives. */
static inline bool fi_found_is_immortal(const fi_found *found) {
    return found->slot != NULL && (fi_load_relaxed(&found->slot->watched) & FI_SLOT_IMMORTAL) != 0;
}

/* Whether a block of f's own is free. */
bool fi_found_is_free(fief *f, const fi_found *found);

/* An incident with all that was found. */
fi_incident fi_found_incident(const fi_found *found, const void *p, fief *caller, const char *operation);

/* What `place` means for who tries to free or resize there; 0 for FI_PLACE_BLOCK. */
fief_misuse fi_place_misuse(fi_place place);

#endif
