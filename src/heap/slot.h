/* What others may know of an interpreter without its lock, and after its end.
 *
 * Slots are handed out by the registry (interp/registry.h) and reused, oldest first, but never unmapped: a slot may
 * be read at any time, and `id` tells whose it is. */
#ifndef FI_HEAP_SLOT_H
#define FI_HEAP_SLOT_H

#include "fief/fief.h"

#include <assert.h>

enum { FI_NAME_BYTES = 64 };

typedef struct fi_slot {
    /* Written by those who free this interpreter's blocks. */
    uint64_t remote_summary; /* bit i: an arena whose index is i mod 64 has remote frees */
    uint64_t foreign_in;
    uint64_t late_in;        /* late frees since the slot was taken; the first is reported */
    struct fi_slot *last_sender; /* who freed one of its blocks with a handle last, for reports that come later */
    uint64_t unused[4];

    /* Written by the registry; constant while the interpreter lives, and after its end until the slot is reused. */
    fief_id id;              /* FIEF_ID_NONE while the fields below change */
    fief *heap;              /* NULL once the interpreter is closing */
    fief_report_fn *report;
    void *report_arg;
    uint8_t on_misuse;       /* fief_misuse_policy */
    uint8_t state;           /* fief_state */
    char name[FI_NAME_BYTES];

    /* The registry's own. */
    uint32_t number;
    uint32_t next;           /* in the chain of an id's bucket, or in the queue of free slots */
} fi_slot;

/* Who an interpreter is, copied out of its slot. */
typedef struct fi_identity {
    fief_id id;
    fief_state state;
    fief_misuse_policy on_misuse;
    fief_report_fn *report;
    void *report_arg;
    char name[FI_NAME_BYTES];
} fi_identity;

/* Of interpreter `id`, living or ended, as far as `slot` still knows it; NULL slot: nobody. Any thread. */
fi_identity fi_slot_identify(const fi_slot *slot, fief_id id);

static_assert(offsetof(fi_slot, id) == 64, "what others write shares no cache line with what they only read");

#endif
