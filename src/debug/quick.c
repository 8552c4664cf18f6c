#include "debug/quick.h"

#include "debug/fill.h"
#include "debug/links.h"
#include "debug/quarantine.h"
#include "heap/pools.h"
#include "heap/refill.h"

/* Where a block's record is. The pool's own multiplier divides by the size of its blocks. */
static inline fi_record *record_at(const fief *f, const fi_pool *pool, const void *block, unsigned *index) {
    size_t offset = (size_t)((uintptr_t)block + (uintptr_t)f - pool->base);
    *index = (unsigned)(((fi_uint128)offset * pool->multiplier) >> 64);
    return fi_sheets[fi_map_index(pool)] + *index;
}

static inline fi_pool *pool_at(const void *block) {
    size_t granules = fi_the_map.units * FI_UNIT_GRANULES;
    return &fi_the_map.pools[((uintptr_t)block >> FI_GRANULE_SHIFT) & (granules - 1)];
}

static inline bool holds(const fief *f, const fi_pool *pool, const void *p) {
    return FI_LIKELY(fief_fast_holds(f, (const fief_fast_pool *)pool, p));
}

/* ---- allocation ---- */

static inline void draw_fences(char *block, size_t size, size_t slot_bytes, const fi_record *r, unsigned index) {
    bool first_use = fi_record_state_of(r) == FI_RECORD_NONE;
    if (FI_UNLIKELY(first_use) && (index == 0 || fi_record_state_of(r - 1) == FI_RECORD_NONE))
        fi_fence_put(block - FI_FENCE_BYTES);
    fi_fence_put(block + size);
    fi_fence_put(block + slot_bytes - FI_FENCE_BYTES);
}

static inline void write_record(fief *f, fi_record *r, size_t size, const void *site) {
    uint64_t serial = fi_debug_next_serial(f->debug);
    fi_store_relaxed(&r->serial, serial);
    fi_store_relaxed(&r->size, size);
    r->next = 0;
    fi_event_store(&r->made, fi_event_now(f, site));
    fi_store_relaxed(&r->alignment_shift, (uint8_t)(f->fast.round == 15 ? 4 : 3));
    fi_store_relaxed(&r->domain, FIEF_DOMAIN_PLAIN);
    fi_store_relaxed(&r->tag, 0);
    fi_store_release(&r->state, FI_RECORD_LIVE);
    fi_debug_count_in(f, size);
}

/* A block of another size class, that a small heap has borrowed. */
FI_COLD static void draw_long_fence(const fief *f, char *block, size_t size) {
    fi_spot spot = fi_spot_at(f, block);
    fi_fence_draw(&spot, size);
}

/* A block that is not for the quick path. */
FI_COLD static void give_back(fief *f, unsigned size_class, char *block) {
    fi_spot spot = fi_spot_at(f, block);
    fi_links_check(f, size_class, &spot);
    fi_links_give(f, &spot);
}

FI_COLD static void meet_link(fief *f, unsigned size_class, char *block) {
    fi_spot spot = fi_spot_at(f, block);
    fi_links_check(f, size_class, &spot);
}

/* See links.c. */
static inline void check_link(fief *f, unsigned size_class, char *block, size_t slot_bytes, const fi_record *r) {
    const fi_block *next = f->own_lists[size_class];
    uint64_t written = r->next != 0 ? r->next : (uintptr_t)block + slot_bytes;
    if (FI_UNLIKELY((uintptr_t)next != written && next != fi_heap_sentinel(f)))
        meet_link(f, size_class, block);
}

/* The block that is handed out next was not touched for long, nor was its record. */
static inline void expect(const fief *f, const fi_block *next) {
    const fi_pool *pool = pool_at(next);
    unsigned index;
    __builtin_prefetch(next, 1);
    if (FI_LIKELY(holds(f, pool, next)))
        __builtin_prefetch(record_at(f, pool, next, &index), 1);
}

void *fi_quick_alloc(fief *f, size_t size, const void *site) {
    size_t bytes = size + FI_FENCE_BYTES;
    bytes = bytes < FI_LEAST_SLOT_BYTES ? FI_LEAST_SLOT_BYTES : bytes;
    if (size > FI_FINE_BYTES - FI_FENCE_BYTES || !f->debug->fills)
        return NULL;
    unsigned size_class = fi_fine_class(bytes, f->fast.round);
    char *block = fi_heap_pop_from(&f->own_lists[size_class]);
    if (FI_UNLIKELY(block == NULL) && (block = fi_heap_refill(f, size_class)) == NULL)
        return NULL;
    fi_pool *pool = pool_at(block);
    size_t slot_bytes = fi_class_bytes(pool->size_class);
    if (FI_UNLIKELY(!holds(f, pool, block))) {
        give_back(f, size_class, block);
        return NULL;
    }
    unsigned index;
    fi_record *r = record_at(f, pool, block, &index);
    /* A write, before the first read: the system then gives the page once, not twice. */
    fi_store_relaxed(&r->freed_by, FIEF_ID_NONE);
    check_link(f, size_class, block, slot_bytes, r);
    expect(f, f->own_lists[size_class]);
    if (FI_LIKELY(slot_bytes - size <= 2 * FI_FENCE_BYTES))
        draw_fences(block, size, slot_bytes, r, index);
    else
        draw_long_fence(f, block, size);
    memset(block, FI_FRESH, size);
    write_record(f, r, size, site);
    return block;
}

/* ---- free ---- */

bool fi_quick_find(const fief *f, void *p, fi_spot *spot) {
    fi_pool *pool = pool_at(p);
    if (f->own_lists == NULL || !holds(f, pool, p))
        return false;
    spot->pool = pool;
    spot->record = record_at(f, pool, p, &spot->index);
    spot->block = p;
    spot->slot_bytes = fi_class_bytes(pool->size_class);
    spot->fence_bytes = FI_FENCE_BYTES;
    return FI_LIKELY(fi_record_state_of(spot->record) == FI_RECORD_LIVE);
}

bool fi_quick_free(fief *f, void *p, size_t said, const void *site) {
    fi_spot spot;
    if (!f->debug->fills || !fi_quick_find(f, p, &spot))
        return false;
    fi_record *r = spot.record;
    size_t size = r->size;
    bool as_said = (said == FI_ANY_SIZE || said == size) && r->domain == FIEF_DOMAIN_PLAIN;
    if (FI_UNLIKELY(!as_said || !fi_fence_is_plain(&spot, size)))
        return false;
    fi_event_store(&r->freed, fi_event_now(f, site)); /* before the fill: a runtime may find its stack by p */
    fi_store_relaxed(&r->freed_by, f->id);
    memset(p, FI_FREED, size);
    fi_debug_count_out(f, size);
    fi_store_release(&r->state, FI_RECORD_HELD);
    fi_quarantine_hold(f, &spot);
    return true;
}
