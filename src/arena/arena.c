#include "arena/arena.h"

#include "arena/space.h"
#include "base/atomics.h"
#include "base/lock.h"
#include "os/os.h"

#include <string.h>

/* Bounds of the warm store, and how long it keeps an arena. */
enum { WARM_SMALL_COUNT = 32, WARM_FULL_COUNT = 8, WARM_DECAY_MS = 500 };

/* First in, first out: the oldest address comes round first. Both under FI_RANK_PROCESS. */
typedef struct warm_store {
    fi_arena *first, *last;
    unsigned count, most;
} warm_store;

static const fi_source from_system;

static warm_store warm_small = {.most = WARM_SMALL_COUNT};
static warm_store warm_full = {.most = WARM_FULL_COUNT};

static warm_store *store_for(size_t bytes) {
    return bytes == FI_SMALL_ARENA_UNITS * FI_UNIT_BYTES ? &warm_small : &warm_full;
}

static void store_push(warm_store *store, fi_arena *arena) {
    arena->next = NULL;
    *(store->last != NULL ? &store->last->next : &store->first) = arena;
    store->last = arena;
    store->count++;
}

static fi_arena *store_pop(warm_store *store) {
    fi_arena *arena = store->first;
    if (arena != NULL) {
        store->first = arena->next;
        store->last = store->first != NULL ? store->last : NULL;
        store->count--;
    }
    return arena;
}

bool fi_arena_init(void) {
    fi_os_init();
    return fi_space_init();
}

/* ---- taking ---- */

/* Writes a descriptor and shows it to fi_map_find. What an arena of this slot was before may still be read
 * by others: they check what they do against the generations of its pools. */
static fi_arena *publish(const fi_span *span, bool huge, bool from_provider) {
    fi_arena *arena = &fi_the_map.arenas[span->slot];
    fi_store_relaxed(&arena->start, span->start);
    fi_store_relaxed(&arena->bytes, span->units * FI_UNIT_BYTES);
    fi_store_relaxed(&arena->owner, NULL);
    arena->slot = (uint32_t)span->slot;
    fi_store_relaxed(&arena->granules, huge ? 0 : (uint8_t)(span->units * FI_UNIT_GRANULES));
    arena->from_provider = from_provider;
    fi_store_relaxed(&arena->holds_handle, 0);
    arena->dirty_granules = 0;
    memset(arena->touched_pages, 0, sizeof arena->touched_pages);
    for (size_t i = 0; i < span->units; i++)
        fi_store_release(&fi_the_map.heads[span->slot + i], (uint32_t)span->slot);
    return arena;
}

/* The host's callbacks run outside the lock. */
static fi_arena *take_from_source(const fi_source *source, size_t bytes, size_t alignment, bool huge) {
    char *start = source->alloc(source->ctx, bytes, alignment);
    if (start == NULL)
        return NULL;
    fi_span span;
    fi_lock(FI_RANK_PROCESS);
    bool claimed =
        ((uintptr_t)start & (alignment - 1)) == 0 && fi_space_claim(start, bytes >> FI_UNIT_SHIFT, &span);
    fi_arena *arena = claimed ? publish(&span, huge, true) : NULL;
    fi_unlock(FI_RANK_PROCESS);
    if (arena == NULL) {
        source->free(source->ctx, start, bytes);
        return NULL;
    }
    if (!huge)
        arena->dirty_granules = fi_arena_all_granules(arena); /* nobody said that it was zeros */
    return arena;
}

static fi_arena *take_space(size_t units, size_t align_units, bool huge) {
    fi_span span;
    fi_lock(FI_RANK_PROCESS);
    fi_arena *arena = fi_space_take(units, align_units, &span) ? publish(&span, huge, false) : NULL;
    fi_unlock(FI_RANK_PROCESS);
    if (arena == NULL || huge || fi_os_commit(span.start, units * FI_UNIT_BYTES))
        return arena;
    fi_lock(FI_RANK_PROCESS);
    fi_space_give(&span);
    fi_unlock(FI_RANK_PROCESS);
    return NULL;
}

fi_arena *fi_arena_pop_warm(unsigned units) {
    return store_pop(store_for(units * FI_UNIT_BYTES));
}

fi_arena *fi_arena_take_fresh(const fi_source *source, unsigned units) {
    if (fi_source_gives_arenas(source))
        return take_from_source(source, units * FI_UNIT_BYTES, FI_UNIT_BYTES, false);
    return take_space(units, units, false);
}

