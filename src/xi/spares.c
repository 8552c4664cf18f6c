#include "xi/spares.h"

#include "base/lock.h"
#include "interp/commons.h"
#include "xi/calls.h"

enum { MOST_CHAINS = 128 };

/* Full chains, linked by the `arg` of their first. Under FI_RANK_SPARES. */
static fi_call *chains;
static uint32_t chain_count;

/* ---- the shared place ---- */

static fi_call *take_chain(void) {
    fi_lock(FI_RANK_SPARES);
    fi_call *chain = chains;
    if (chain != NULL) {
        chains = chain->arg;
        chain_count--;
    }
    fi_unlock(FI_RANK_SPARES);
    return chain;
}

static void free_chain(fi_call *chain) {
    void *calls[FI_SPARE_CHAIN];
    size_t count = 0;
    for (; chain != NULL; chain = chain->next)
        calls[count++] = chain;
    fi_commons_free_batch(calls, count);
}

static void give_chain(fi_call *chain) {
    fi_lock(FI_RANK_SPARES);
    bool kept = chain_count < MOST_CHAINS;
    if (kept) {
        chain->arg = chains;
        chains = chain;
        chain_count++;
    }
    fi_unlock(FI_RANK_SPARES);
    if (!kept)
        free_chain(chain);
}

void fi_spares_trim(void) {
    for (fi_call *chain; (chain = take_chain()) != NULL;)
        free_chain(chain);
}

/* ---- an interpreter's ---- */

static uint32_t make_chain(fi_call **chain) {
    void *calls[FI_SPARE_CHAIN];
    size_t count = fi_commons_alloc_batch(sizeof(fi_call), calls, FI_SPARE_CHAIN);
    *chain = NULL;
    for (size_t i = 0; i < count; i++) {
        fi_call *call = calls[i];
        call->next = *chain;
        *chain = call;
    }
    return (uint32_t)count;
}

static void refill(fi_spares *spares) {
    spares->first = spares->full != NULL ? spares->full : take_chain();
    spares->full = NULL;
    spares->count = spares->first != NULL ? FI_SPARE_CHAIN : make_chain(&spares->first);
}

fi_call *fi_spares_take(fi_spares *spares) {
    if (spares->count == 0)
        refill(spares);
    if (spares->count == 0)
        return NULL;
    fi_call *call = spares->first;
    spares->first = call->next;
    spares->count--;
    return call;
}

void fi_spares_give(fi_spares *spares, fi_call *call) {
    if (spares->count == FI_SPARE_CHAIN) {
        if (spares->full != NULL)
            give_chain(spares->full);
        spares->full = spares->first;
        spares->first = NULL;
        spares->count = 0;
    }
    call->next = spares->first;
    spares->first = call;
    spares->count++;
}

void fi_spares_leave(fi_spares *spares) {
    free_chain(spares->first);
    if (spares->full != NULL)
        give_chain(spares->full);
    *spares = (fi_spares){0};
}
