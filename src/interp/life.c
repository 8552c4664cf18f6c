#include "interp/life.h"

#include "arena/meta.h"
#include "base/atomics.h"
#include "base/lock.h"
#include "base/text.h"
#include "heap/arenas.h"
#include "heap/charge.h"
#include "heap/features.h"
#include "heap/immortal.h"
#include "heap/misuse.h"
#include "heap/pools.h"
#include "heap/remote.h"
#include "heap/stats.h"
#include "heap/watch.h"
#include "interp/registry.h"
#include "os/os.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- beginning ---- */

static fi_source source_of(const fief_config *config) {
    const fief_provider *provider = &config->provider;
    return (fi_source){provider->ctx,        provider->alloc,
                       provider->free,       config->provider_extend,
                       config->provider_end, config->provider_use == FIEF_PROVIDER_FOR_LARGE};
}

/* A list or a class as a fresh handle has it. An ended interpreter leaves all of them so. */
static void reset_class(fief *f, unsigned size_class) {
    *fi_heap_fast_list(f, size_class) = fi_heap_sentinel(f);
    f->classes[size_class] = (fi_class){0, 0};
    f->worth[size_class] = 1;
    f->patience[size_class] = FI_PATIENCE;
    if (!fi_heap_is_coarse(size_class)) {
        f->borrowed[size_class] = 0;
        f->fast.hot[size_class] = 0;
    }
}

static void make_handle(fief *f) {
    memset(f, 0, sizeof *f);
    for (unsigned c = 0; c < FI_CLASSES; c++)
        reset_class(f, c);
    f->lists = fi_heap_fast_list(f, 0);
    f->attention_at = UINT64_MAX;
}

static void set_fast_path(fief *f, const fi_arena *arena, size_t alignment) {
    fi_heap_open_fast_path(f, arena);
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
    f->source = source_of(config);
    f->arenas = f->inline_arenas;
    f->arena_room = FI_INLINE_ARENAS;
    f->unwinding = f->events = 0;
    f->on_leak = (uint8_t)config->on_leak;
    f->frames = NULL;
    memcpy(f->policies, config->policies, sizeof f->policies);
    f->told_foreign = 0;
    f->count = (fi_counters){.charged_bytes = fi_os_page_bytes(), .charged_peak_bytes = fi_os_page_bytes()};
    fi_heap_set_limit(f, &config->limit);
    bool added = fi_heap_add_arena(f, arena);
    FI_ASSERT(added); /* there is room for the first eight */
    f->stats = (fief_stats){.id = f->id, .state = FIEF_LIVE};
    fi_stats_note_memory(f);
}

/* A slot and an arena, in one turn of the lock where a warm one is there. */
static fi_arena *take_both(const fief_config *config, bool hidden, fi_slot **slot) {
    bool is_hosted = config->provider.alloc != NULL && config->provider_use == FIEF_PROVIDER_FOR_ALL;
    bool warm = !config->zeroed && !is_hosted;
    fi_lock(FI_RANK_PROCESS);
    *slot = fi_registry_take(config, hidden);
    fi_arena *arena = *slot != NULL && warm ? fi_arena_pop_warm(FI_SMALL_ARENA_UNITS) : NULL;
    fi_unlock(FI_RANK_PROCESS);
    if (*slot == NULL || arena != NULL)
        return arena;
    const fi_source source = source_of(config);
    arena = fi_arena_take_fresh(&source, FI_SMALL_ARENA_UNITS);
    if (arena == NULL) {
        fi_lock(FI_RANK_PROCESS);
        fi_registry_give(*slot, NULL);
        fi_unlock(FI_RANK_PROCESS);
    }
    return arena;
}

fief_status fi_life_begin(fief **out, const fief_config *config, fi_debug *debug, bool hidden) {
    fi_slot *slot;
    fi_arena *arena = fi_registry_ready() ? take_both(config, hidden, &slot) : NULL;
    if (arena == NULL)
        return FIEF_NO_MEMORY;
    fief *f = (fief *)(void *)arena->start;
    if (!arena->holds_handle)
        make_handle(f);
    fi_store_relaxed(&arena->holds_handle, 1);
    set_up(f, arena, slot, config);
    if (debug != NULL)
        fi_the_watch.attach(f, debug, config);
    if (!hidden)
        fi_registry_open(slot, f);
    *out = f;
    return FIEF_OK;
}

fief_status fi_life_begin_watched(fief **out, const fief_config *config, bool hidden) {
    fief_config room;
    fi_debug *debug;
    if (config->debug > FIEF_DEBUG_GUARD)
        return FIEF_BAD_ARGUMENT;
    config = fi_the_watch.configure(config, &room);
    if (!fi_registry_ready() || !fi_the_watch.prepare(config, &debug))
        return FIEF_NO_MEMORY;
    fief_status status = fi_life_begin(out, config, debug, hidden);
    if (status != FIEF_OK && debug != NULL)
        fi_the_watch.discard(debug);
    if (status == FIEF_OK && config->immortal)
        fi_immortal_begin(*out);
    return status;
}

