#include "heap/outbox.h"

#include "arena/meta.h"
#include "base/atomics.h"
#include "heap/find.h"
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

FI_SLOW static void send(fief *f, fi_outgoing *entry) {
    uint32_t bits = entry->bits, twice = 0;
    fi_pool *pool = pool_of(entry->word);
    fi_arena *arena = fi_load_acquire(&pool->arena);
    entry->bits = 0;
    if (!fi_remote_send_bits(arena, pool, entry->generation, entry->word, bits, &twice))
        f->count.late_out += fi_count_bits(bits); /* the owner ended with these live: there is nothing to do */
    else if (FI_UNLIKELY(twice != 0))
        blame_twice(f, entry, twice);
}

void fi_outbox_send_all(fief *f) {
    uint64_t used = f->outbox.used;
    f->outbox.count = 0;
    f->outbox.used = 0;
    for (; used != 0; used &= used - 1)
        send(f, &f->outbox.words[fi_lowest_bit(used)]);
}

bool fi_outbox_begin(fief *f) {
    if (f->outbox.words == NULL)
        f->outbox.words = fi_meta_alloc(FI_OUTBOX_WORDS * sizeof *f->outbox.words);
    return f->outbox.words != NULL;
}

void fi_outbox_end(fief *f) {
    fi_outbox_empty(f);
    fi_meta_free(f->outbox.words, FI_OUTBOX_WORDS * sizeof *f->outbox.words);
    f->outbox.words = NULL;
}

/* ---- putting in ---- */

/* The words that are filled at one time are neighbours in a pool, or the same in neighbouring pools: both are
 * spread. False: the block waits here already. */
static inline bool collect(fief *f, uint32_t pool, size_t index, uint32_t generation) {
    size_t place = (pool * 8 + index / BITS) % FI_OUTBOX_WORDS;
    fi_outgoing *entry = &f->outbox.words[place];
    uint64_t *word = &fi_the_map.remote[(size_t)pool * FI_REMOTE_WORDS + index / BITS];
    uintptr_t difference = (uintptr_t)entry->word ^ (uintptr_t)word;
    difference |= entry->generation ^ generation;
    /* One test: whether the entry is empty or the same word's is anybody's guess. */
    if (FI_UNLIKELY((difference != 0) & (entry->bits != 0)))
        send(f, entry);
    uint32_t bit = UINT32_C(1) << (index % BITS), before = entry->bits;
    entry->word = word;
    entry->generation = generation;
    entry->bits = before | bit;
    f->outbox.used |= UINT64_C(1) << place;
    return (before & bit) == 0;
}

bool fi_outbox_put(fief *f, const void *p) {
    const fi_pool *pool = (const fi_pool *)fief_fast_pool_of(f, p);
    fi_small found;
    if (FI_UNLIKELY(!fi_find_small(pool, p, &found)) || FI_UNLIKELY(found.owner == f) ||
        FI_UNLIKELY(!fi_slot_is_plain(fi_owner_slot(found.arena))) || FI_UNLIKELY(f->outbox.words == NULL))
        return false;
    if (FI_UNLIKELY(!collect(f, fi_map_index(pool), found.index, found.generation)))
        return false;
    if (FI_UNLIKELY(++f->outbox.count == FI_OUTBOX_MOST))
        fi_outbox_send_all(f);
    return true;
}
