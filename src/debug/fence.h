/* Where watched blocks lie, and the fences between them.
 *
 *     ... fence | block 1 ........ fence | block 2 ........ fence | ...
 *               `------- slot 1 -------' `------- slot 2 -------'
 *
 * A slot ends in a fence of FI_FENCE_BYTES or more, which is the fence before the next one. The first slot of a
 * pool, and a large block, have a fence of their own before them. Of a long fence only its first bytes and its
 * last are filled and looked at. */
#ifndef FI_DEBUG_FENCE_H
#define FI_DEBUG_FENCE_H

#include "debug/fill.h"
#include "debug/record.h"
#include "heap/watch.h"

/* A block's place, and its record. */
typedef struct fi_spot {
    fi_pool *pool;
    unsigned index;
    fi_record *record;
    char *block;
    size_t slot_bytes;  /* from the block's start to the end of its slot */
    size_t fence_bytes; /* of the fence before it: FI_FENCE_BYTES, or less in a guarded page */
} fi_spot;

/* Whether its record says a size that there is room for. */
static inline bool fi_spot_is_sound(const fi_spot *spot) {
    size_t fence = spot->pool->state == FI_POOL_GUARDED ? 0 : FI_FENCE_BYTES;
    return spot->record->size <= spot->slot_bytes - fence;
}

/* Of the `index`th block of f's pool. */
static inline fi_spot fi_spot_of(const fief *f, fi_pool *pool, unsigned index) {
    fi_spot spot = {
        .pool = pool, .index = index, .record = fi_record_of(pool, index), .fence_bytes = FI_FENCE_BYTES};
    if (fi_pool_is_small(pool)) {
        spot.block = (char *)fi_pool_block(pool, f, index);
        spot.slot_bytes = fi_class_bytes(pool->size_class);
    } else {
        spot.block = fi_pool_start(pool, f);
        spot.slot_bytes = pool->large_bytes;
    }
    return spot;
}

/* Of the small block that starts there: one of f's for certain. */
fi_spot fi_spot_at(const fief *f, char *block);

/* Whether the fences of a small block with a short fence are as they were drawn: true for sure, false to be looked
 * at. */
static inline bool fi_fence_is_plain(const fi_spot *spot, size_t size) {
    const char *end = spot->block + spot->slot_bytes;
    size_t fence = spot->slot_bytes - size;
    return fence >= FI_FENCE_BYTES && fence <= 2 * FI_FENCE_BYTES && spot->fence_bytes == FI_FENCE_BYTES &&
           fi_fence_is_whole(end - fence) && fi_fence_is_whole(end - FI_FENCE_BYTES) &&
           fi_fence_is_whole(spot->block - FI_FENCE_BYTES);
}

/* Draws the fences of a block whose record is not LIVE yet: behind its `size` bytes, and before it if nobody did.
 */
void fi_fence_draw(const fi_spot *spot, size_t size);

/* Draws the fence behind it anew. */
void fi_fence_draw_end(const fi_spot *spot, size_t size);

/* Looks at both fences of a block; tells what is wrong, and mends it. Returns how many were wrong. `f` is inside
 * `how->operation`. */
unsigned fi_fence_check(fief *f, const fi_spot *spot, const fi_release *how);

#endif
