/* What a program did wrong: told, then handled by policy. */
#ifndef FI_HEAP_MISUSE_H
#define FI_HEAP_MISUSE_H

#include "heap/heap.h"

/* All that is known of one misuse; what is not known is 0. */
typedef struct fi_incident {
    fief_misuse kind;
    const char *operation;
    const void *pointer;
    const void *block;
    size_t block_bytes;
    const fi_slot *owner_slot; /* of interpreter owner_id, living or ended; NULL: nobody's */
    fief_id owner_id;
    fief *caller;               /* NULL: a verb without a handle */
    const fi_slot *caller_slot; /* where the handle is not known, but who it was */
} fi_incident;

/* Hands a report to the caller's callback, else to the owner's, else to stderr (unless `hushed`). */
FI_COLD void fi_misuse_tell(const fi_incident *incident, const char *verdict, bool hushed);

/* Counts a misuse and follows the caller's on_misuse, or the owner's where there is no caller: tells and aborts,
 * or returns. */
FI_COLD void fi_misuse(const fi_incident *incident);

/* True if the handle lives, or runs its at-exit callbacks. Else a misuse. */
static inline bool fi_misuse_check_handle(fief *f, const char *operation);
FI_COLD bool fi_misuse_dead_handle(fief *f, const char *operation);

static inline bool fi_misuse_check_handle(fief *f, const char *operation) {
    return FI_LIKELY(f->state != FIEF_DEAD) || fi_misuse_dead_handle(f, operation);
}

/* The first block of a class's list is not as it was freed. The list is given up, as far as it can't be trusted.
 */
FI_COLD void fi_misuse_written_after_free(fief *f, unsigned size_class);

/* A block that another freed, and that was free. */
FI_COLD void fi_misuse_came_home_free(fief *f, const fi_pool *pool, const fi_block *block);

#endif