/* ---- at exit ---- */

fi_exit *fi_life_make_exit(fief_exit_fn *fn) {
    fi_exit *exit = fi_meta_alloc(sizeof *exit);
    if (exit != NULL)
        *exit = (fi_exit){NULL, fn, NULL};
    return exit;
}

fief_status fi_life_at_exit(fief *f, fief_exit_fn *fn, void *arg) {
    if (f->state != FIEF_LIVE)
        return FIEF_BAD_STATE;
    fi_exit *exit = fi_life_make_exit(fn);
    if (exit == NULL)
        return FIEF_NO_MEMORY;
    exit->arg = arg;
    exit->next = f->exits;
    f->exits = exit;
    return FIEF_OK;
}

/* Where there are freelists, their end stays the last: a table's free hook may still use them. */
void fi_life_put_exit(fief *f, fi_exit *exit) {
    fi_exit **last = &f->exits;
    while (*last != NULL && (f->freelists == NULL || (*last)->next != NULL))
        last = &(*last)->next;
    exit->next = *last;
    *last = exit;
}

void fi_life_drop_exit(fi_exit *exit) {
    if (exit != NULL)
        fi_meta_free(exit, sizeof *exit);
}

fief_status fi_life_at_last(fief *f, fief_exit_fn *fn) {
    if (f->state != FIEF_LIVE)
        return FIEF_BAD_STATE;
    fi_exit *exit = fi_life_make_exit(fn);
    if (exit == NULL)
        return FIEF_NO_MEMORY;
    fi_life_put_exit(f, exit);
    return FIEF_OK;
}

/* Where there are freelists, there is one for their end. */
static void run_exits(fief *f) {
    if (f->exits != NULL && f->freelists != NULL)
        fi_the_freelists.close(f);
    while (f->exits != NULL) {
        fi_exit exit = *f->exits;
        fi_meta_free(f->exits, sizeof exit);
        f->exits = exit.next;
        exit.fn(f, exit.arg);
    }
}

/* ---- end ---- */

static void close_pools(fief *f, fi_arena *arena) {
    for (uint64_t used = fi_arena_all_granules(arena) & ~arena->free_granules; used != 0; used &= used - 1) {
        unsigned granule = fi_lowest_bit(used);
        fi_pool *pool = fi_map_pools(arena) + granule;
        size_t bytes = fi_pool_is_small(pool) ? fi_pool_extent(pool, f, pool->carved) : FI_GRANULE_BYTES;
        fi_arena_touch(arena, granule, bytes);
        fi_pool_close(pool);
    }
}

/* Whether blocks that the program has not freed lie in it; the handle's lists are empty. */
static bool holds_blocks(const fi_arena *arena) {
    if (arena->granules == 0)
        return true;
    for (uint64_t used = fi_arena_all_granules(arena) & ~arena->free_granules; used != 0; used &= used - 1) {
        const fi_pool *pool = fi_map_pools(arena) + fi_lowest_bit(used);
        if (!fi_pool_is_small(pool) || fi_pool_used(pool) > 0)
            return true;
    }
    return false;
}

static bool is_kept(const fief *f, const fi_arena *arena) {
    return f->on_leak == FIEF_LEAK_KEEP && holds_blocks(arena);
}

static void leave_arena(fief *f, fi_arena *arena) {
    bool kept = is_kept(f, arena), huge = arena->granules == 0;
    if (f->debug != NULL && !kept)
        fi_the_watch.leaving(f, arena);
    if (huge)
        fi_pool_close(fi_map_pools(arena));
    else
        close_pools(f, arena);
    if (kept)
        fi_arena_keep(arena);
    else
        fi_arena_leave(arena, &f->source, !huge);
}

/* The handle's own arena and the slot go in one turn of the lock. From then on the memory may be another's. */
static void leave_home(fi_arena *home, const fi_source *source, fi_slot *slot, const fi_leak *leak) {
    fi_arena *due = NULL;
    uint64_t now = fi_os_now_ms();
    fi_arena_disown(home);
    fi_lock(FI_RANK_PROCESS);
    bool kept = fi_arena_push_warm(home, now, &due);
    fi_registry_give(slot, leak);
    fi_unlock(FI_RANK_PROCESS);
    if (due != NULL)
        fi_arena_bury(due, source);
    if (!kept)
        fi_arena_bury(home, source);
}

static void keep_home(fi_arena *home, fi_slot *slot, const fi_leak *leak) {
    fi_arena_keep(home);
    fi_lock(FI_RANK_PROCESS);
    fi_registry_give(slot, leak);
    fi_unlock(FI_RANK_PROCESS);
}

