#include "debug/quarantine.h"

#include "base/check.h"
#include "base/tool.h"
#include "debug/fill.h"
#include "debug/large.h"
#include "debug/links.h"

#include <string.h>

static void tell(fief *f, const fi_spot *spot, const char *operation) {
    size_t size = spot->record->size;
    fi_damage damage = fi_fill_damage(spot->block, FI_FREED, size);
    fi_incident incident = {.kind = FIEF_MISUSE_WRITE_AFTER_FREE,
                            .operation = operation,
                            .pointer = spot->block,
                            .block = spot->block,
                            .block_bytes = size,
                            .owner_slot = f->slot,
                            .owner_id = f->id,
                            .caller = f,
                            .goes_on = true,
                            .damage = damage.first,
                            .damaged_bytes = damage.bytes,
                            .shown = damage.first};
    size_t left = size - (size_t)((const char *)damage.first - spot->block);
    incident.shown_bytes = (unsigned)(left < FI_SHOWN_BYTES ? left : FI_SHOWN_BYTES);
    memcpy(incident.bytes, damage.first, incident.shown_bytes);
    fi_fill(spot->block, FI_FREED, size);
    fi_misuse(&incident);
}

static bool is_intact(fief *f, const fi_spot *spot, const char *operation) {
    if (!f->debug->fills || fi_fill_is_intact(spot->block, FI_FREED, spot->record->size))
        return true;
    tell(f, spot, operation);
    return false;
}

/* Back to the heap. */
static void let_go(fief *f, const fi_spot *spot) {
    fi_store_release(&spot->record->state, FI_RECORD_FREE);
    if (!f->debug->fills)
        fi_tool_reuse(spot->block, spot->slot_bytes);
    if (fi_pool_is_small(spot->pool))
        fi_links_give(f, spot);
    else
        fi_debug_large_free(f, spot);
}

/* Where a reference leads, as far as that can be known without a look at the record. False: to no block of f's. */
static bool find_place(const fief *f, fi_record_ref ref, fi_spot *spot) {
    fi_pool *pool;
    unsigned index;
    if (!fi_record_find(ref, &pool, &index) || pool->arena == NULL || pool->arena->owner != f)
        return false;
    bool large = pool->state == FI_POOL_LARGE || pool->state == FI_POOL_HUGE;
    if (large ? index != 0 : !fi_pool_is_small(pool) || index >= pool->carved)
        return false;
    *spot = fi_spot_of(f, pool, index);
    return true;
}

static bool is_held(const fi_spot *spot) {
    return fi_record_state_of(spot->record) == FI_RECORD_HELD && fi_spot_is_sound(spot);
}

/* What is next to go was not touched for long: it is sent for while the one before it is looked at. */
static void make_oldest(fief *f, fi_record_ref ref) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    quarantine->oldest = ref;
    bool is_place = find_place(f, ref, &quarantine->first);
    FI_ASSERT(is_place);
    __builtin_prefetch(quarantine->first.record, 1);
    __builtin_prefetch(quarantine->first.block, 1);
    __builtin_prefetch(quarantine->first.block + 64, 1);
}

static void release_oldest(fief *f) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    const fi_spot spot = quarantine->first;
    FI_ASSERT(is_held(&spot) && spot.slot_bytes <= quarantine->bytes);
    quarantine->bytes -= spot.slot_bytes;
    if (quarantine->oldest == quarantine->newest)
        quarantine->oldest = quarantine->newest = 0;
    else
        make_oldest(f, spot.record->next);
    is_intact(f, &spot, "a look at freed memory");
    let_go(f, &spot);
}

bool fi_quarantine_drain(fief *f, size_t bytes) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    bool any = quarantine->oldest != 0;
    while (quarantine->bytes > bytes)
        release_oldest(f);
    return any;
}

static void append(fief *f, const fi_spot *spot) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    fi_record_ref ref = fi_record_ref_to(spot->pool, spot->index);
    spot->record->next = 0;
    if (quarantine->oldest == 0) {
        quarantine->oldest = ref;
        quarantine->first = *spot;
    } else if (fi_record_state_of(quarantine->last) == FI_RECORD_HELD) {
        quarantine->last->next = ref;
    }
    quarantine->newest = ref;
    quarantine->last = spot->record;
    quarantine->bytes += spot->slot_bytes;
}

void fi_quarantine_hold(fief *f, const fi_spot *spot) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    append(f, spot);
    if (quarantine->bytes > quarantine->most_bytes)
        fi_quarantine_drain(f, quarantine->most_bytes);
}

bool fi_quarantine_check(fief *f, size_t *wrong) {
    size_t left = f->debug->quarantine.bytes;
    fi_spot spot;
    for (fi_record_ref ref = f->debug->quarantine.oldest; ref != 0; ref = spot.record->next) {
        if (!find_place(f, ref, &spot) || !is_held(&spot) || spot.slot_bytes > left)
            return false;
        left -= spot.slot_bytes;
        *wrong += !is_intact(f, &spot, "fief_check");
    }
    return left == 0;
}
