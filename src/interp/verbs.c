/* The exported verbs. The hot ones are the inlined fast paths of inline.h, compiled once more. */
#include "base/attributes.h"
#include "heap/alloc.h"
#include "heap/charge.h"
#include "heap/features.h"
#include "heap/find.h"
#include "heap/free.h"
#include "heap/immortal.h"
#include "heap/misuse.h"
#include "heap/outbox.h"
#include "heap/pools.h"
#include "heap/realloc.h"
#include "heap/refill.h"
#include "heap/remote.h"
#include "heap/stats.h"
#include "heap/visit.h"
#include "interp/commons.h"
#include "interp/life.h"
#include "interp/registry.h"

#include <string.h>

/* inline.h's view of a pool is the start of ours. */
static_assert(offsetof(fief_fast_pool, free) == offsetof(fi_pool, free), "layout");
static_assert(offsetof(fief_fast_pool, base) == offsetof(fi_pool, base), "layout");
static_assert(offsetof(fief_fast_pool, multiplier) == offsetof(fi_pool, multiplier), "layout");
static_assert(offsetof(fief_fast_pool, limit) == offsetof(fi_pool, limit), "layout");
static_assert(offsetof(fief_fast_pool, count) == offsetof(fi_pool, count), "layout");
static_assert(offsetof(fief_fast_pool, size_class) == offsetof(fi_pool, size_class), "layout");
static_assert(offsetof(fief_fast_pool, state) == offsetof(fi_pool, state), "layout");
static_assert(FIEF_FAST_CURRENT == FI_POOL_CURRENT << 8 && FIEF_INLINE_LISTS == (int)FI_FINE_CLASSES, "layout");
static_assert(offsetof(fief_fast, lists) == 64 && FIEF_INLINE_BYTES == FI_FINE_BYTES, "layout");
static_assert(sizeof(fief_fast_block) == sizeof(fi_block), "layout");

/* ---- the fast paths and their slow halves ---- */

FI_HOT void *fief_alloc(fief *f, size_t size) {
    return fief_inline_alloc(f, size);
}

FI_HOT void fief_free(fief *f, void *p) {
    fief_inline_free(f, p);
}

FI_HOT void fief_free_sized(fief *f, void *p, size_t size) {
    fief_inline_free_sized(f, p, size);
}

FI_SLOW void *fief_slow_alloc_1(fief *f, size_t size) {
    const void *site = FI_CALLER();
    if (size - 1 >= FI_FINE_BYTES)
        return fi_heap_alloc(f, size, site);
    return fi_watch_wants(f) ? fi_the_watch.alloc_plain(f, size, site)
                             : fi_heap_refill(f, fi_fine_class(size, f->fast.round));
}

FI_SLOW void fief_slow_free_1(fief *f, void *p) {
    fi_heap_free_slow(f, p, "fief_free", FI_CALLER());
}

/* A header that knows hot frees does not link with a library that grants none. */
FI_SLOW void fief_slow_free_hot_1(fief *f, void *p) {
    fi_heap_free_slow(f, p, "fief_free", FI_CALLER());
}

/* What is not watched knows the size. */
FI_SLOW void fief_slow_free_sized_1(fief *f, void *p, size_t size) {
    if (FI_LIKELY(f->debug == NULL) || p == NULL) {
        fi_heap_free_slow(f, p, "fief_free_sized", FI_CALLER());
        return;
    }
    if (f->state != FIEF_DEAD && fi_the_watch.free_at(f, p, size, "fief_free_sized", FI_CALLER()))
        return;
    fi_release how = FI_RELEASE("fief_free_sized", FI_CALLER());
    how.size = size;
    fi_heap_free_found(f, p, &how);
}

FI_SLOW void fief_slow_event_1(fief *f, fief_fast_pool *pool) {
    fi_heap_event(f, (fi_pool *)pool);
}

/* ---- blocks ---- */

void *fief_zalloc(fief *f, size_t size) {
    return fi_heap_zalloc(f, size, FI_CALLER());
}

void *fief_calloc(fief *f, size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : fi_heap_zalloc(f, bytes, FI_CALLER());
}