/* Leaks that may not be. */
static void condemn(fief *f, const fi_live *live) {
    char told[64];
    fi_text text = FI_TEXT(told);
    fi_text_add(&text, "%" PRIu64 "%s", live->blocks,
                live->blocks == 1 ? " block is live at the end" : " blocks are live at the end");
    const fi_incident incident = {.kind = FIEF_MISUSE_LEAK,
                                  .operation = "fief_destroy",
                                  .pointer = f,
                                  .owner_slot = f->slot,
                                  .owner_id = f->id,
                                  .caller = f,
                                  .told = told,
                                  .goes_on = true};
    if (f->policies[FIEF_MISUSE_LEAK] != FIEF_POLICY_DEFAULT) {
        fi_misuse(&incident);
        return;
    }
    fi_misuse_tell(&incident, "abort", false);
    abort();
}

/* The end of a handle that is watched or immortal, or whose leaks are to be kept or punished. */
FI_COLD static void settle_leaks(fief *f) {
    bool watched = f->debug != NULL, leaks = watched && fi_the_watch.closing(f);
    fi_live live = fi_stats_count_live(f);
    if (f->on_leak == FIEF_LEAK_STRICT && (watched ? leaks : live.blocks > 0))
        condemn(f, &live);
    if (f->on_leak == FIEF_LEAK_KEEP)
        fi_heap_flush_lists(f);
}

FI_COLD static void end_watch(fief *f, bool keeps_home) {
    if (!keeps_home)
        fi_the_watch.leaving(f, f->arenas[0]);
    fi_the_watch.end(f);
}

/* The rest of such an end. True: the handle's own arena is to be kept. */
FI_COLD static bool leave_watch(fief *f, const fi_arena *home, fi_leak *leak) {
    if (f->immortal || f->on_leak == FI_LEAK_FORGIVEN)
        *leak = (fi_leak){0, 0};
    if (f->immortal)
        fi_immortal_end(f);
    bool keeps = is_kept(f, home);
    if (f->debug != NULL)
        end_watch(f, keeps);
    return keeps;
}

/* What the handle owns outside of its arenas, and the fields that the next handle here must find as in a fresh
 * one. What tells who it was stays: a program may still hold it. */
static void clean_handle(fief *f) {
    FI_FOR_TOUCHED (f, c) {
        reset_class(f, c);
    }
    if (f->arenas != f->inline_arenas)
        fi_meta_free(f->arenas, f->arena_room * sizeof *f->arenas);
    memset(f->touched, 0, sizeof f->touched);
    memset(f->arena_lists, 0, sizeof f->arena_lists);
    memset(f->inline_arenas, 0, sizeof f->inline_arenas);
    f->arenas = f->inline_arenas;
    f->arena_end = 0;
    f->shrinking = false;
    fi_heap_close_fast_path(f);
    f->state = FIEF_DEAD;
}

/* A frozen heap is thawed first: its end writes to its memory, and so may its at-exit callbacks. */
FI_COLD static fief_status make_way(fief *f) {
    if (f->state == FIEF_LIVE && (f->obstacles & (FI_IN_PRESSURE | FI_IN_CALL)) == 0)
        return fi_immortal_thaw(f);
    (void)fi_misuse_check_handle(f, "fief_destroy");
    return FIEF_BAD_STATE;
}

fief_status fi_life_end(fief *f) {
    if (FI_UNLIKELY(f->state != FIEF_LIVE || f->obstacles != 0)) {
        fief_status status = make_way(f);
        if (status != FIEF_OK)
            return status;
    }
    f->state = FIEF_CLOSING;
    fi_registry_close(f->slot);
    if (FI_UNLIKELY(fi_load_seq_cst(&f->slot->exchange) != NULL))
        fi_the_exchange.close(f);
    run_exits(f);
    if (FI_UNLIKELY(f->outbox.words != NULL))
        fi_outbox_end(f);
    fi_remote_take_in(f);
    bool is_plain = f->debug == NULL && f->on_leak == FIEF_LEAK_FORCE;
    if (!is_plain)
        settle_leaks(f);
    fi_live live = fi_stats_count_live(f);
    fi_leak leak = {live.blocks, live.bytes};
    const fi_source source = f->source;
    fi_arena *home = f->arenas[0];
    FI_ASSERT(home != NULL && home->holds_handle);
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL && f->arenas[i] != home)
            leave_arena(f, f->arenas[i]);
    bool keeps = !is_plain && leave_watch(f, home, &leak);
    close_pools(f, home);
    clean_handle(f);
    if (keeps)
        keep_home(home, f->slot, &leak);
    else
        leave_home(home, &source, f->slot, &leak);
    if (source.end != NULL)
        source.end(source.ctx);
    return FIEF_OK;
}
