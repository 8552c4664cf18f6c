#include "debug/explain.h"

#include "debug/guard.h"
#include "debug/state.h"
#include "debug/tags.h"
#include "heap/pools.h"

/* ---- what a look at the map has found ---- */

static bool was_freed(fi_record_state state) {
    return state == FI_RECORD_SENT || state == FI_RECORD_HELD || state == FI_RECORD_FREE;
}

/* Whoever resizes a foreign block copies so much of it. */
static size_t bounded_size(const fi_record *record, size_t most) {
    size_t size = fi_load_relaxed(&record->size);
    return size < most ? size : most;
}

/* A guarded block's bytes to the end of its pages, its slot. */
static size_t end_of_place(const fi_found *found, unsigned index, const char *block) {
    return (size_t)(fi_guard_place(&found->view, index) + fi_guard_place_bytes(&found->view) - block);
}

static void refine_guarded(fi_found *found, const void *p) {
    char *block;
    unsigned index;
    if (!fi_guard_locate(found->pool, &found->view, p, &index, &block))
        return;
    const fi_record *record = fi_record_of(found->pool, index);
    fi_record_state state = fi_record_state_of(record);
    size_t offset = (size_t)((const char *)p - block), most = end_of_place(found, index, block);
    if (state == FI_RECORD_NONE || (const char *)p < block || offset >= most)
        return;
    found->index = index;
    found->block = block;
    found->block_bytes = bounded_size(record, most);
    found->is_free = was_freed(state);
    found->place = offset == 0 ? FI_PLACE_BLOCK : fi_place_between(p);
}

void fi_explain_refine(fi_found *found, const void *p) {
    if (found->view.state == FI_POOL_GUARDED) {
        refine_guarded(found, p);
        return;
    }
    const fi_record *record = found->block != NULL ? fi_record_of(found->pool, found->index) : NULL;
    if (record == NULL)
        return;
    fi_record_state state = fi_record_state_of(record);
    if (state == FI_RECORD_NONE) { /* its slot was never handed out */
        found->place = FI_PLACE_WILD;
        found->block = NULL;
        found->block_bytes = 0;
        return;
    }
    found->block_bytes = bounded_size(record, found->block_bytes);
    found->is_free = was_freed(state);
}

/* ---- blocks that are gone ---- */

static char *granule_start(const fi_arena *arena, const fi_pool *pool) {
    size_t granule = (size_t)(pool - fi_map_pools(arena));
    return fi_load_relaxed(&arena->start) + (granule << FI_GRANULE_SHIFT);
}

static const fi_record *record_of_large(const fi_record *record, char *start, const void *p, const char **block) {
    start += (size_t)1 << (fi_load_relaxed(&record->room_shift) & 63);
    *block = start;
    size_t offset = (size_t)((const char *)p - start);
    return offset == 0 || offset < fi_load_relaxed(&record->size) ? record : NULL;
}

static const fi_record *record_of_small(const fi_arena *arena, const fi_pool *pool, const void *p,
                                        const char **block) {
    unsigned size_class = fi_load_relaxed(&pool->size_class);
    bool behind_handle = pool == fi_map_pools(arena) && fi_load_relaxed(&arena->holds_handle) != 0;
    if (size_class >= FI_CLASSES)
        return NULL;
    char *start = granule_start(arena, pool) + fi_heap_first_block(behind_handle, size_class, true);
    size_t offset = (size_t)((const char *)p - start);
    unsigned index = (unsigned)fi_class_divide(size_class, offset & (FI_GRANULE_BYTES - 1));
    *block = start + index * fi_class_bytes(size_class);
    return (const char *)p >= start ? fi_record_of(pool, index) : NULL;
}

/* A pool that was closed, most likely by its owner's end, and that nobody has opened since: its class, and whether
 * its arena holds a handle, tell where its blocks are. A granule that never held a block has no records. */
