#include "debug/blocks.h"

#include "base/tool.h"
#include "debug/fill.h"
#include "debug/large.h"
#include "debug/links.h"
#include "debug/quarantine.h"
#include "debug/quick.h"
#include "debug/tags.h"
#include "heap/alloc.h"
#include "heap/immortal.h"
#include "heap/pools.h"
#include "os/os.h"

#include <string.h>

/* ---- allocation ---- */

static fi_spot take_small(fief *f, size_t bytes, size_t alignment) {
    bytes = bytes < FI_LEAST_SLOT_BYTES ? FI_LEAST_SLOT_BYTES : bytes;
    unsigned list = fi_heap_class_for(f, bytes, alignment);
    char *block = fi_heap_alloc_of_class(f, list);
    if (block == NULL)
        return (fi_spot){.block = NULL};
    fi_spot spot = fi_spot_at(f, block);
    fi_links_check(f, list, &spot);
    return spot;
}

static fi_spot try_to_take(fief *f, size_t size, size_t alignment, bool zero) {
    size_t bytes = size + FI_FENCE_BYTES;
    if (bytes <= FI_SMALL_BYTES && alignment <= FI_MOST_CLASS_ALIGNMENT)
        return take_small(f, bytes, alignment);
    return fi_debug_large_alloc(f, size, alignment, zero);
}

/* At the limit what is in quarantine goes first. */
static fi_spot take(fief *f, size_t size, size_t alignment, bool zero) {
    fi_spot spot = {.block = NULL};
    if (size > PTRDIFF_MAX - FI_UNIT_BYTES)
        return spot;
    do
        spot = try_to_take(f, size, alignment, zero);
    while (spot.block == NULL && fi_quarantine_drain(f, 0));
    return spot;
}

static void record(fief *f, const fi_spot *spot, const fi_request *request, size_t alignment) {
    fi_record *r = spot->record;
    uint64_t serial = fi_debug_next_serial(f->debug);
    fi_record_write(r, request, serial, fi_event_now(f, request->site), alignment);
    r->next = 0;
    fi_store_release(&r->state, FI_RECORD_LIVE);
    fi_debug_count_in(f, request->size);
}

static void fill(fief *f, const fi_spot *spot, const fi_request *request) {
    if (f->debug->fills) {
        fi_fence_draw(spot, request->size);
        if (!request->zero)
            fi_fill(spot->block, FI_FRESH, request->size);
    }
    if (!f->debug->fills)
        fi_tool_alloc(spot->block, request->size, spot->slot_bytes, request->zero);
    if (request->zero && fi_pool_is_small(spot->pool))
        memset(spot->block, 0, request->size);
}

static size_t alignment_of(const fief *f, const fi_request *request) {
    size_t least = f->fast.round + 1;
    return request->alignment > least ? request->alignment : least;
}

static void *alloc(fief *f, const fi_request *request) {
    size_t alignment = alignment_of(f, request);
    void *guarded = f->debug->level == FIEF_DEBUG_GUARD ? fi_guard_alloc(f, request, alignment) : NULL;
    if (guarded != NULL)
        return guarded;
    fi_spot spot = take(f, request->size, alignment, request->zero);
    if (spot.block == NULL)
        return NULL;
    fill(f, &spot, request);
    record(f, &spot, request, alignment);
    return spot.block;
}

/* A handle that only samples: this allocation if it can be guarded, and then none for some time. */
static void *sample(fief *f, const fi_request *request) {
    bool is_due = fi_guard_next_sample(f);
    void *guarded = is_due ? fi_guard_alloc(f, request, alignment_of(f, request)) : NULL;
    if (guarded != NULL)
        return guarded;
    if (request->alignment > 1)
        return fi_heap_alloc_aligned(f, request->size, request->alignment, request->site);
    return request->zero ? fi_heap_zalloc(f, request->size, request->site)
                         : fi_heap_alloc(f, request->size, request->site);
}

void *fi_watched_alloc(fief *f, const fi_request *request) {
    if (!fi_misuse_check_handle(f, request->operation))
        return NULL;
    if (FI_UNLIKELY(fi_heap_is_frozen(f)))
        return fi_immortal_refuse(f);
    const fi_debug *debug = f->debug;
    fi_visit visit = fi_debug_enter(f, request->operation, request->site);
    void *block = f->own_lists != NULL ? alloc(f, request) : sample(f, request);
    if (FI_UNLIKELY(debug->break_at != 0) && debug->serial == debug->break_at && block != NULL)
        fi_os_stop();
    fi_debug_leave(f, visit);
    return block;
}

static void *alloc_plain(fief *f, size_t size, const void *site) {
    const fi_request request = {.operation = "fief_alloc", .site = site, .size = size, .alignment = 1};
    return fi_watched_alloc(f, &request);
}

