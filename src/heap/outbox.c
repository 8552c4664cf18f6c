#include "heap/outbox.h"

#include "base/atomics.h"
#include "heap/free.h"
#include "heap/misuse.h"
#include "heap/remote.h"

enum { BITS = FI_REMOTE_WORD_BLOCKS };

/* ---- sending ---- */

static fi_pool *pool_of(const uint64_t *word) {
    return &fi_the_map.pools[(size_t)(word - fi_the_map.remote) / FI_REMOTE_WORDS];
}

/* These were freed by somebody else as well, before they were sent: each is told as a second free. */
FI_COLD static void blame_twice(fief *f, const fi_outgoing *sent, uint32_t bits) {
    const fi_pool *pool = pool_of(sent->word);
    const void *owner = fi_load_acquire(&fi_load_acquire(&pool->arena)->owner);
    unsigned first = (unsigned)((size_t)(sent->word - fi_the_map.remote) % FI_REMOTE_WORDS * BITS);
    fi_pool_view view;
    if (owner == NULL || !fi_pool_snapshot(pool, owner, &view) || view.generation != sent->generation)
        return;
    for (; bits != 0; bits &= bits - 1) {
        size_t index = first + fi_lowest_bit(bits);
        char *block = view.start + index * fi_class_bytes(view.size_class);
        fi_heap_free_found(f == owner ? f : NULL, block, &FI_RELEASE("fief_free_home", NULL));
    }
}

static void send(fief *f, fi_outgoing *entry) {
    uint32_t bits = entry->bits, twice = 0;
    entry->bits = 0;
    if (bits == 0)
        return;
    fi_pool *pool = pool_of(entry->word);
    fi_arena *arena = fi_load_acquire(&pool->arena);
    if (!fi_remote_send_bits(arena, pool, entry->generation, entry->word, bits, &twice))
        f->count.late_out += fi_count_bits(bits); /* the owner ended with these live: there is nothing to do */
    else if (FI_UNLIKELY(twice != 0))
        blame_twice(f, entry, twice);
}

void fi_outbox_send_all(fief *f) {
    f->outbox.count = 0;
    for (unsigned i = 0; i < FI_OUTBOX_WORDS; i++)
        send(f, &f->outbox.words[i]);
}

/* ---- putting in ---- */

/* Words of one pool are neighbours, and so are the pools of a heap that grows: both are spread. */
static fi_outgoing *entry_of(fief *f, const fi_pool *pool, size_t index) {
    return &f->outbox.words[(fi_map_index(pool) ^ (index / BITS)) % FI_OUTBOX_WORDS];
}

static bool is_plain(const fi_arena *arena) {
    const fi_slot *slot = fi_owner_slot(arena);
    return slot != NULL && fi_load_relaxed(&slot->state) == FIEF_LIVE && fi_load_relaxed(&slot->watched) == 0;
}

/* The test of the fast path (docs/decisions/0002-one-compare.md), with the block's owner for its caller. The upper
 * half of the product is the block's index. */
bool fi_outbox_put(fief *f, const void *p) {
    const fi_pool *pool = (const fi_pool *)fief_fast_pool_of(f, p);
    uint32_t generation = fi_load_acquire(&pool->generation);
    fi_arena *arena = fi_load_acquire(&pool->arena);
    void *owner = arena != NULL ? fi_load_acquire(&arena->owner) : NULL;
    if (owner == NULL || owner == f || !is_plain(arena))
        return false;
    uintptr_t offset = (uintptr_t)p + (uintptr_t)owner - fi_load_acquire(&pool->base);
    fi_uint128 product = (fi_uint128)offset * fi_load_acquire(&pool->multiplier);
    size_t index = (size_t)(product >> 64);
    if ((uint64_t)product >= fi_load_acquire(&pool->limit) || index >= FI_GRANULE_BYTES / FI_LEAST_BLOCK_BYTES ||
        generation % 2 != 0 || generation != fi_load_relaxed(&pool->generation))
        return false;
    uint64_t *word = fi_map_remote(pool) + index / BITS;
    uint32_t bit = UINT32_C(1) << (index % BITS);
    fi_outgoing *entry = entry_of(f, pool, index);
    if (entry->word != word || entry->generation != generation) {
        send(f, entry);
        entry->word = word;
        entry->generation = generation;
    } else if ((entry->bits & bit) != 0) {
        return false; /* it waits already */
    }
    entry->bits |= bit;
    if (++f->outbox.count == FI_OUTBOX_MOST)
        fi_outbox_send_all(f);
    return true;
}
