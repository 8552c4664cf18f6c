#include "heap/remote.h"

#include "heap/find.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/pools.h"
#include "heap/watch.h"

static uint64_t word_of(uint32_t generation, uint32_t bits) {
    return (uint64_t)generation << 32 | bits;
}

/* Bits of a word that belong to this generation. */
static uint32_t bits_of(uint64_t word, uint32_t generation) {
    return (uint32_t)(word >> 32) == generation ? (uint32_t)word : 0;
}

bool fi_remote_is_sent(const fi_pool *pool, uint32_t generation, unsigned index) {
    uint64_t word = fi_load_acquire(fi_map_remote(pool) + index / FI_REMOTE_WORD_BLOCKS);
    return (bits_of(word, generation) >> (index % FI_REMOTE_WORD_BLOCKS) & 1) != 0;
}

/* The arena may have another owner by now, which then has a look in vain: so its summary is read after the bit is
 * set, and is never an older one than the bit's. Both bits are set by read-modify-writes, even where they are set
 * already: that keeps them behind the word, and the owner's exchange from overtaking. */
static void announce(fi_arena *arena, unsigned granule) {
    if (fi_or_acq_rel(&arena->remote_granules, UINT64_C(1) << granule) != 0)
        return;
    uint64_t *summary = fi_load_acquire(&arena->remote_summary);
    if (summary != NULL)
        (void)fi_or_acq_rel(summary, UINT64_C(1) << (fi_load_relaxed(&arena->index) % 64));
}

bool fi_remote_send_bits(fi_arena *arena, const fi_pool *pool, uint32_t generation, uint64_t *word, uint32_t bits,
                         uint32_t *twice) {
    uint64_t seen = fi_load_acquire(word);
    do {
        *twice = bits_of(seen, generation) & bits;
        if (*twice == bits)
            return true;
        if (fi_load_relaxed(&pool->generation) != generation)
            return false;
    } while (!fi_cas_acq_rel(word, &seen, word_of(generation, bits_of(seen, generation) | bits)));

    if (bits_of(seen, generation) == 0)
        announce(arena, (unsigned)(pool - fi_map_pools(arena)));
    return true;
}

static fi_remote_result send_one(fi_arena *arena, const fi_pool *pool, uint32_t generation, size_t index) {
    uint64_t *word = fi_map_remote(pool) + index / FI_REMOTE_WORD_BLOCKS;
    uint32_t bit = UINT32_C(1) << (index % FI_REMOTE_WORD_BLOCKS), twice;
    if (!fi_remote_send_bits(arena, pool, generation, word, bit, &twice))
        return FI_REMOTE_LATE;
    return twice != 0 ? FI_REMOTE_TWICE : FI_REMOTE_SENT;
}

fi_remote_result fi_remote_send(fi_arena *arena, const fi_pool *pool, const fi_pool_view *view, unsigned index) {
    return send_one(arena, pool, view->generation, index);
}

bool fi_remote_free(const void *p) {
    const fi_pool *pool = fi_map_own_entry(p);
    fi_small found;
    if (pool == NULL || !fi_find_small(pool, p, &found) || !fi_slot_is_plain(fi_owner_slot(found.arena)))
        return false;
    return send_one(found.arena, pool, found.generation, found.index) == FI_REMOTE_SENT;
}

/* ---- the owner's side ---- */

/* They have been in another processor's cache: it is asked for all of them at once. */
static void fetch_blocks(const fief *f, const fi_pool *pool, unsigned first, uint32_t bits) {
    if ((bits & (bits - 1)) == 0 || !fi_pool_is_small(pool))
        return;
    for (; bits != 0; bits &= bits - 1)
        __builtin_prefetch(fi_pool_block(pool, f, first + fi_lowest_bit(bits)), 1);
}

static size_t take_in_word(fief *f, fi_pool *pool, unsigned first, uint32_t bits) {
    size_t taken = 0;
    fetch_blocks(f, pool, first, bits);
    for (; bits != 0; bits &= bits - 1) {
        unsigned index = first + fi_lowest_bit(bits);
        if (pool->state == FI_POOL_NONE || index >= pool->carved) /* what is still set was freed twice */
            break;
        if (f->debug != NULL && fi_the_watch.home(f, pool, index)) {
            taken++;
            continue;
        }
        fi_block *block = fi_pool_block(pool, f, index);
        if (block->mark == (uintptr_t)block && fi_heap_is_listed(f, pool, block)) {
            fi_misuse_came_home_free(f, pool, block);
            continue;
        }
        fi_heap_take_back(f, pool, block);
        taken++;
    }
    return taken;
}

static size_t take_in_small(fief *f, fi_pool *pool) {
    uint64_t *words = fi_map_remote(pool);
    uint32_t generation = pool->generation;
    size_t taken = 0;
    for (unsigned first = 0; first < pool->carved; first += FI_REMOTE_WORD_BLOCKS, words++) {
        if (bits_of(fi_load_relaxed(words), generation) == 0)
            continue;
        uint64_t word = fi_exchange_acq_rel(words, word_of(generation, 0));
        taken += take_in_word(f, pool, first, bits_of(word, generation));
        if (pool->generation != generation) /* it was the last block, and the pool is closed */
            break;
    }
    return taken;
}

static size_t take_in_pool(fief *f, fi_pool *pool) {
    if (fi_pool_is_small(pool) || pool->state == FI_POOL_GUARDED)
        return take_in_small(f, pool);
    if (pool->state != FI_POOL_LARGE && pool->state != FI_POOL_HUGE)
        return 0;
    if (bits_of(fi_load_acquire(fi_map_remote(pool)), pool->generation) == 0)
        return 0;
    if (f->debug == NULL || !fi_the_watch.home(f, pool, 0))
        fi_large_free(f, pool);
    return 1;
}

static size_t take_in_arena(fief *f, fi_arena *arena) {
    size_t taken = 0;
    uint64_t granules = fi_exchange_acq_rel(&arena->remote_granules, 0);
    granules &=
        arena->granules != 0 ? fi_arena_all_granules(arena) : 1; /* a late one may mean an earlier arena's */
    for (; granules != 0; granules &= granules - 1) {
        fi_pool *pool = fi_map_pools(arena) + fi_lowest_bit(granules);
        taken += take_in_pool(f, pool);
        if (fi_load_relaxed(&arena->owner) != f) /* it was the last block, and the arena is gone, or another's */
            break;
    }
    return taken;
}

size_t fi_remote_take_in_slow(fief *f) {
    size_t taken = 0;
    uint64_t summary = fi_exchange_acq_rel(&f->slot->remote_summary, 0);
    for (; summary != 0; summary &= summary - 1)
        for (uint32_t i = fi_lowest_bit(summary); i < f->arena_end; i += 64)
            if (f->arenas[i] != NULL && fi_load_relaxed(&f->arenas[i]->remote_granules) != 0)
                taken += take_in_arena(f, f->arenas[i]);
    f->count.remote_in += taken;
    return taken;
}