fi_arena *fi_arena_take(const fi_source *source, unsigned units, bool warm) {
    fi_arena *arena = NULL;
    if (warm && !fi_source_gives_arenas(source)) {
        fi_lock(FI_RANK_PROCESS);
        arena = fi_arena_pop_warm(units);
        fi_unlock(FI_RANK_PROCESS);
    }
    if (arena == NULL)
        return fi_arena_take_fresh(source, units);
    if (arena->holds_handle) { /* an ended one: its page is memory like any other now */
        fi_arena_touch(arena, 0, fi_os_page_bytes());
        fi_store_relaxed(&arena->holds_handle, 0);
    }
    return arena;
}

fi_arena *fi_arena_take_huge(const fi_source *source, size_t bytes, size_t alignment) {
    if (source->alloc != NULL) {
        size_t unit_alignment = alignment < FI_UNIT_BYTES ? FI_UNIT_BYTES : alignment;
        fi_arena *arena = take_from_source(source, fi_round_up(bytes, FI_UNIT_BYTES), unit_alignment, true);
        if (arena != NULL || fi_source_gives_arenas(source))
            return arena;
    }
    return fi_arena_take_huge_of_system(bytes, alignment);
}

fi_arena *fi_arena_take_huge_of_system(size_t bytes, size_t alignment) {
    /* Never alone in a unit, so that huge blocks stay out of the stretches for small arenas. */
    size_t align_units = alignment >> FI_UNIT_SHIFT;
    align_units = align_units < FI_FULL_ARENA_UNITS ? FI_FULL_ARENA_UNITS : align_units;
    fi_arena *arena = take_space(fi_divide_up(bytes, FI_UNIT_BYTES), align_units, true);
    if (arena != NULL && !fi_os_commit(arena->start, bytes)) {
        fi_arena_leave(arena, &from_system, false);
        return NULL;
    }
    return arena;
}

static fi_span span_of(const fi_arena *arena) {
    return (fi_span){arena->start, arena->slot, arena->bytes >> FI_UNIT_SHIFT};
}

/* More units behind it, as many as it is to have in all. */
static bool extend_space(fi_arena *arena, size_t units) {
    fi_span span = span_of(arena);
    size_t had = span.units;
    fi_lock(FI_RANK_PROCESS);
    bool extended = fi_space_extend(&span, units - had);
    for (size_t i = had; extended && i < units; i++)
        fi_store_release(&fi_the_map.heads[span.slot + i], arena->slot);
    if (extended)
        fi_store_release(&arena->bytes, units * FI_UNIT_BYTES);
    fi_unlock(FI_RANK_PROCESS);
    return extended;
}

/* Gives up the units behind its first ones. */
static void cut_space(fi_arena *arena, size_t units) {
    const fi_span span = span_of(arena);
    const fi_span rest = {span.start + units * FI_UNIT_BYTES, span.slot + units, span.units - units};
    fi_lock(FI_RANK_PROCESS);
    fi_store_release(&arena->bytes, units * FI_UNIT_BYTES);
    fi_space_give(&rest);
    fi_unlock(FI_RANK_PROCESS);
}

/* The host's part of it: first the entries in the map, so that nobody else takes them meanwhile. */
static bool extend_span(fi_arena *arena, const fi_source *source, size_t bytes) {
    size_t units = fi_divide_up(bytes, FI_UNIT_BYTES), had = arena->bytes >> FI_UNIT_SHIFT;
    if (units <= had)
        return true;
    if (source->extend == NULL || !extend_space(arena, units))
        return false;
    if (source->extend(source->ctx, arena->start, had * FI_UNIT_BYTES, units * FI_UNIT_BYTES))
        return true;
    cut_space(arena, had);
    return false;
}

bool fi_arena_extend_huge(fi_arena *arena, const fi_source *source, size_t old_bytes, size_t bytes) {
    if (arena->from_provider)
        return extend_span(arena, source, bytes);
    if (bytes > arena->bytes && !extend_space(arena, fi_divide_up(bytes, FI_UNIT_BYTES)))
        return false;
    return fi_os_commit(arena->start + old_bytes, bytes - old_bytes);
}

void fi_arena_adopt(fi_arena *arena, void *owner, uint64_t owner_id, uint64_t *remote_summary, uint32_t index) {
    fi_store_relaxed(&arena->remote_summary, remote_summary);
    fi_store_relaxed(&arena->index, index);
    arena->free_granules = arena->granules != 0 ? fi_arena_all_granules(arena) : 0;
    arena->aged_granules = 0;
    arena->list = 0;
    fi_store_release(&arena->remote_granules, 0); /* who sets a bit from here on finds the new summary */
    fi_store_relaxed(&arena->owner_id, owner_id);
    fi_store_relaxed(&fi_the_map.recent_owner, owner_id);
    fi_store_relaxed(&arena->state, FI_ARENA_LIVE);
    fi_store_release(&arena->owner, owner);
}

