#include "debug/transit.h"

#include "debug/guard.h"
#include "debug/state.h"
#include "os/os.h"

/* ---- joining ---- */

/* Blocks without records, fences or traces can't be among those that have them. A heap that only samples has some
 * that are guarded. */
bool fi_transit_may_join(const fief *to, const fief *from) {
    bool same_level = fi_load_relaxed(&to->slot->watched) == fi_load_relaxed(&from->slot->watched);
    bool is_guarded = from->debug != NULL && from->debug->guards.live > 0;
    return same_level && (to->debug != NULL || !is_guarded);
}

/* Their records are found by where they are: so they keep them. Nothing is in quarantine. */
void fi_transit_join(fief *to, fief *from) {
    if (to->debug != NULL && from->debug != NULL)
        fi_guard_join(to, &from->debug->guards);
}

/* ---- pages ---- */

static bool set(char *start, const char *end, bool frozen) {
    size_t bytes = (size_t)(end - start);
    return frozen ? fi_os_freeze(start, bytes) : fi_os_thaw(start, bytes);
}

/* Behind a huge block lies what was never committed, before the first ones the handle. */
static bool set_arena(const fief *f, const fi_arena *arena, bool frozen) {
    fi_pool *pool = fi_map_pools(arena);
    if (arena->granules == 0)
        return pool->state == FI_POOL_GUARDED
                   ? fi_guard_freeze(f, pool, frozen)
                   : set(arena->start, fi_pool_start(pool, f) + pool->large_bytes, frozen);
    if (arena->free_granules == fi_arena_all_granules(arena))
        return true;
    return set(arena->start + (arena->holds_handle ? fi_os_page_bytes() : 0), arena->start + arena->bytes, frozen);
}

bool fi_transit_freeze(const fief *f, bool frozen) {
    bool all = true;
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL)
            all = set_arena(f, f->arenas[i], frozen) && all;
    return all;
}
