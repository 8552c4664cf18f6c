#include "interp/subheap.h"

#include "base/atomics.h"
#include "base/lock.h"
#include "heap/adopt.h"
#include "heap/charge.h"
#include "heap/freeze.h"
#include "heap/watch.h"
#include "interp/life.h"
#include "interp/registry.h"

enum { NOTES_OFFSET = FI_HANDLE_BYTES - FI_SUBHEAP_NOTES_BYTES };
static_assert(sizeof(struct fief) <= NOTES_OFFSET, "the notes fit behind the handle");

fief_status fi_subheap_begin(fief **out, const fief_config *config) {
    fief_config from_system = *config;
    from_system.provider = (fief_provider){NULL, NULL, NULL};
    from_system.provider_extend = NULL;
    from_system.provider_end = NULL;
    *out = NULL;
    if (!fi_limit_is_valid(&config->limit))
        return FIEF_BAD_ARGUMENT;
    fief_status status = fi_life_begin_watched(out, &from_system, true);
    if (status == FIEF_OK)
        (*out)->state = FIEF_CLOSING;
    return status;
}

void *fi_subheap_notes(fief *f) {
    return (char *)f + NOTES_OFFSET;
}

fief *fi_subheap_at(const void *notes) {
    fief *f = (fief *)((uintptr_t)notes - NOTES_OFFSET);
    const fi_arena *arena = fi_map_find(f);
    if (arena == NULL || fi_load_acquire(&arena->owner) != f || fi_load_relaxed(&arena->start) != (char *)f)
        return NULL;
    const fi_slot *slot = fi_owner_slot(arena);
    return slot != NULL && fi_load_relaxed(&slot->hidden) != 0 ? f : NULL;
}

/* ---- sealing ---- */

static bool is_watched(const fief *f) {
    return fi_load_relaxed(&f->slot->watched) != 0;
}

/* Where the system refuses, the pages stay writable. */
void fi_subheap_seal(fief *f) {
    fi_heap_gather(f);
    fi_heap_close_fast_path(f);
    f->state = FIEF_DEAD;
    if (is_watched(f))
        (void)fi_heap_freeze(f, true);
}

static bool thaw(fief *f) {
    return !is_watched(f) || fi_heap_freeze(f, false);
}

bool fi_subheap_unseal(fief *f) {
    if (!thaw(f))
        return false;
    f->state = FIEF_CLOSING;
    if (f->own_lists == NULL)
        fi_heap_open_fast_path(f, f->arenas[0]);
    return true;
}

/* ---- ending ---- */

static void forget_debug(fief *f) {
    if (f->debug != NULL)
        fi_the_watch.end(f);
}

static void retire(fi_slot *slot) {
    fi_registry_close(slot);
    fi_lock(FI_RANK_PROCESS);
    fi_registry_give(slot, NULL);
    fi_unlock(FI_RANK_PROCESS);
}

fief_status fi_subheap_merge(fief *to, fief *f) {
    fi_slot *slot = f->slot;
    bool watched = to->debug != NULL || f->debug != NULL;
    if (to->immortal || (to->zeroed && !f->zeroed) || (watched && !fi_the_watch.may_join(to, f)))
        return FIEF_BAD_STATE;
    if (!thaw(f))
        return FIEF_NO_MEMORY;
    if (!fi_heap_adopt(to, f)) {
        if (is_watched(f))
            (void)fi_heap_freeze(f, true);
        return FIEF_NO_MEMORY;
    }
    if (watched)
        fi_the_watch.join(to, f);
    forget_debug(f);
    retire(slot); /* who finds it ended looks at the arena again, which is the other's already */
    return FIEF_OK;
}

/* What can't be made writable again, although it was tried twice, must not be anybody's memory: it is kept from
 * all, as it is. */
static void open_for_end(fief *f) {
    if (f->state == FIEF_DEAD && !thaw(f) && !thaw(f)) {
        f->on_leak = FIEF_LEAK_KEEP;
        fi_store_relaxed(&f->slot->remote_summary, 0);
    }
    f->state = FIEF_LIVE;
}

void fi_subheap_end(fief *f, bool wanted) {
    if (wanted)
        f->on_leak = FI_LEAK_FORGIVEN;
    if (wanted && f->debug != NULL)
        fi_the_watch.forgive(f);
    open_for_end(f);
    fief_status status = fi_life_end(f);
    FI_ASSERT(status == FIEF_OK); /* nothing of it runs: no callback of its limits, no call */
}