/* ---- passing ---- */

/* Its remote frees stay. Who sets the first bit of them reads the summary afterwards: so that if the bit is not
 * there at the end, the summary that is read is the new one. */
void fi_arena_begin_passing(fi_arena *arena, void *owner, uint64_t owner_id, uint64_t *remote_summary,
                            uint32_t index) {
    fi_store_relaxed(&arena->passing, (uint8_t)(arena->passing + 1));
    fi_store_release(&arena->index, index);
    fi_store_release(&arena->remote_summary, remote_summary);
    fi_store_release(&arena->owner_id, owner_id);
    fi_store_release(&arena->owner, owner);
}

void fi_arena_end_passing(fi_arena *arena) {
    fi_store_release(&arena->passing, (uint8_t)(arena->passing + 1));
    if (fi_or_acq_rel(&arena->remote_granules, 0) != 0)
        (void)fi_or_acq_rel(arena->remote_summary, UINT64_C(1) << (arena->index % 64));
}

/* ---- leaving ---- */

/* The operating system, or the host, gets it back; what stays is the tombstone. */
void fi_arena_bury(fi_arena *arena, const fi_source *source) {
    fi_span span = span_of(arena);
    if (!arena->from_provider)
        fi_os_decommit(arena->start, arena->bytes);
    fi_store_relaxed(&arena->state, FI_ARENA_DEAD);
    bool from_provider = arena->from_provider;
    fi_lock(FI_RANK_PROCESS);
    fi_space_give(&span);
    fi_unlock(FI_RANK_PROCESS);
    if (from_provider)
        source->free(source->ctx, span.start, span.units * FI_UNIT_BYTES);
}

void fi_arena_disown(fi_arena *arena) {
    fi_store_release(&arena->owner, NULL);
}

void fi_arena_keep(fi_arena *arena) {
    fi_arena_disown(arena);
    fi_store_relaxed(&arena->state, FI_ARENA_KEPT);
}

/* An entry that has been warm for too long goes as another comes. */
bool fi_arena_push_warm(fi_arena *arena, uint64_t now_ms, fi_arena **due) {
    warm_store *store = store_for(arena->bytes);
    bool too_old = store->first != NULL && now_ms - store->first->warm_since_ms > WARM_DECAY_MS;
    *due = too_old ? store_pop(store) : NULL;
    if (arena->from_provider || store->count == store->most)
        return false;
    arena->warm_since_ms = now_ms;
    fi_store_relaxed(&arena->state, FI_ARENA_WARM);
    store_push(store, arena);
    return true;
}

void fi_arena_leave(fi_arena *arena, const fi_source *source, bool warm) {
    fi_arena_disown(arena);
    if (!warm || arena->from_provider) {
        fi_arena_bury(arena, source);
        return;
    }
    fi_arena *due;
    uint64_t now = fi_os_now_ms();
    fi_lock(FI_RANK_PROCESS);
    bool kept = fi_arena_push_warm(arena, now, &due);
    fi_unlock(FI_RANK_PROCESS);
    if (due != NULL)
        fi_arena_bury(due, source);
    if (!kept)
        fi_arena_bury(arena, source);
}

static size_t release_store(warm_store *store) {
    size_t bytes = 0;
    for (;;) {
        fi_lock(FI_RANK_PROCESS);
        fi_arena *arena = store_pop(store);
        fi_unlock(FI_RANK_PROCESS);
        if (arena == NULL)
            return bytes;
        bytes += fi_arena_touched_bytes(arena, ~UINT64_C(0));
        fi_arena_bury(arena, &from_system);
    }
}

size_t fi_arena_release_warm(void) {
    size_t bytes = release_store(&warm_small) + release_store(&warm_full);
    fi_lock(FI_RANK_PROCESS);
    fi_map_forget_dead();
    fi_unlock(FI_RANK_PROCESS);
    return bytes;
}

void fi_arena_purge(fi_arena *arena, uint64_t mask) {
    arena->dirty_granules &= ~mask;
    while (mask != 0) {
        unsigned first = fi_lowest_bit(mask);
        unsigned count = ~(mask >> first) != 0 ? fi_lowest_bit(~(mask >> first)) : 64 - first;
        memset(arena->touched_pages + first, 0, count);
        size_t kept = first == 0 && arena->holds_handle ? fi_os_page_bytes() : 0;
        fi_os_purge(arena->start + ((size_t)first << FI_GRANULE_SHIFT) + kept,
                    ((size_t)count << FI_GRANULE_SHIFT) - kept);
        mask &= ~fi_bit_run(first, count);
    }
}
