/* What a program did wrong: told, then handled by policy. */
#ifndef FI_HEAP_MISUSE_H
#define FI_HEAP_MISUSE_H

#include "fief/debug.h"
#include "heap/heap.h"
#include "heap/tracer.h"

enum { FI_SHOWN_BYTES = 16 }; /* of memory around damage */

/* All that is known of one misuse; what is not known is 0. */
typedef struct fi_incident {
    fief_misuse kind;
    const char *operation;
    const void *pointer;
    const void *block;
    size_t block_bytes;
    const fi_slot *owner_slot; /* of interpreter owner_id, living or ended; NULL: nobody's */
    fief_id owner_id;
    fief *caller;                  /* NULL: a verb without a handle */
    const fi_slot *caller_slot;    /* where the handle is not known, but who it was */
    const void *site;              /* where the verb returns to */
    const struct fi_registers *at; /* of a fault; NULL: the stack is this one */
    bool goes_on;                  /* if the program does, so does the call; else it does nothing */
    bool likely;                   /* what is told is likely, not certain */

    const void *damage; /* the first changed byte */
    size_t damaged_bytes;
    const void *shown;                   /* where `bytes` were copied from */
    unsigned char bytes[FI_SHOWN_BYTES]; /* what is there */
    unsigned shown_bytes;
    uint64_t other_thread; /* who is inside the handle, too */
    const char *other_operation;
    const char *told; /* what is wrong, where the kind does not say it, or the given domain; NULL: it does */
    size_t given;     /* the wrong size, alignment or domain */
} fi_incident;

/* What a debug level has recorded of a block. */
typedef struct fi_details {
    bool known;
    bool freed;
    const void *block; /* of an ended interpreter's */
    size_t requested_size;
    size_t slot_bytes; /* with its guards */
    uint64_t serial;
    uint64_t age_ms, free_age_ms;
    uint64_t alloc_thread, free_thread;
    fi_trace alloc_trace, free_trace;
    fief_id freed_by;
    size_t alignment;
    const char *tag, *domain; /* "" if there is none */
} fi_details;

/* Hands a report to the caller's callback, else to the owner's, else to stderr (unless `hushed`). */
FI_COLD void fi_misuse_tell(const fi_incident *told, const char *verdict, bool hushed);

/* Counts a misuse and follows the caller's policy for its kind, or the owner's where there is no caller: tells and
 * aborts, or returns. */
FI_COLD void fi_misuse(const fi_incident *incident);

/* The same, but the caller does what follows: true if the policy is to end the program, told as
 * `fatal_verdict`. */
FI_COLD bool fi_misuse_is_fatal(const fi_incident *incident, const char *fatal_verdict);

/* True if the handle lives, or runs its at-exit callbacks. Else a misuse. */
static inline bool fi_misuse_check_handle(fief *f, const char *operation);
FI_COLD bool fi_misuse_dead_handle(fief *f, const char *operation);

static inline bool fi_misuse_check_handle(fief *f, const char *operation) {
    return FI_LIKELY(f->state != FIEF_DEAD) || fi_misuse_dead_handle(f, operation);
}

/* The first block of a class's list is not as it was freed. The list is given up, as far as it can't be trusted.
 */
FI_COLD void fi_misuse_written_after_free(fief *f, unsigned size_class);

/* The list of a pool's free blocks leads nowhere behind `last`, whose link was written to. */
FI_COLD void fi_misuse_list_cut(fief *f, const fi_pool *pool, const fi_block *last);

/* A block that another freed, and that was free. */
FI_COLD void fi_misuse_came_home_free(fief *f, const fi_pool *pool, const fi_block *block);

#endif
