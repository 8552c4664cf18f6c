/* Other heaps' blocks that a handle frees, on their way home.
 *
 * A remote free sets a bit in a word of 32 (remote.h), which takes an atomic operation. Blocks that are freed one after
 * another often lie side by side: so a handle that frees others' blocks collects bits for a few words, and sends
 * a word's together, when another word needs the entry, when FI_OUTBOX_MOST blocks have been put in, and whenever it
 * looks at what came home to itself.
 *
 * A block that waits here is still live to its owner: its pool stays what it is. */
#ifndef FI_HEAP_OUTBOX_H
#define FI_HEAP_OUTBOX_H

#include "heap/heap.h"

/* Puts a block in: of a living interpreter other than f, plain and small, at whose start p is. False: nothing was
 * done, and the general path has to look. */
FI_MUST_USE bool fi_outbox_put(fief *f, const void *p);

/* Sends all of it. */
FI_SLOW void fi_outbox_send_all(fief *f);

static inline void fi_outbox_empty(fief *f) {
    if (FI_UNLIKELY(f->outbox.count != 0))
        fi_outbox_send_all(f);
}

#endif
