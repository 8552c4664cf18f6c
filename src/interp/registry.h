/* Who there is: ids, slots, and what ended interpreters left. */
#ifndef FI_INTERP_REGISTRY_H
#define FI_INTERP_REGISTRY_H

#include "base/attributes.h"
#include "heap/slot.h"

/* Readies the process on first use; may fail, and be tried again. */
FI_MUST_USE bool fi_registry_ready(void);

/* A slot with a new id, its interpreter not yet to be found. NULL on exhaustion. `hidden`: it is for no
 * interpreter, which is never to be found. Under FI_RANK_PROCESS. */
fi_slot *fi_registry_take(const fief_config *config, bool hidden);

/* From here on fief_find finds it; and from there on it does not, since it is closing. */
void fi_registry_open(fi_slot *slot, fief *f);
void fi_registry_close(fi_slot *slot);

/* The interpreter has ended, or has not come to be (`leak` NULL). The slot rests, and is reused. Under
 * FI_RANK_PROCESS. */
typedef struct fi_leak {
    uint64_t blocks, bytes;
} fi_leak;
void fi_registry_give(fi_slot *slot, const fi_leak *leak);

/* Gives back what the process keeps of ended interpreters: their warm arenas, whose bytes it returns, and what is
 * known of them but for their ids. */
size_t fi_registry_trim(void);

/* NULL if no interpreter of that id lives. */
fief *fi_registry_find(fief_id id);

/* The slot of an interpreter that has not ended; NULL: there is none. Under FI_RANK_PROCESS. */
fi_slot *fi_registry_slot(fief_id id);

void fi_registry_leaks(fief_leaks *out);
void fi_registry_totals(fief_totals *out);

/* In a forked child, before the locks are given back: puts right what other threads left half done. */
void fi_registry_forked(void);

#endif
