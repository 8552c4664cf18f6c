#include "heap/free.h"

#include "base/atomics.h"
#include "heap/immortal.h"
#include "heap/large.h"
#include "heap/outbox.h"
#include "heap/pools.h"
#include "heap/remote.h"

#include <stdlib.h>

/* Late frees of the whole process, for fief_leaks_read. */
static uint64_t late_frees;

uint64_t fi_heap_late_frees(void) {
    return fi_load_relaxed(&late_frees);
}

bool fi_found_is_late(const fief *f, const fi_found *found) {
    return !fi_found_is_own(f, found) && found->owner_id != FIEF_ID_NONE && found->owner_state != FIEF_LIVE;
}

/* Reported once for each interpreter that ended; of those that are forgotten, once for every 64 of them. */
static bool is_late_news(const fi_found *found) {
    static uint64_t told_forgotten;
    if (found->slot != NULL && fi_load_acquire(&found->slot->id) == found->owner_id)
        return fi_add_relaxed(&found->slot->late_in, 1) == 0;
    uint64_t bit = UINT64_C(1) << (found->owner_id % 64);
    return (fi_or_acq_rel(&told_forgotten, bit) & bit) == 0;
}

static void meet_late(fief *f, const fi_found *found, const fi_incident *incident) {
    fi_incident late = *incident;
    late.kind = FIEF_MISUSE_LATE_FREE;
    fi_add_relaxed(&late_frees, 1);
    if (f != NULL)
        f->count.late_out++;
    fief_policy policy = f != NULL ? (fief_policy)f->policies[FIEF_MISUSE_LATE_FREE] : FIEF_POLICY_DEFAULT;
    bool hushed = !is_late_news(found) && policy != FIEF_POLICY_REPORT;
    if (policy == FIEF_POLICY_IGNORE)
        return;
    fi_misuse_tell(&late, policy == FIEF_POLICY_ABORT ? "abort" : "the block stays dead", hushed);
    if (policy == FIEF_POLICY_ABORT)
        abort();
}

/* The first of each pair is written to stderr (64 pairs a caller, told apart by the owner's id modulo 64); a
 * callback gets all. */
static bool is_news(fief *f, fief_id owner) {
    uint64_t bit = UINT64_C(1) << (owner % 64);
    bool news = (f->told_foreign & bit) == 0;
    f->told_foreign |= bit;
    return news;
}

/* What becomes of a foreign block: by the policy for its kind, or by on_foreign. */
static fief_policy foreign_policy(const fief *f, fief_misuse kind) {
    static const fief_policy by_default[] = {[FIEF_FOREIGN_ROUTE] = FIEF_POLICY_ROUTE,
                                             [FIEF_FOREIGN_ABORT] = FIEF_POLICY_ABORT,
                                             [FIEF_FOREIGN_IGNORE] = FIEF_POLICY_REPORT};
    return f->policies[kind] != FIEF_POLICY_DEFAULT ? (fief_policy)f->policies[kind] : by_default[f->on_foreign];
}

bool fi_heap_meet_foreign(fief *f, const fi_found *found, const fi_incident *incident, const char *verdict) {
    f->count.foreign_out++;
    fi_add_relaxed(&found->slot->foreign_in, 1);
    fi_store_relaxed(&found->slot->last_sender, f->slot);
    switch (foreign_policy(f, incident->kind)) {
    case FIEF_POLICY_ABORT:
        fi_misuse_tell(incident, "abort", false);
        abort();
    case FIEF_POLICY_REPORT:
        fi_misuse_tell(incident, "the call does nothing", !is_news(f, found->owner_id));
        return false;
    case FIEF_POLICY_IGNORE:
        return false;
    case FIEF_POLICY_DEFAULT:
    case FIEF_POLICY_ROUTE:
        break;
    }
    fi_misuse_tell(incident, verdict, !is_news(f, found->owner_id));
    return true;
}

