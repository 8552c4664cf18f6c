/* The store of stacks: each is kept once, and known by a number from then on.
 *
 * One store for the process, in memory straight from the system; what is in it stays, and never changes. Any
 * thread puts and gets, without a lock: a fork or a signal may come between any two instructions. Where the store
 * is full, or the system gives no memory, a put gives 0. */
#ifndef FI_TRACE_DEPOT_H
#define FI_TRACE_DEPOT_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FI_DEPOT_MOST_FRAMES = 64,
    FI_DEPOT_MOST_TEXT_BYTES = 512,
    FI_DEPOT_BYTES = 256 << 20 /* of address space: room for more than a million stacks */
};

/* What a number stands for. Both parts lie in the store, and may be read for ever. */
typedef struct fi_stack {
    const uintptr_t *pcs; /* return addresses, innermost first */
    size_t count;
    const char *text; /* a runtime's own frames, one a line; no 0 at the end */
    size_t text_bytes;
} fi_stack;

/* The number of a stack; 0 for an empty one. More frames than the most are cut. */
FI_MUST_USE uint32_t fi_depot_put(const uintptr_t *pcs, size_t count);

/* The number of a stack that has `text` in front; `stack` may be 0, and is the answer where text is empty. A text
 * that is too long is cut. Where there is no room for the text, the stack alone. */
FI_MUST_USE uint32_t fi_depot_put_text(uint32_t stack, const char *text, size_t bytes);

/* False: `number` is none of the store's. It may be garbage. */
bool fi_depot_get(uint32_t number, fi_stack *out);

/* Bytes of the store that are taken, the table of its buckets included. */
size_t fi_depot_used_bytes(void);

#endif
