#include "debug/walk.h"

#include "debug/guard.h"

static bool walk_pool(fief *f, fi_pool *pool, fi_spot_fn *see, void *arg) {
    bool guarded = pool->state == FI_POOL_GUARDED;
    bool large = pool->state == FI_POOL_LARGE || pool->state == FI_POOL_HUGE;
    if (!guarded && (f->own_lists == NULL || (!large && !fi_pool_is_small(pool))))
        return true;
    unsigned places = large ? 1 : pool->carved;
    for (unsigned i = 0; i < places; i++) {
        const fi_record *record = fi_record_of(pool, i);
        if (record == NULL || fi_record_state_of(record) == FI_RECORD_NONE)
            continue;
        fi_spot spot = guarded ? fi_guard_spot(f, pool, i) : fi_spot_of(f, pool, i);
        if (!see(f, &spot, arg))
            return false;
    }
    return true;
}

static bool walk_arena(fief *f, const fi_arena *arena, fi_spot_fn *see, void *arg) {
    fi_pool *pools = fi_map_pools(arena);
    if (arena->granules == 0)
        return walk_pool(f, pools, see, arg);
    for (uint64_t used = fi_arena_all_granules(arena) & ~arena->free_granules; used != 0; used &= used - 1)
        if (!walk_pool(f, pools + fi_lowest_bit(used), see, arg))
            return false;
    return true;
}

void fi_walk(fief *f, fi_spot_fn *see, void *arg) {
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL && !walk_arena(f, f->arenas[i], see, arg))
            return;
}
