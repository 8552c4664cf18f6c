#include "heap/adopt.h"

#include "arena/meta.h"
#include "base/atomics.h"
#include "heap/arenas.h"
#include "heap/charge.h"
#include "heap/pools.h"
#include "heap/remote.h"
#include "heap/stats.h"
#include "heap/watch.h"

void fi_heap_gather(fief *f) {
    fi_outbox_end(f);
    fi_remote_take_in(f);
    if (f->debug != NULL)
        fi_the_watch.drain(f);
    fi_heap_flush_lists(f);
    fi_heap_close_idle(f);
    fi_heap_rest_pools(f);
    fi_stats_note_memory(f);
}

/* ---- the handle's own page ---- */

static bool is_behind_handle_free(const fi_arena *home) {
    return (home->free_granules & 1) != 0;
}

/* A pool behind the handle has that page for its own from then on. */
static size_t charge_of(const fief *f) {
    return f->count.charged_bytes - (is_behind_handle_free(f->arenas[0]) ? fi_os_page_bytes() : 0);
}

static void give_up_handle(fief *f) {
    fi_arena *home = f->arenas[0];
    FI_ASSERT(home->holds_handle);
    fi_store_relaxed(&home->holds_handle, 0);
    if (!is_behind_handle_free(home))
        return;
    f->count.dirty_bytes -= fi_arena_touched_bytes(home, 1);
    fi_arena_touch(home, 0, fi_os_page_bytes());
    f->count.dirty_bytes += fi_arena_touched_bytes(home, 1);
}

/* ---- descriptors ---- */

/* Of a list of free blocks nothing but an empty one's end is at hand. */
static void pass_pool(fief *to, const fief *from, fi_pool *pool) {
    if (pool->state == FI_POOL_TAIL) /* the first granule's pool tells whose it is */
        return;
    fi_pool_rebase(pool, (uintptr_t)to - (uintptr_t)from);
    if (!fi_pool_is_small(pool))
        return;
    if (fi_pool_free_count(pool) == 0)
        pool->free = fi_heap_sentinel(to);
    else
        pool->arena->foreign_ends |= (uint16_t)fi_bit_run(fi_map_granule(pool), 1);
}

static void pass_arena(fief *to, const fief *from, fi_arena *arena, uint32_t index) {
    fi_pool *pools = fi_map_pools(arena);
    uint64_t used = arena->granules != 0 ? fi_arena_all_granules(arena) & ~arena->free_granules : 1;
    fi_arena_begin_passing(arena, to, to->id, &to->slot->remote_summary, index);
    for (; used != 0; used &= used - 1)
        pass_pool(to, from, pools + fi_lowest_bit(used));
    fi_arena_end_passing(arena);
}

static void pass_arenas(fief *to, fief *from) {
    uint32_t index = 0;
    for (uint32_t i = 0; i < from->arena_end; i++) {
        if (from->arenas[i] == NULL)
            continue;
        index = fi_heap_seat_arena(to, from->arenas[i], index);
        pass_arena(to, from, from->arenas[i], index);
    }
    if (from->arenas != from->inline_arenas)
        fi_meta_free(from->arenas, from->arena_room * sizeof *from->arenas);
    from->arenas = from->inline_arenas;
    from->arena_end = 0;
}

static void pass_rings(fief *to, fief *from) {
    FI_FOR_TOUCHED (from, c) {
        FI_ASSERT(from->classes[c].current == 0);
        fi_ring_join(&to->classes[c].ready, from->classes[c].ready);
        from->classes[c].ready = 0;
    }
    to->touched[0] |= from->touched[0];
    to->touched[1] |= from->touched[1];
}

/* ---- counts ---- */

static bool has_samples(const fief *f) {
    return f->attention_at != 0 && f->attention_at != UINT64_MAX;
}

/* Charged, arenas and reserved are counted already. The next sample is as far away as it was. */
static void pass_counts(fief *to, const fief *from) {
    fi_counters *sum = &to->count;
    const fi_counters *more = &from->count;
    if (has_samples(to))
        to->attention_at += more->listed;
    sum->listed += more->listed;
    sum->large_allocations += more->large_allocations;
    sum->large_blocks += more->large_blocks;
    sum->large_bytes += more->large_bytes;
    sum->watched_allocations += more->watched_allocations;
    sum->watched_blocks += more->watched_blocks;
    sum->watched_bytes += more->watched_bytes;
    sum->pools += more->pools;
    sum->dirty_bytes += more->dirty_bytes;
    sum->foreign_out += more->foreign_out;
    sum->remote_in += more->remote_in;
    sum->late_out += more->late_out;
    sum->misuses += more->misuses;
    sum->limit_failures += more->limit_failures;
    sum->pressure_calls += more->pressure_calls;
    (void)fi_add_relaxed(&to->slot->foreign_in, fi_load_relaxed(&from->slot->foreign_in));
    fi_stats_note_memory(to);
}

bool fi_heap_adopt(fief *to, fief *from) {
    size_t bytes = charge_of(from);
    if (!fi_heap_charge_at_once(to, bytes))
        return false;
    if (!fi_heap_reserve_arenas(to, from->count.arenas)) {
        fi_heap_uncharge(to, bytes);
        return false;
    }
    give_up_handle(from);
    pass_arenas(to, from);
    pass_rings(to, from);
    pass_counts(to, from);
    return true;
}
