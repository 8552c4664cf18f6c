#include "interp/life.h"

#include "arena/meta.h"
#include "base/atomics.h"
#include "heap/arenas.h"
#include "heap/charge.h"
#include "heap/misuse.h"
#include "heap/remote.h"
#include "heap/stats.h"
#include "interp/registry.h"
#include "os/os.h"

#include <string.h>

/* ---- beginning ---- */

/* A list or a class as a fresh handle has it. An ended interpreter leaves all of them so. */
static void reset_class(fief *f, unsigned size_class) {
    *fi_heap_list(f, size_class) = fi_heap_sentinel(f);
    f->classes[size_class] = (fi_class){0, 0};
    f->worth[size_class] = 1;
    f->patience[size_class] = FI_PATIENCE;
    if (!fi_heap_is_coarse(size_class))
        f->borrowed[size_class] = 0;
}

static void make_handle(fief *f) {
    memset(f, 0, sizeof *f);
    for (unsigned c = 0; c < FI_CLASSES; c++)
        reset_class(f, c);
}

/* A handle whose arena has not got the map's entries for its address frees by the slow path alone. */
static void set_fast_path(fief *f, const fi_arena *arena, size_t alignment) {
    bool own_entries = arena->slot == fi_map_slot((uintptr_t)arena->start, 0);
    f->fast.pools = own_entries ? (char *)fi_the_map.pools : (char *)(uintptr_t)&fi_no_pool;
    f->fast.pool_mask = own_entries ? (fi_the_map.units * FI_UNIT_GRANULES - 1) * sizeof(fi_pool) : 0;
    f->fast.round = alignment - 1;
    f->fast.layout = FIEF_INLINE_LAYOUT;
}

static void set_up(fief *f, fi_arena *arena, fi_slot *slot, const fief_config *config) {
    set_fast_path(f, arena, config->alignment);
    f->id = slot->id;
    f->slot = slot;
    f->state = FIEF_LIVE;
    f->on_foreign = (uint8_t)config->on_foreign;
    f->on_misuse = (uint8_t)config->on_misuse;
    f->zeroed = config->zeroed;
    f->source = (fi_source){config->provider.ctx, config->provider.alloc, config->provider.free};
    f->arenas = f->inline_arenas;
    f->arena_room = FI_INLINE_ARENAS;
    f->count.charged_bytes = f->count.charged_peak_bytes = fi_os_page_bytes();
    fi_heap_set_limit(f, &config->limit);
    bool added = fi_heap_add_arena(f, arena);
    FI_ASSERT(added); /* there is room for the first eight */
    f->stats.id = f->id;
    f->stats.state = FIEF_LIVE;
    fi_stats_note_memory(f);
}

fief_status fi_life_begin(fief **out, const fief_config *config) {
    if (!fi_registry_ready())
        return FIEF_NO_MEMORY;
    fi_slot *slot = fi_registry_take(config);
    if (slot == NULL)
        return FIEF_NO_MEMORY;
    const fi_source source = {config->provider.ctx, config->provider.alloc, config->provider.free};
    fi_arena *arena = fi_arena_take(&source, FI_SMALL_ARENA_UNITS, !config->zeroed);
    if (arena == NULL) {
        fi_registry_give(slot, NULL);
        return FIEF_NO_MEMORY;
    }
    fief *f = (fief *)(void *)arena->start;
    if (!arena->holds_handle)
        make_handle(f);
    arena->holds_handle = 1;
    set_up(f, arena, slot, config);
    fi_registry_open(slot, f);
    *out = f;
    return FIEF_OK;
}

/* ---- at exit ---- */

fief_status fi_life_at_exit(fief *f, fief_exit_fn *fn, void *arg) {
    if (f->state != FIEF_LIVE)
        return FIEF_BAD_STATE;
    fi_exit *exit = fi_meta_alloc(sizeof *exit);
    if (exit == NULL)
        return FIEF_NO_MEMORY;
    *exit = (fi_exit){f->exits, fn, arg};
    f->exits = exit;
    return FIEF_OK;
}

static void run_exits(fief *f) {
    while (f->exits != NULL) {
        fi_exit exit = *f->exits;
        fi_meta_free(f->exits, sizeof exit);
        f->exits = exit.next;
        exit.fn(f, exit.arg);
    }
}

/* ---- end ---- */

/* Closes all pools; returns the granules that may hold memory. */
static uint64_t close_pools(fief *f, fi_arena *arena) {
    uint64_t dirty = arena->dirty_granules;
    for (uint64_t used = fi_arena_all_granules(arena) & ~arena->free_granules; used != 0; used &= used - 1) {
        unsigned granule = fi_lowest_bit(used);
        fi_pool *pool = fi_map_pools(arena) + granule;
        size_t bytes = fi_pool_is_small(pool) ? fi_pool_extent(pool, f, pool->carved) : FI_GRANULE_BYTES;
        fi_pool_close(pool);
        pool->large_bytes = bytes;
        dirty |= bytes > 0 ? fi_bit_run(granule, 1) : 0;
    }
    return dirty;
}

static void leave_arena(fief *f, fi_arena *arena) {
    if (arena->granules == 0) {
        fi_pool_close(fi_map_pools(arena));
        fi_arena_leave(arena, &f->source, false, 0);
    } else {
        uint64_t dirty = close_pools(f, arena);
        fi_arena_leave(arena, &f->source, true, dirty);
    }
}

/* What the handle owns outside of its arenas, and the fields that the next handle here must find as in a fresh
 * one. What tells who it was stays: a program may still hold it. */
static void clean_handle(fief *f) {
    FI_FOR_TOUCHED(f, c) {
        reset_class(f, c);
    }
    if (f->arenas != f->inline_arenas)
        fi_meta_free(f->arenas, f->arena_room * sizeof *f->arenas);
    memset(f->touched, 0, sizeof f->touched);
    memset(f->arena_lists, 0, sizeof f->arena_lists);
    memset(f->inline_arenas, 0, sizeof f->inline_arenas);
    memset(&f->count, 0, sizeof f->count);
    memset(&f->stats, 0, sizeof f->stats);
    f->arenas = f->inline_arenas;
    f->arena_end = 0;
    f->in_pressure = f->shrinking = false;
    f->unwinding = f->events = 0;
    f->told_foreign = 0;
    f->fast.pools = (char *)(uintptr_t)&fi_no_pool;
    f->fast.pool_mask = 0;
    f->state = FIEF_DEAD;
}

static void leave_all(fief *f, fi_arena *home) {
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL && f->arenas[i] != home)
            leave_arena(f, f->arenas[i]);
    clean_handle(f);
    leave_arena(f, home); /* from here on the handle's memory may be another's */
}

fief_status fi_life_end(fief *f) {
    if (!fi_misuse_check_handle(f, "fief_destroy") || f->state == FIEF_CLOSING)
        return FIEF_BAD_STATE;
    fi_slot *slot = f->slot;
    f->state = FIEF_CLOSING;
    fi_registry_close(slot);
    run_exits(f);
    fi_remote_take_in(f);
    fi_live live = fi_stats_count_live(f);
    leave_all(f, fi_map_find(f));
    fi_registry_give(slot, &(fi_leak){live.blocks, live.bytes});
    return FIEF_OK;
}
