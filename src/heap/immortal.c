#include "heap/immortal.h"

#include "heap/arenas.h"
#include "heap/freeze.h"
#include "heap/visit.h"

#include <stdlib.h>

/* ---- beginning and end ---- */

void fi_immortal_begin(fief *f) {
    const fi_pool *first = fi_heap_take_granule(f, false);
    FI_ASSERT(first != NULL && fi_map_address(first) == (char *)f);
    f->immortal = true;
    f->frozen_failures = 0;
    f->on_leak = f->on_leak == FIEF_LEAK_KEEP ? FIEF_LEAK_KEEP : FI_LEAK_FORGIVEN;
    fi_heap_close_fast_path(f);
    fi_store_relaxed(&f->slot->immortal_in, 0);
    fi_store_release(&f->slot->watched, (uint8_t)(f->slot->watched | FI_SLOT_IMMORTAL));
}

void fi_immortal_end(fief *f) {
    FI_ASSERT(f->immortal && !fi_heap_is_frozen(f));
    fi_heap_give_run(f, fi_map_pools(f->arenas[0]), 1, 0);
    f->immortal = false;
}

/* ---- freezing ---- */

/* When src/debug is to be asked next, without frost. */
static uint64_t usual_attention(const fief *f) {
    if (f->own_lists != NULL)
        return 0;
    return f->debug != NULL ? f->count.listed : UINT64_MAX;
}

fief_status fi_immortal_freeze(fief *f) {
    if (!f->immortal || f->state != FIEF_LIVE || (f->obstacles & FI_IN_PRESSURE) != 0)
        return FIEF_BAD_STATE;
    if (!fi_heap_is_frozen(f))
        fi_heap_trim(f); /* all free blocks go to their pools, and are not written to from then on */
    f->obstacles |= FI_FROZEN;
    f->attention_at = 0;
    if (fi_heap_freeze(f, true))
        return FIEF_OK;
    (void)fi_immortal_thaw(f);
    return FIEF_NO_MEMORY;
}

fief_status fi_immortal_thaw(fief *f) {
    if (!f->immortal)
        return FIEF_BAD_STATE;
    if (!fi_heap_is_frozen(f))
        return FIEF_OK;
    if (!fi_heap_freeze(f, false))
        return FIEF_NO_MEMORY;
    f->obstacles &= (uint8_t)~FI_FROZEN;
    f->attention_at = usual_attention(f);
    return FIEF_OK;
}

void *fi_immortal_refuse(fief *f) {
    f->frozen_failures++;
    return NULL;
}

/* ---- looking ---- */

/* The slot may be another's by the time it is read. */
bool fi_immortal_holds(const void *p) {
    const fi_arena *arena = fi_map_find(p);
    const fi_slot *slot = arena != NULL ? fi_owner_slot(arena) : NULL;
    if (slot == NULL || fi_load_acquire(&arena->owner) == NULL ||
        (fi_load_acquire(&slot->watched) & FI_SLOT_IMMORTAL) == 0)
        return false;
    return fi_load_acquire(&slot->id) == fi_load_relaxed(&arena->owner_id);
}

/* ---- frees that are none ---- */

static fief_policy policy_of(const fief *f, const fi_slot *owner) {
    const uint8_t *policies = f != NULL ? f->policies : owner->policies;
    fief_policy policy = (fief_policy)fi_load_relaxed(&policies[FIEF_MISUSE_IMMORTAL_FREE]);
    return policy != FIEF_POLICY_DEFAULT ? policy : FIEF_POLICY_IGNORE;
}

FI_COLD static void tell(const fi_incident *met, fief_policy policy, const char *verdict) {
    fi_incident incident = *met;
    incident.kind = FIEF_MISUSE_IMMORTAL_FREE;
    fi_misuse_tell(&incident, policy == FIEF_POLICY_ABORT ? "abort" : verdict, false);
    if (policy == FIEF_POLICY_ABORT)
        abort();
}

/* The caller's own count: a line that all callers write to would be the slowest thing here. */
void fi_immortal_meet(fief *f, const fi_found *found, const fi_incident *met, const char *verdict) {
    if (f != NULL)
        f->count.immortal_frees++;
    else
        fi_add_relaxed(&found->slot->immortal_in, 1);
    fief_policy policy = policy_of(f, found->slot);
    if (FI_UNLIKELY(policy != FIEF_POLICY_IGNORE))
        tell(met, policy, verdict);
}
