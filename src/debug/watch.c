/* The table by which the layers below reach what is here. */
#include "heap/watch.h"

#include "arena/meta.h"
#include "base/tool.h"
#include "debug/blocks.h"
#include "debug/explain.h"
#include "debug/fault.h"
#include "debug/fill.h"
#include "debug/leaks.h"
#include "debug/links.h"
#include "debug/quarantine.h"
#include "debug/settings.h"
#include "debug/state.h"
#include "debug/transit.h"
#include "debug/walk.h"
#include "os/os.h"

enum { QUARANTINE_BYTES = 256 * 1024 };

/* ---- beginning ---- */

uint8_t fi_watch_is_idle;

static const fief_config *configure(const fief_config *config, fief_config *room) {
    if (fi_settings()->given == 0 && !fi_tool_watches())
        fi_store_relaxed(&fi_watch_is_idle, 1);
    return fi_settings_apply(config, room);
}

static bool is_told_to_tools(void) {
    const fi_conf *conf = fi_settings();
    return (!fi_conf_gives(conf, FI_CONF_TOOLS) || conf->tools != 0) && fi_tool_watches();
}

static bool prepare(const fief_config *config, fi_debug **out) {
    *out = NULL;
    unsigned level = config->debug;
    if (FI_UNLIKELY(is_told_to_tools()) && level == FIEF_DEBUG_OFF)
        level = FIEF_DEBUG_CHECK;
    if (FI_LIKELY(level == FIEF_DEBUG_OFF && config->sample == 0))
        return true;
    if (!fi_records_init())
        return false;
    if ((level == FIEF_DEBUG_GUARD || config->sample != 0) && !fi_fault_init())
        return false;
    fi_debug *debug = fi_meta_alloc(sizeof *debug);
    if (debug == NULL)
        return false;
    debug->level = (uint8_t)level;
    *out = debug;
    return true;
}

static void discard(fi_debug *debug) {
    fi_meta_free(debug, sizeof *debug);
}

/* From here on each verb takes its slow path. */
static void watch_all(fief *f, fi_debug *debug) {
    for (unsigned c = 0; c < FI_CLASSES; c++)
        debug->lists[c] = fi_heap_sentinel(f);
    f->lists = f->own_lists = debug->lists;
    f->attention_at = 0;
    fi_heap_close_fast_path(f);
    fi_store_release(&f->slot->watched, debug->level);
}

static void joined(const fief *f, const fi_arena *arena) {
    if (!f->debug->fills)
        fi_tool_add_roots(arena->start, arena->bytes);
}

/* There may be live blocks at the end, and fences: the memory will be others'. */
static void leaving(const fief *f, const fi_arena *arena) {
    if (f->debug->fills)
        return;
    fi_tool_remove_roots(arena->start, arena->bytes);
    fi_tool_reuse(arena->start, arena->bytes);
}

static void attach(fief *f, fi_debug *debug, const fief_config *config) {
    const fi_conf *conf = fi_settings();
    f->debug = debug;
    debug->fills = !is_told_to_tools();
    debug->now_ms = fi_debug_ms();
    debug->tells_leaks = !fi_conf_gives(conf, FI_CONF_LEAKS) || conf->leaks != 0;
    debug->break_at = conf->break_serial;
    debug->quarantine.most_bytes = config->quarantine_bytes != 0 ? config->quarantine_bytes : QUARANTINE_BYTES;
    fi_guard_begin(f, (uint32_t)conf->guarded, config->sample, conf->guard_align != 0);
    if (debug->level != FIEF_DEBUG_OFF)
        watch_all(f, debug);
    else
        (void)fi_guard_next_sample(f);
    joined(f, f->arenas[0]);
}

/* ---- end ---- */

/* A live block ends with its heap: Valgrind does not forget it otherwise. */
static bool take_from_tool(fief *f, const fi_spot *spot, void *arg) {
    fi_record_state state = fi_record_state_of(spot->record);
    (void)f, (void)arg;
    if (spot->pool->state == FI_POOL_GUARDED || (state != FI_RECORD_LIVE && state != FI_RECORD_SENT))
        return true;
    fi_tool_free(spot->block, spot->record->size);
    return true;
}

/* What was written to after its free is found at last, and what is left is told. */
static bool closing(fief *f) {
    fi_quarantine_drain(f, 0);
    if (f->on_leak == FIEF_LEAK_KEEP) { /* what holds no block must not look as if it did */
        fi_guard_drain(f);
        if (f->own_lists != NULL)
            fi_links_flush(f);
    }
    bool leaks = fi_leaks_at_end(f, f->own_lists != NULL && f->debug->tells_leaks && !f->immortal);
    if (!f->debug->fills && f->on_leak != FIEF_LEAK_KEEP)
        fi_walk(f, take_from_tool, NULL);
    return leaks;
}

static void end(fief *f) {
    fi_debug *debug = f->debug;
    fi_guard_end(f);
    f->debug = NULL;
    f->own_lists = NULL;
    f->lists = fi_heap_fast_list(f, 0);
    f->attention_at = UINT64_MAX;
    discard(debug);
}

/* ---- the rest ---- */

static bool is_live(const fief *f, const fi_pool *pool, unsigned index, fi_seen *seen) {
    const fi_record *record = fi_record_of(pool, index);
    if (f->own_lists == NULL && pool->state != FI_POOL_GUARDED)
        return true;
    if (record == NULL || fi_record_state_of(record) != FI_RECORD_LIVE)
        return false;
    if (pool->state == FI_POOL_GUARDED)
        seen->block = fi_guard_spot(f, pool, index).block;
    seen->bytes = record->size;
    return true;
}

static void drain(fief *f) {
    fi_quarantine_drain(f, 0);
    fi_guard_drain(f);
    if (f->own_lists != NULL)
        fi_links_flush(f);
}

static void forgive(fief *f) {
    f->debug->tells_leaks = false;
}

static bool opening(const fi_pool *pool, unsigned size_class) {
    return fi_records_open(pool, (unsigned)fi_class_divide(size_class, FI_GRANULE_BYTES - FI_FENCE_BYTES));
}

const fi_watch fi_the_watch = {
    .configure = configure,
    .prepare = prepare,
    .attach = attach,
    .discard = discard,
    .closing = closing,
    .end = end,
    .alloc = fi_watched_alloc,
    .alloc_plain = fi_watched_alloc_plain,
    .free_at = fi_watched_free_at,
    .resize_at = fi_watched_resize_at,
    .free = fi_watched_free,
    .resize = fi_watched_resize,
    .claim = fi_watched_claim,
    .home = fi_watched_home,
    .refine = fi_explain_refine,
    .drain = drain,
    .is_live = is_live,
    .explain = fi_explain,
    .publish = fi_settings_publish,
    .tell = fi_settings_tell,
    .opening = opening,
    .may_join = fi_transit_may_join,
    .join = fi_transit_join,
    .forgive = forgive,
    .freeze_guarded = fi_guard_freeze,
    .joined = joined,
    .leaving = leaving,
};
