#include "heap/freeze.h"

#include "heap/watch.h"
#include "os/os.h"

/* Behind a huge block lies what was never committed, before the first ones the handle. */
static bool freeze_arena(const fief *f, const fi_arena *arena, bool frozen) {
    const fi_pool *pool = fi_map_pools(arena);
    if (pool->state == FI_POOL_GUARDED)
        return fi_the_watch.freeze_guarded(f, pool, frozen);
    if (arena->granules != 0 && arena->free_granules == fi_arena_all_granules(arena))
        return true;
    char *start = arena->start + (arena->holds_handle ? fi_os_page_bytes() : 0);
    const char *end =
        arena->granules != 0 ? arena->start + arena->bytes : fi_pool_start(pool, f) + pool->large_bytes;
    return frozen ? fi_os_freeze(start, (size_t)(end - start)) : fi_os_commit(start, (size_t)(end - start));
}

bool fi_heap_freeze(const fief *f, bool frozen) {
    bool all = true;
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL)
            all = freeze_arena(f, f->arenas[i], frozen) && all;
    return all;
}