void *fi_watched_alloc_plain(fief *f, size_t size, const void *site) {
    fi_debug *debug = f->debug;
    bool is_common = f->own_lists != NULL && f->state != FIEF_DEAD && !fi_heap_is_frozen(f) &&
                     debug->level != FIEF_DEBUG_GUARD && debug->break_at == 0;
    if (FI_UNLIKELY(!is_common))
        return alloc_plain(f, size, site);
    fi_visit visit = fi_debug_enter(f, "fief_alloc", site);
    void *block = fi_quick_alloc(f, size, site);
    fi_debug_leave(f, visit);
    return FI_LIKELY(block != NULL) ? block : alloc_plain(f, size, site);
}

/* ---- what a release says of its block ---- */

static fi_incident incident_of(fief *f, fief_misuse kind, const fi_spot *spot, const fi_release *how) {
    return (fi_incident){.kind = kind,
                         .operation = how->operation,
                         .pointer = spot->block,
                         .block = spot->block,
                         .block_bytes = spot->record->size,
                         .owner_slot = f->slot,
                         .owner_id = f->id,
                         .caller = f,
                         .site = how->site};
}

static bool refuse(fief *f, fief_misuse kind, const fi_spot *spot, const fi_release *how, size_t given) {
    fi_incident incident = incident_of(f, kind, spot, how);
    incident.given = given;
    incident.told = kind == FIEF_MISUSE_WRONG_DOMAIN ? fi_domain_name((fief_domain)given) : NULL;
    fi_misuse(&incident);
    return false;
}

/* Whether the block is what the program says it is. */
static bool is_as_said(fief *f, const fi_spot *spot, const fi_release *how) {
    const fi_record *r = spot->record;
    if (how->size != FI_ANY_SIZE && how->size != r->size)
        return refuse(f, FIEF_MISUSE_WRONG_SIZE, spot, how, how->size);
    if (how->alignment != 0 && how->alignment != (size_t)1 << r->alignment_shift &&
        (how->alignment > f->fast.round + 1 || r->alignment_shift > fi_lowest_bit(f->fast.round + 1)))
        return refuse(f, FIEF_MISUSE_WRONG_ALIGNMENT, spot, how, how->alignment);
    if (how->domain != FI_ANY_DOMAIN && how->domain != r->domain)
        return refuse(f, FIEF_MISUSE_WRONG_DOMAIN, spot, how, how->domain);
    return true;
}

/* ---- free ---- */

/* The record says by whom already. */
static void hold(fief *f, const fi_spot *spot) {
    FI_ASSERT(fi_spot_is_sound(spot));
    fi_debug_count_out(f, spot->record->size);
    fi_store_release(&spot->record->state, FI_RECORD_HELD);
    if (spot->pool->state == FI_POOL_GUARDED) {
        fi_guard_free(f, spot);
        return;
    }
    if (f->debug->fills)
        fi_fill(spot->block, FI_FREED, spot->record->size);
    else
        fi_tool_free(spot->block, spot->record->size);
    fi_quarantine_hold(f, spot);
}

static void check_fences(fief *f, const fi_spot *spot, const fi_release *how) {
    FI_ASSERT(fi_spot_is_sound(spot));
    if (f->debug->fills && !fi_fence_is_plain(spot, spot->record->size))
        fi_fence_check(f, spot, how);
}

static void free_live(fief *f, const fi_spot *spot, const fi_release *how) {
    check_fences(f, spot, how);
    fi_event_store(&spot->record->freed, fi_event_now(f, how->site));
    fi_store_relaxed(&spot->record->freed_by, f->id);
    hold(f, spot);
}

static fi_spot spot_found(const fief *f, const fi_found *found) {
    return found->view.state == FI_POOL_GUARDED ? fi_guard_spot(f, found->pool, found->index)
                                                : fi_spot_of(f, found->pool, found->index);
}

static bool is_watched(const fief *f, const fi_found *found) {
    return f->own_lists != NULL || found->view.state == FI_POOL_GUARDED;
}

bool fi_watched_free(fief *f, const fi_found *found, const fi_release *how) {
    if (!is_watched(f, found))
        return false;
    fi_visit visit = fi_debug_enter(f, how->operation, how->site);
    fi_spot spot = spot_found(f, found);
    if (fi_record_state_of(spot.record) != FI_RECORD_LIVE)
        refuse(f, FIEF_MISUSE_DOUBLE_FREE, &spot, how, 0);
    else if (is_as_said(f, &spot, how))
        free_live(f, &spot, how);
    fi_debug_leave(f, visit);
    return true;
}

bool fi_watched_free_at(fief *f, void *p, size_t size, const char *operation, const void *site) {
    if (f->own_lists == NULL || f->state == FIEF_DEAD || f->immortal)
        return false;
    fi_visit visit = fi_debug_enter(f, operation, site);
    bool done = fi_quick_free(f, p, size, site);
    fi_debug_leave(f, visit);
    return done;
}

