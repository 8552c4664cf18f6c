#include "debug/fence.h"

#include "base/check.h"
#include "heap/pools.h"

#include <string.h>

enum { NEAR_BYTES = 64 }; /* of a long fence, behind the block's end */

fi_spot fi_spot_at(const fief *f, char *block) {
    fi_pool *pool = fi_heap_pool_of(f, block);
    FI_ASSERT(pool != NULL && fi_pool_is_small(pool));
    size_t offset = (size_t)(block - fi_pool_start(pool, f));
    return fi_spot_of(f, pool, (unsigned)fi_class_divide(pool->size_class, offset));
}

/* ---- drawing ---- */

static char *slot_end(const fi_spot *spot) {
    return spot->block + spot->slot_bytes;
}

/* What is looked at of the fence behind a block: its first bytes, and its last if there is more. */
static size_t near_bytes(const fi_spot *spot, size_t size) {
    size_t fence = spot->slot_bytes - size;
    return fence <= NEAR_BYTES + FI_FENCE_BYTES ? fence : NEAR_BYTES;
}

void fi_fence_draw_end(const fi_spot *spot, size_t size) {
    size_t fence = spot->slot_bytes - size;
    if (FI_LIKELY(fence >= FI_FENCE_BYTES && fence <= 2 * FI_FENCE_BYTES)) {
        fi_fence_put(spot->block + size);
        fi_fence_put(slot_end(spot) - FI_FENCE_BYTES);
        return;
    }
    size_t near = near_bytes(spot, size);
    memset(spot->block + size, FI_FENCE, near);
    if (size + near < spot->slot_bytes)
        memset(slot_end(spot) - FI_FENCE_BYTES, FI_FENCE, FI_FENCE_BYTES);
}

/* Whether the slot before has drawn the fence that this block has before it. */
static bool has_neighbour(const fi_spot *spot) {
    if (!fi_pool_is_small(spot->pool))
        return false;
    bool was_used = fi_record_state_of(spot->record) != FI_RECORD_NONE; /* it had one before, then */
    return was_used || (spot->index > 0 && fi_record_state_of(spot->record - 1) != FI_RECORD_NONE);
}

void fi_fence_draw(const fi_spot *spot, size_t size) {
    if (!has_neighbour(spot))
        fi_fence_put(spot->block - FI_FENCE_BYTES);
    fi_fence_draw_end(spot, size);
}

/* ---- looking ---- */

static fi_damage look_at_end(const fi_spot *spot, size_t size) {
    size_t near = near_bytes(spot, size);
    fi_damage damage = fi_fill_damage(spot->block + size, FI_FENCE, near);
    if (size + near < spot->slot_bytes) {
        fi_damage far = fi_fill_damage(slot_end(spot) - FI_FENCE_BYTES, FI_FENCE, FI_FENCE_BYTES);
        damage.first = damage.first != NULL ? damage.first : far.first;
        damage.last = far.last != NULL ? far.last : damage.last;
        damage.bytes += far.bytes;
    }
    return damage;
}

static bool end_is_intact(const fi_spot *spot, size_t size) {
    size_t near = near_bytes(spot, size);
    return fi_fill_is_intact(spot->block + size, FI_FENCE, near) &&
           (size + near == spot->slot_bytes ||
            fi_fill_is_intact(slot_end(spot) - FI_FENCE_BYTES, FI_FENCE, FI_FENCE_BYTES));
}

/* Memory around the damage, copied while it is there. */
static void show(fi_incident *incident, const fi_damage *damage, const char *from, const char *end) {
    const char *start = (const char *)damage->first - FI_SHOWN_BYTES / 4;
    start = start < from ? from : start;
    size_t bytes = (size_t)(end - start);
    incident->shown_bytes = (unsigned)(bytes < FI_SHOWN_BYTES ? bytes : FI_SHOWN_BYTES);
    incident->shown = start;
    memcpy(incident->bytes, start, incident->shown_bytes);
    incident->damage = damage->first;
    incident->damaged_bytes = damage->bytes;
}

/* The fence is mended where that is possible, so that it is told once. Between the first and the last changed byte
 * there is nothing else.
 */
static void tell(fief *f, fief_misuse kind, const fi_spot *spot, const fi_damage *damage, bool likely,
                 const fi_release *how) {
    fi_incident incident = {.kind = kind,
                            .operation = how->operation,
                            .pointer = spot->block,
                            .block = spot->block,
                            .block_bytes = spot->record->size,
                            .owner_slot = f->slot,
                            .owner_id = f->id,
                            .caller = f,
                            .site = how->site,
                            .goes_on = true,
                            .likely = likely};
    show(&incident, damage, spot->block - spot->fence_bytes, slot_end(spot));
    if (!fi_heap_is_frozen(f))
        memset((void *)(uintptr_t)damage->first, FI_FENCE, (size_t)(damage->last - damage->first) + 1);
    fi_misuse(&incident);
}

static bool is_known(const fi_spot *spot) {
    fi_record_state state = fi_record_state_of(spot->record);
    return (state == FI_RECORD_LIVE || state == FI_RECORD_SENT || state == FI_RECORD_HELD) &&
           fi_spot_is_sound(spot); /* else it is not to be trusted */
}

static bool has_next(const fief *f, const fi_spot *spot, fi_spot *next) {
    if (!fi_pool_is_small(spot->pool) || spot->index + 1 >= spot->pool->carved)
        return false;
    *next = fi_spot_of(f, spot->pool, spot->index + 1);
    return is_known(next);
}

/* The fence between a block and the one behind it. Damage that begins at the block's end has run over it. Damage
 * that leaves some bytes there alone, and reaches the fence's other end, has come from behind. */
static bool check_end(fief *f, const fi_spot *spot, const fi_release *how) {
    size_t size = spot->record->size;
    if (end_is_intact(spot, size))
        return true;
    fi_damage damage = look_at_end(spot, size);
    bool touches_end = (const char *)damage.first == spot->block + size;
    bool touches_next = (const char *)damage.last == slot_end(spot) - 1;
    fi_spot next;
    if (!touches_end && touches_next && has_next(f, spot, &next))
        tell(f, FIEF_MISUSE_UNDERFLOW, &next, &damage, false, how);
    else
        tell(f, FIEF_MISUSE_OVERFLOW, spot, &damage, touches_next || !touches_end, how);
    return false;
}

static bool check_start(fief *f, const fi_spot *spot, const fi_release *how) {
    char *fence = spot->block - spot->fence_bytes;
    if (fi_fill_is_intact(fence, FI_FENCE, spot->fence_bytes))
        return true;
    if (spot->index > 0 && fi_pool_is_small(spot->pool)) {
        fi_spot before = fi_spot_of(f, spot->pool, spot->index - 1);
        if (is_known(&before))
            return check_end(f, &before, how);
    }
    fi_damage damage = fi_fill_damage(fence, FI_FENCE, spot->fence_bytes);
    tell(f, FIEF_MISUSE_UNDERFLOW, spot, &damage, spot->index > 0, how);
    return false;
}

unsigned fi_fence_check(fief *f, const fi_spot *spot, const fi_release *how) {
    unsigned wrong = !check_start(f, spot, how);
    return wrong + !check_end(f, spot, how);
}