void *fief_alloc_aligned(fief *f, size_t size, size_t alignment) {
    return fi_heap_alloc_aligned(f, size, alignment, FI_CALLER());
}

FI_HOT void *fief_realloc(fief *f, void *p, size_t size) {
    if (p == NULL)
        return fief_alloc(f, size);
    if (fi_heap_realloc_is_done(f, p, size))
        return p;
    return fi_heap_realloc_slow(f, p, size, FI_ANY_SIZE, "fief_realloc", FI_CALLER());
}

/* The pool knows the old size; a debug level compares. */
FI_HOT void *fief_realloc_sized(fief *f, void *p, size_t old_size, size_t new_size) {
    if (p == NULL)
        return fief_alloc(f, new_size);
    if (fi_heap_realloc_is_done(f, p, new_size))
        return p;
    return fi_heap_realloc_slow(f, p, new_size, old_size, "fief_realloc_sized", FI_CALLER());
}

void fief_free_remote(void *p) {
    if (FI_UNLIKELY(!fi_remote_free(p)))
        fi_heap_free_slow(NULL, p, "fief_free_remote", FI_CALLER());
}

FI_HOT void fief_free_home(fief *f, void *p) {
    fief_inline_free_home(f, p);
}

/* Next to its own blocks, others' are not rare here. */
FI_SLOW void fief_slow_free_home_1(fief *f, void *p) {
    if (FI_UNLIKELY(!fi_outbox_put(f, p)))
        fi_heap_free_home_slow(f, p, FI_CALLER());
}

size_t fief_usable_size(const void *p) {
    return fi_find_usable_bytes(p);
}

size_t fief_good_size(const fief *f, size_t size) {
    return fi_heap_good_size(f, size);
}

/* ---- life ---- */

static bool config_is_valid(const fief_config *config) {
    bool provider_is_whole = (config->provider.alloc == NULL) == (config->provider.free == NULL) &&
                             config->provider_use <= FIEF_PROVIDER_FOR_LARGE;
    return (config->alignment == 8 || config->alignment == 16) && provider_is_whole &&
           fi_limit_is_valid(&config->limit) && config->on_foreign >= FIEF_FOREIGN_ROUTE &&
           config->on_foreign <= FIEF_FOREIGN_IGNORE && config->on_misuse >= FIEF_MISUSE_ABORT &&
           config->on_misuse <= FIEF_MISUSE_IGNORE && config->on_leak <= FIEF_LEAK_STRICT;
}

/* What ends here is what programs have that were built with the first version. */
enum { FIRST_CONFIG_BYTES = offsetof(fief_config, provider_use) };

/* An earlier version's configuration, with what it has not got; NULL if it is no version's. */
FI_COLD static const fief_config *complete(const fief_config *config, fief_config *room) {
    static const fief_config defaults = FIEF_CONFIG_INIT;
    if (config->size != FIRST_CONFIG_BYTES)
        return NULL;
    *room = defaults;
    memcpy(room, config, FIRST_CONFIG_BYTES);
    return room;
}

fief_status fief_create(fief **out, const fief_config *config) {
    static const fief_config defaults = FIEF_CONFIG_INIT;
    fief_config room;
    if (out == NULL)
        return FIEF_BAD_ARGUMENT;
    *out = NULL;
    if (config == NULL)
        config = &defaults;
    if (FI_UNLIKELY(config->size != sizeof *config))
        config = complete(config, &room);
    if (config == NULL || !config_is_valid(config))
        return FIEF_BAD_ARGUMENT;
    bool is_special = ((unsigned)config->debug | config->sample | config->immortal) != 0;
    bool plain = fi_load_relaxed(&fi_watch_is_idle) != 0 && !is_special;
    return FI_LIKELY(plain) ? fi_life_begin(out, config, NULL, false) : fi_life_begin_watched(out, config, false);
}

fief_status fief_prepare(void) {
    return fi_registry_ready() ? FIEF_OK : FIEF_NO_MEMORY;
}

fief_status fief_destroy(fief *f) {
    return f != NULL ? fi_life_end(f) : FIEF_OK;
}