/* ---- realloc ---- */

/* Whether that wastes no more than half of the slot. */
static bool stays(const fief *f, const fi_spot *spot, size_t size) {
    size_t needed = size + FI_FENCE_BYTES;
    return f->debug->fills && spot->pool->state != FI_POOL_GUARDED && size <= spot->slot_bytes &&
           needed <= spot->slot_bytes &&
           (needed >= spot->slot_bytes / 2 || spot->slot_bytes <= FI_LEAST_SLOT_BYTES);
}

static void *resize_in_place(fief *f, const fi_spot *spot, size_t size) {
    size_t had = spot->record->size;
    if (f->debug->fills)
        fi_fence_draw_end(spot, size);
    if (f->debug->fills && size > had)
        fi_fill(spot->block + had, FI_FRESH, size - had);
    f->count.watched_bytes += size - had;
    fi_store_relaxed(&spot->record->size, size);
    uint8_t kept = (uint8_t)fi_lowest_bit(f->fast.round + 1); /* all that a realloc keeps */
    fi_store_relaxed(&spot->record->alignment_shift, kept);
    return spot->block;
}

/* A heap that only samples has other blocks as well. */
static void *move_to(fief *f, const fi_request *request) {
    if (f->own_lists == NULL)
        return fi_heap_alloc(f, request->size, request->site);
    bool is_common =
        f->debug->level != FIEF_DEBUG_GUARD && request->tag == 0 && request->domain == FIEF_DOMAIN_PLAIN;
    void *block = is_common ? fi_quick_alloc(f, request->size, request->site) : NULL;
    return block != NULL ? block : alloc(f, request);
}

static void *move(fief *f, const fi_spot *spot, size_t size, const fi_release *how) {
    const fi_record *r = spot->record;
    const fi_request request = {.operation = how->operation,
                                .site = how->site,
                                .size = size,
                                .alignment = f->fast.round + 1,
                                .tag = r->tag,
                                .domain = r->domain};
    size_t kept = r->size < size ? r->size : size;
    void *to = move_to(f, &request);
    if (to == NULL)
        return NULL;
    memcpy(to, spot->block, kept);
    free_live(f, spot, how);
    return to;
}

static void *resize_live(fief *f, const fi_spot *spot, size_t size, const fi_release *how) {
    if (!is_as_said(f, spot, how))
        return NULL;
    check_fences(f, spot, how);
    if (stays(f, spot, size))
        return resize_in_place(f, spot, size);
    void *moved = move(f, spot, size, how);
    return moved != NULL || size > spot->record->size ? moved
                                                      : resize_in_place(f, spot, size); /* a shrink never fails */
}

bool fi_watched_resize_at(fief *f, void *p, size_t size, const fi_release *how, void **result) {
    fi_spot spot;
    if (f->immortal || !fi_quick_find(f, p, &spot))
        return false;
    fi_visit visit = fi_debug_enter(f, how->operation, how->site);
    *result = resize_live(f, &spot, size, how);
    fi_debug_leave(f, visit);
    return true;
}

bool fi_watched_resize(fief *f, const fi_found *found, size_t size, const fi_release *how, void **result) {
    if (!is_watched(f, found))
        return false;
    fi_visit visit = fi_debug_enter(f, how->operation, how->site);
    fi_spot spot = spot_found(f, found);
    *result = NULL;
    if (fi_record_state_of(spot.record) == FI_RECORD_LIVE)
        *result = resize_live(f, &spot, size, how);
    else
        refuse(f, FIEF_MISUSE_REALLOC_AFTER_FREE, &spot, how, 0);
    fi_debug_leave(f, visit);
    return true;
}

/* ---- freed by others ---- */

bool fi_watched_claim(const fi_found *found, fief_id caller, const void *site) {
    fi_record *record = fi_record_of(found->pool, found->index);
    uint8_t live = FI_RECORD_LIVE;
    if (record == NULL || !fi_cas_acq_rel(&record->state, &live, FI_RECORD_SENT))
        return false;
    fi_event_store(&record->freed, fi_event_elsewhere(fi_slot_level(found->slot), site));
    fi_store_relaxed(&record->freed_by, caller);
    return true;
}

bool fi_watched_home(fief *f, fi_pool *pool, unsigned index) {
    if (f->own_lists == NULL && pool->state != FI_POOL_GUARDED)
        return false;
    const fi_release how = FI_RELEASE("a remote free that its owner took in", NULL);
    fi_spot spot = pool->state == FI_POOL_GUARDED ? fi_guard_spot(f, pool, index) : fi_spot_of(f, pool, index);
    if (fi_record_state_of(spot.record) == FI_RECORD_SENT) {
        check_fences(f, &spot, &how);
        hold(f, &spot);
    } else {
        refuse(f, FIEF_MISUSE_DOUBLE_FREE, &spot, &how, 0);
    }
    return true;
}
