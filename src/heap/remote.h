/* Blocks that others free.
 *
 * Whoever frees another's block sets one bit in a table outside the blocks, and touches neither the block nor the
 * handle: so nothing is written to memory that the owner, or its end, may have given away meanwhile. A word of
 * bits carries its pool's generation; a word of an older generation counts as empty, and is ignored by the owner.
 * The owner finds the words through a bit for each granule in the arena, and a bit for each arena in the slot:
 * both may be set in vain, and never miss one.
 *
 *   setter: word, then granule bit, then arena bit        (each only if it made the one before not empty)
 *   owner:  takes arena bits, then granule bits, then words
 *
 * A setter that finds the granule bit set may rely on the owner: it takes the granule's bits before the words.
 * Setting a bit is the block's transition to "freed by another": a second one finds it set. */
#ifndef FI_HEAP_REMOTE_H
#define FI_HEAP_REMOTE_H

#include "base/atomics.h"
#include "heap/heap.h"
#include "heap/outbox.h"

typedef enum fi_remote_result {
    FI_REMOTE_SENT,
    FI_REMOTE_TWICE, /* it is freed by another already */
    FI_REMOTE_LATE   /* the pool was given up meanwhile */
} fi_remote_result;

/* Sends a block home: the `index`th of the pool that `view` was taken of. Any thread, no handle. */
fi_remote_result fi_remote_send(fi_arena *arena, const fi_pool *pool, const fi_pool_view *view, unsigned index);

/* Sends several of one word of the pool's. False: the pool was given up meanwhile, and nothing was done. `*twice`
 * gets those that were freed by another already; nothing was done for these. */
bool fi_remote_send_bits(fi_arena *arena, const fi_pool *pool, uint32_t generation, uint64_t *word, uint32_t bits,
                         uint32_t *twice);

/* The same as fi_remote_send for any address, if it is a block of a living interpreter and all is well.
 * False: nothing was done. */
bool fi_remote_free(const void *p);

/* Whether another has freed the `index`th block of this generation, and its owner has not taken it in yet. */
bool fi_remote_is_sent(const fi_pool *pool, uint32_t generation, unsigned index);

/* Takes in what has come, and sends what others are to get; returns how many blocks came. */
FI_SLOW size_t fi_remote_take_in_slow(fief *f);

static inline size_t fi_remote_take_in(fief *f) {
    fi_outbox_empty(f);
    return FI_UNLIKELY(fi_load_relaxed(&f->slot->remote_summary) != 0) ? fi_remote_take_in_slow(f) : 0;
}

#endif