fief_status fief_at_exit(fief *f, fief_exit_fn *fn, void *arg) {
    return fn != NULL ? fi_life_at_exit(f, fn, arg) : FIEF_BAD_ARGUMENT;
}

const char *fief_status_text(fief_status status) {
    switch (status) {
    case FIEF_OK:
        return "success";
    case FIEF_NO_MEMORY:
        return "out of memory";
    case FIEF_BAD_ARGUMENT:
        return "invalid argument";
    case FIEF_BAD_STATE:
        return "the interpreter is closing or dead";
    }
    return "unknown status";
}

/* ---- immortal heaps ---- */

fief_status fief_freeze(fief *f) {
    return fi_misuse_check_handle(f, "fief_freeze") ? fi_immortal_freeze(f) : FIEF_BAD_STATE;
}

fief_status fief_thaw(fief *f) {
    return fi_misuse_check_handle(f, "fief_thaw") ? fi_immortal_thaw(f) : FIEF_BAD_STATE;
}

bool fief_is_immortal(const void *p) {
    return fi_immortal_holds(p);
}

/* ---- who is who ---- */

fief_id fief_owner(const void *p) {
    const fi_arena *arena = fi_map_find(p);
    if (arena == NULL || fi_load_acquire(&arena->owner) == NULL)
        return FIEF_ID_NONE;
    return fi_load_relaxed(&arena->owner_id);
}

fief_id fief_id_of(const fief *f) {
    return f->id;
}

const char *fief_name(const fief *f) {
    return f->slot->name.text;
}

fief *fief_find(fief_id id) {
    return fi_registry_find(id);
}

static _Thread_local fief *current;

fief *fief_enter(fief *f) {
    fief *previous = current;
    current = f;
    return previous;
}

fief *fief_current(void) {
    return current;
}

void fief_leave(fief *previous) {
    current = previous;
}

/* ---- housekeeping ---- */

size_t fief_poll(fief *f) {
    if (!fi_misuse_check_handle(f, "fief_poll"))
        return 0;
    size_t taken = fi_remote_take_in(f);
    if (taken > 0)
        fi_stats_publish(f);
    struct fi_exchange *exchange = fi_load_acquire(&f->slot->exchange);
    if (FI_UNLIKELY(exchange != NULL))
        fi_the_exchange.poll(f, exchange);
    return taken;
}

size_t fief_trim(fief *f) {
    if (f == NULL) {
        fi_the_exchange.trim();
        fi_commons_trim();
        return fi_registry_trim();
    }
    if (!fi_misuse_check_handle(f, "fief_trim"))
        return 0;
    if (f->freelists != NULL)
        fi_the_freelists.release(f);
    return fi_heap_trim(f);
}

void fief_unwind_begin(fief *f) {
    if (fi_misuse_check_handle(f, "fief_unwind_begin"))
        fi_heap_unwind(f, true);
}

void fief_unwind_end(fief *f) {
    if (fi_misuse_check_handle(f, "fief_unwind_end"))
        fi_heap_unwind(f, false);
}

fief_status fief_limit_set(fief *f, const fief_limit *limit) {
    if (limit == NULL || !fi_limit_is_valid(limit))
        return FIEF_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_limit_set"))
        return FIEF_BAD_STATE;
    fi_heap_set_limit(f, limit);
    return FIEF_OK;
}

void fief_stats_read(const fief *f, fief_stats *out) {
    fi_stats_read(f, out);
}

void fief_stats_publish(fief *f) {
    if (fi_misuse_check_handle(f, "fief_stats_publish"))
        fi_stats_publish(f);
}

void fief_leaks_read(fief_leaks *out) {
    fi_registry_leaks(out);
    out->late_frees = fi_heap_late_frees();
}

void fief_totals_read(fief_totals *out) {
    fi_registry_totals(out);
}

fief_status fief_visit(fief *f, fief_visitor *visit, void *arg) {
    if (visit == NULL)
        return FIEF_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_visit"))
        return FIEF_BAD_STATE;
    fi_heap_visit(f, visit, arg);
    return FIEF_OK;
}
