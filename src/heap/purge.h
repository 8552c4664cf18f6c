/* Free memory that the system has not got back yet: how much of it a heap keeps, and for how long.
 *
 * A heap that breathes, as one with a collector does, keeps what it frees and pays for no page twice. It gives
 * back
 *   - at once, what is beyond three times the memory in use, and from then on, while it goes on shrinking, what is
 *     beyond an eighth;
 *   - in time, what has been free for a second or two (looked at now and then, when pools close);
 *   - everything, when it is asked to (fief_trim). */
#ifndef FI_HEAP_PURGE_H
#define FI_HEAP_PURGE_H

#include "heap/heap.h"

/* Memory was freed: looks whether some must go. */
void fi_heap_settle(fief *f);

/* Gives back all of it. */
void fi_heap_purge(fief *f);

#endif
