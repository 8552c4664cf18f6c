#include "heap/stats.h"

#include "base/atomics.h"
#include "heap/pools.h"

#include <string.h>

/* ---- the seqlock of the published counters ---- */

static void begin_publishing(fief *f) {
    fi_store_relaxed(&f->stats_sequence, f->stats_sequence + 1);
}

static void end_publishing(fief *f) {
    fi_store_release(&f->stats_sequence, f->stats_sequence + 1);
}

void fi_stats_read(const fief *f, fief_stats *out) {
    enum { WORDS = sizeof(fief_stats) / sizeof(uint64_t) };
    const uint64_t *from = (const uint64_t *)(const void *)&f->stats;
    uint64_t copy[WORDS];
    uint32_t sequence;
    do {
        sequence = fi_load_acquire(&f->stats_sequence);
        for (unsigned i = 0; i < WORDS; i++)
            copy[i] = fi_load_acquire(&from[i]);
    } while (sequence % 2 != 0 || sequence != fi_load_relaxed(&f->stats_sequence));
    memcpy(out, copy, sizeof *out);
    out->foreign_in = fi_load_relaxed(&f->slot->foreign_in);
    if ((fi_load_relaxed(&f->slot->watched) & FI_SLOT_IMMORTAL) != 0)
        out->immortal_frees += fi_load_relaxed(&f->slot->immortal_in);
}

static_assert(sizeof(fief_stats) % sizeof(uint64_t) == 0, "copied by words");

static void store_memory(fief *f) {
    const fi_counters *count = &f->count;
    fi_store_release(&f->stats.charged_bytes, count->charged_bytes);
    fi_store_release(&f->stats.charged_peak_bytes, count->charged_peak_bytes);
    fi_store_release(&f->stats.committed_bytes, count->charged_bytes + count->dirty_bytes);
    fi_store_release(&f->stats.reserved_bytes, count->reserved_bytes);
    fi_store_release(&f->stats.arenas, count->arenas);
    fi_store_release(&f->stats.pools, count->pools);
    fi_store_release(&f->stats.large_blocks, count->large_blocks);
}

void fi_stats_note_memory(fief *f) {
    if (f->count.charged_bytes > f->count.charged_peak_bytes)
        f->count.charged_peak_bytes = f->count.charged_bytes;
    begin_publishing(f);
    store_memory(f);
    end_publishing(f);
}

/* ---- counting ---- */

static void add_pools(const fi_arena *arena, fi_live *live) {
    for (unsigned granule = 0; granule < arena->granules; granule++) {
        const fi_pool *pool = fi_map_pools(arena) + granule;
        if ((arena->free_granules >> granule & 1) != 0 || !fi_pool_is_small(pool))
            continue;
        live->blocks += fi_pool_used(pool);
        live->bytes += fi_pool_used(pool) * fi_class_bytes(pool->size_class);
    }
}

fi_live fi_stats_count_live(fief *f) {
    if (f->own_lists != NULL)
        return (fi_live){f->count.watched_blocks, f->count.watched_bytes, 0};
    fi_live live = {f->count.large_blocks, f->count.large_bytes, 0};
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL)
            add_pools(f->arenas[i], &live);
    fi_listed listed = fi_heap_count_listed(f);
    live.blocks += f->count.watched_blocks - listed.blocks;
    live.bytes += f->count.watched_bytes - listed.bytes;
    live.listed = listed.blocks;
    return live;
}

/* Granted, and not used yet. */
static uint64_t hot_left(const fief *f) {
    uint64_t left = 0;
    FI_FOR_TOUCHED (f, c)
        left += fi_heap_is_coarse(c) ? 0 : f->fast.hot[c];
    return left;
}

void fi_stats_publish(fief *f) {
    const fi_counters *count = &f->count;
    fi_live live = fi_stats_count_live(f);
    uint64_t allocations = count->watched_allocations;
    if (f->own_lists == NULL)
        allocations += count->listed - live.listed - hot_left(f) + count->large_allocations;
    begin_publishing(f);
    store_memory(f);
    fi_store_release(&f->stats.id, f->id);
    fi_store_release(&f->stats.state, (fief_state)f->state);
    fi_store_release(&f->stats.live_blocks, live.blocks);
    fi_store_release(&f->stats.live_bytes, live.bytes);
    fi_store_release(&f->stats.allocations, allocations);
    fi_store_release(&f->stats.frees, allocations - live.blocks);
    fi_store_release(&f->stats.foreign_out, count->foreign_out);
    fi_store_release(&f->stats.remote_in, count->remote_in);
    fi_store_release(&f->stats.late_out, count->late_out);
    fi_store_release(&f->stats.misuses, count->misuses);
    fi_store_release(&f->stats.limit_failures, count->limit_failures);
    fi_store_release(&f->stats.pressure_calls, count->pressure_calls);
    fi_store_release(&f->stats.immortal_frees, count->immortal_frees);
    fi_store_release(&f->stats.frozen_failures, f->immortal ? f->frozen_failures : 0);
    end_publishing(f);
}