/* What looks like misuse may be a free that the owner's end has overtaken. */
void fi_heap_blame(fief *f, fi_found *found, const fi_incident *incident) {
    fi_found_look_again(found);
    if (fi_found_is_late(f, found))
        meet_late(f, found, incident);
    else
        fi_misuse(incident);
}

bool fi_heap_send_home(fief *f, fi_found *found, fi_incident incident) {
    bool watched = fi_found_is_watched(found);
    if (watched && !fi_the_watch.claim(found, f != NULL ? f->id : FIEF_ID_NONE, incident.site)) {
        incident.kind = FIEF_MISUSE_DOUBLE_FREE;
        fi_heap_blame(f, found, &incident);
        return false;
    }
    switch (fi_remote_send(found->arena, found->pool, &found->view, found->index)) {
    case FI_REMOTE_TWICE:
        incident.kind = FIEF_MISUSE_DOUBLE_FREE;
        fi_heap_blame(f, found, &incident);
        return false;
    case FI_REMOTE_LATE:
        meet_late(f, found, &incident);
        return false;
    case FI_REMOTE_SENT:
        break;
    }
    return true;
}

static void free_own(fief *f, const fi_found *found, fi_incident incident, const fi_release *how) {
    if (f->debug != NULL && fi_the_watch.free(f, found, how))
        return;
    if (fi_found_is_free(f, found)) {
        incident.kind = FIEF_MISUSE_DOUBLE_FREE;
        fi_misuse(&incident);
    } else if (fi_pool_is_small(found->pool)) {
        fi_heap_take_back(f, found->pool, (fi_block *)(void *)found->block);
    } else {
        fi_large_free(f, found->pool);
    }
}

void fi_heap_free_found(fief *f, void *p, const fi_release *how) {
    if (f != NULL && !fi_misuse_check_handle(f, how->operation))
        return;
    fi_found found = fi_find(p);
    fi_incident incident = fi_found_incident(&found, p, f, how->operation);
    incident.site = how->site;
    if (found.place != FI_PLACE_BLOCK || fi_found_is_late(f, &found)) {
        fi_heap_blame(f, &found, &incident);
    } else if (fi_found_is_immortal(&found)) {
        fi_immortal_meet(f, &found, &incident, "the block stays");
    } else if (fi_found_is_own(f, &found)) {
        free_own(f, &found, incident, how);
    } else if (f == NULL) {
        fi_heap_send_home(f, &found, incident);
    } else {
        incident.kind = found.is_free ? FIEF_MISUSE_DOUBLE_FREE : FIEF_MISUSE_FOREIGN_FREE;
        if (found.is_free)
            fi_heap_blame(f, &found, &incident);
        else if (fi_heap_meet_foreign(f, &found, &incident, "the block goes home to its owner"))
            fi_heap_send_home(f, &found, incident);
    }
}

void fi_heap_free_slow(fief *f, void *p, const char *operation, const void *site) {
    if (p == NULL)
        return;
    fi_pool *large = f != NULL ? fi_find_own_large(f, p) : NULL;
    if (large != NULL)
        fi_large_free(f, large);
    else if (f == NULL || f->debug == NULL || !fi_the_watch.free_at(f, p, FI_ANY_SIZE, operation, site))
        fi_heap_free_found(f, p, &FI_RELEASE(operation, site));
}

/* Another's, but not plain: watched, immortal, freed before. */
static bool is_anothers(const fief *f, const void *p) {
    const fi_arena *arena = fi_map_find(p);
    const void *owner = arena != NULL ? fi_load_acquire(&arena->owner) : NULL;
    return owner != NULL && owner != f;
}

void fi_heap_free_home_slow(fief *f, void *p, const void *site) {
    if (p == NULL)
        return;
    if (f->outbox.words == NULL && fi_outbox_begin(f) && fi_outbox_put(f, p))
        return;
    fi_outbox_empty(f);
    fi_heap_free_slow(is_anothers(f, p) ? NULL : f, p, "fief_free_home", site);
}
