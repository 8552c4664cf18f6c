/* The slow half of free, and what becomes of other interpreters' blocks. */
#ifndef FI_HEAP_FREE_H
#define FI_HEAP_FREE_H

#include "heap/watch.h"

/* Whatever the fast path did not take: NULL, large blocks, other interpreters' blocks, misuse. f NULL: a
 * sanctioned remote free. */
FI_SLOW void fi_heap_free_slow(fief *f, void *p, const char *operation, const void *site);

/* A free of a block that is f's or somebody else's, either of which is right: what neither the fast path nor the
 * outbox took. */
FI_SLOW void fi_heap_free_home_slow(fief *f, void *p, const void *site);

/* As fi_heap_free_slow, for a verb that says more of the block than where it is. */
void fi_heap_free_found(fief *f, void *p, const fi_release *how);

/* An interpreter's own handle met another one's block: counts, tells, and says whether the call may go on by its
 * on_foreign. `verdict` is what is told if it does. */
bool fi_heap_meet_foreign(fief *f, const fi_found *found, const fi_incident *incident, const char *verdict);

/* An address at which f, or with f NULL somebody, may not free or resize: a late free, or misuse. */
void fi_heap_blame(fief *f, fi_found *found, const fi_incident *incident);

/* What was found is another's, who is closing or dead, or was when it was looked at. */
bool fi_found_is_late(const fief *f, const fi_found *found);

/* Late frees of the whole process. */
uint64_t fi_heap_late_frees(void);

/* Sends a foreign block home. False: it was free already, or its owner has ended; that has been told. */
bool fi_heap_send_home(fief *f, fi_found *found, fi_incident incident);

#endif