static const fi_record *record_in_closed(const fi_arena *arena, const fi_pool *pool, const void *p,
                                         const char **block) {
    size_t granule = (size_t)(pool - fi_map_pools(arena)), behind = fi_load_relaxed(&pool->carved);
    bool is_tail = fi_load_relaxed(&pool->size_class) == FI_TAIL_CLASS && behind <= granule;
    const fi_pool *first = is_tail ? pool - behind : pool;
    const fi_record *record = fi_record_of(first, 0);
    if (record == NULL)
        return NULL;
    if (fi_load_relaxed(&record->room_shift) != 0)
        return record_of_large(record, granule_start(arena, first), p, block);
    return is_tail ? NULL : record_of_small(arena, pool, p, block);
}

/* An arena of guarded places. */
static const fi_record *record_in_buried(const fi_arena *arena, const fi_pool *pool, const void *p,
                                         const char **block) {
    fi_pool_view view = {.carved = fi_load_relaxed(&pool->carved),
                         .start = fi_load_relaxed(&arena->start),
                         .large_bytes = fi_load_relaxed(&arena->bytes)};
    unsigned index;
    char *start;
    if (!fi_guard_locate(pool, &view, p, &index, &start))
        return NULL;
    *block = start;
    return fi_record_of(pool, index);
}

/* What the record says is of a block that is no more: its owner's end took it, or it has left the quarantine. */
static const fi_record *record_of_gone(const fi_found *found, const void *p, const char **block) {
    if (found->arena == NULL || found->slot == NULL || fi_slot_level(found->slot) == 0 ||
        fi_load_acquire(&found->slot->id) != found->owner_id)
        return NULL;
    const fi_pool *pool = fi_map_pools(found->arena) + fi_map_granule_of(found->arena, p);
    if (fi_load_relaxed(&found->arena->granules) == 0 && fi_load_relaxed(&pool->carved) != 0)
        return record_in_buried(found->arena, pool, p, block);
    return record_in_closed(found->arena, pool, p, block);
}

/* ---- telling ---- */

static void describe(const fi_record *record, fi_details *details) {
    uint32_t now = fi_debug_ms();
    fi_record_state state = fi_record_state_of(record);
    if (state == FI_RECORD_NONE)
        return;
    details->known = true;
    details->freed = was_freed(state);
    details->requested_size = fi_load_relaxed(&record->size);
    details->serial = fi_load_relaxed(&record->serial);
    details->age_ms = now - fi_load_relaxed(&record->made.ms);
    details->alloc_thread = fi_load_relaxed(&record->made.thread);
    details->alloc_trace = fi_load_relaxed(&record->made.trace);
    details->free_age_ms = now - fi_load_relaxed(&record->freed.ms);
    details->free_thread = fi_load_relaxed(&record->freed.thread);
    details->free_trace = fi_load_relaxed(&record->freed.trace);
    details->freed_by = fi_load_relaxed(&record->freed_by);
    details->alignment = (size_t)1 << (fi_load_relaxed(&record->alignment_shift) & 63);
    details->tag = fi_tag_name(fi_load_relaxed(&record->tag));
    details->domain = fi_domain_name(fi_load_relaxed(&record->domain));
}

static size_t slot_bytes(const fi_pool_view *view) {
    if (fi_view_is_small(view))
        return fi_class_bytes(view->size_class);
    return view->state == FI_POOL_GUARDED ? fi_guard_place_bytes(view) : view->large_bytes;
}

void fi_explain(const void *p, fief_id owner, fi_details *details) {
    fi_found found = fi_find(p);
    if (found.owner_id != owner) /* it is another's by now, or a stray link leads there */
        return;
    const fi_record *record = NULL;
    const char *block = NULL;
    if (found.owner == NULL || found.place == FI_PLACE_GIVEN_BACK) {
        record = record_of_gone(&found, p, &block);
    } else if (fi_found_is_watched(&found) && found.block != NULL) {
        record = fi_record_of(found.pool, found.index);
        details->slot_bytes = slot_bytes(&found.view);
    }
    if (record != NULL)
        describe(record, details);
    if (details->known && details->block == NULL)
        details->block = block;
}
