/* Other heaps' blocks that a handle frees, on their way home.
 *
 * A remote free sets a bit in a word of 32 (remote.h), which takes an atomic operation. Blocks that are freed one
 * after another often lie side by side: so a handle that frees others' blocks collects bits by word, and sends a
 * word's together: when another word needs its entry, when FI_OUTBOX_MOST blocks have been put in, and whenever
 * the handle looks at what came home to itself.
 *
 * A block that waits here is still live to its owner: its pool stays what it is. */
#ifndef FI_HEAP_OUTBOX_H
#define FI_HEAP_OUTBOX_H

#include "heap/heap.h"

enum {
    FI_OUTBOX_WORDS = 64, /* so many that two of a batch seldom meet */
    FI_OUTBOX_MOST = 64
};

/* One word's. */
struct fi_outgoing {
    uint64_t *word;
    uint32_t generation;
    uint32_t bits; /* 0: it is empty, and the others mean nothing */
};

/* Makes room for it, if there is none yet. False: exhaustion. */
bool fi_outbox_begin(fief *f);

/* Puts a block in, if there is room: of a living interpreter other than f, plain and small, at whose start p is.
 * False: nothing was done, and the general path has to look. */
FI_MUST_USE bool fi_outbox_put(fief *f, const void *p);

/* Sends all of it. */
FI_SLOW void fi_outbox_send_all(fief *f);

/* The same, and gives up its memory. */
void fi_outbox_end(fief *f);

static inline void fi_outbox_empty(fief *f) {
    if (FI_UNLIKELY(f->outbox.count != 0))
        fi_outbox_send_all(f);
}

#endif
