/* What others may know of an interpreter without its lock, and after its end.
 *
 * Slots are handed out by the registry (interp/registry.h) and reused, oldest first, but never unmapped: a slot
 * may be read at any time, and `id` tells whose it is. One that was forgotten is zeros: nobody's. */
#ifndef FI_HEAP_SLOT_H
#define FI_HEAP_SLOT_H

#include "base/atomics.h"
#include "fief/fief.h"

#include <assert.h>

enum { FI_NAME_BYTES = 64, FI_NAME_WORDS = FI_NAME_BYTES / 8 };

/* Copied word by word, since it may change under a reader. */
typedef union fi_name {
    char text[FI_NAME_BYTES];
    uint64_t words[FI_NAME_WORDS];
} fi_name;

enum {
    FI_SLOT_LEVEL = 15,   /* bits of a fief_debug: src/debug keeps records of its blocks */
    FI_SLOT_IMMORTAL = 16 /* its blocks are never freed */
};

typedef struct fi_slot {
    /* Set by those who free this interpreter's blocks, read by it at each refill. */
    _Alignas(64) uint64_t remote_summary; /* bit i: an arena whose index is i mod 64 has remote frees */

    /* Written by those who free its blocks when they should not. */
    _Alignas(64) uint64_t foreign_in;
    uint64_t late_in;            /* late frees since the slot was taken; the first is reported */
    struct fi_slot *last_sender; /* who freed one of its blocks with a handle last, for reports that come later */
    uint64_t immortal_in;        /* FI_SLOT_IMMORTAL: frees without a handle, which changed nothing */

    /* What others reach the interpreter by, from the first contact on until it closes (src/xi). */
    struct fi_exchange *exchange;

    /* Written by the registry; constant while the interpreter lives, and after its end until the slot is reused.
     */
    _Alignas(64) fief_id id; /* FIEF_ID_NONE while the fields below change */
    fief *heap;              /* NULL once the interpreter is closing */
    fief_report_fn *report;
    void *report_arg;
    uint8_t on_misuse; /* fief_misuse_policy */
    uint8_t state;     /* fief_state; the interpreter writes it when it begins to close */
    uint8_t watched;   /* what a free by others has to look at: FI_SLOT_LEVEL, FI_SLOT_IMMORTAL */
    uint8_t hidden;    /* 1: no interpreter but a part of one, that nobody finds or calls (interp/subheap.h) */
    uint32_t number;   /* the registry's own */
    fi_name name;

    uint8_t policies[FIEF_POLICY_ROOM]; /* fief_policy, by kind; the interpreter writes them */
} fi_slot;

/* Whether it lives, and nothing is to be told or looked at when others free its blocks. NULL: no. Any thread. */
static inline bool fi_slot_is_plain(const fi_slot *slot) {
    return slot != NULL && fi_load_relaxed(&slot->state) == FIEF_LIVE && fi_load_relaxed(&slot->watched) == 0;
}

/* Who an interpreter is, copied out of its slot. */
typedef struct fi_identity {
    fief_id id;
    fief_state state;
    fief_misuse_policy on_misuse;
    uint8_t policies[FIEF_POLICY_ROOM];
    fief_report_fn *report;
    void *report_arg;
    fi_name name;
} fi_identity;

/* Of interpreter `id`, living or ended, as far as `slot` still knows it; NULL slot: nobody. Any thread. */
fi_identity fi_slot_identify(const fi_slot *slot, fief_id id);

/* The fief_debug that its blocks are watched at. Any thread. */
static inline unsigned fi_slot_level(const fi_slot *slot) {
    return fi_load_relaxed(&slot->watched) & FI_SLOT_LEVEL;
}

static_assert(sizeof(fi_slot) == 256, "four cache lines: what one side writes, the other does not wait for");

#endif
