#include "heap/slot.h"

#include "base/atomics.h"

/* The name is copied word by word: the slot may be changing hands meanwhile, which the second look at `id` tells.
 */
fi_identity fi_slot_identify(const fi_slot *slot, fief_id id) {
    fi_identity who = {.id = id, .state = FIEF_DEAD};
    if (slot == NULL || fi_load_acquire(&slot->id) != id)
        return who;
    fi_identity known = {.id = id,
                         .state = (fief_state)fi_load_acquire(&slot->state),
                         .on_misuse = (fief_misuse_policy)fi_load_acquire(&slot->on_misuse),
                         .report = fi_load_acquire(&slot->report),
                         .report_arg = fi_load_acquire(&slot->report_arg)};
    for (unsigned i = 0; i < FI_NAME_WORDS; i++)
        known.name.words[i] = fi_load_acquire(&slot->name.words[i]);
    for (unsigned i = 0; i < FIEF_MISUSE_COUNT; i++)
        known.policies[i] = fi_load_acquire(&slot->policies[i]);
    return fi_load_relaxed(&slot->id) == id ? known : who;
}
