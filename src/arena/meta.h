/* Small allocations of fief itself that outgrow a handle: tables of arenas, at-exit callbacks.
 *
 * Process-wide, by powers of two, never given back to the system; never on a path that a limit or a fast list
 * sees. */
#ifndef FI_ARENA_META_H
#define FI_ARENA_META_H

#include <stddef.h>

/* Zeroed memory, NULL on exhaustion. Any thread. */
void *fi_meta_alloc(size_t bytes);

/* `bytes` as it was allocated; p may be NULL. */
void fi_meta_free(void *p, size_t bytes);

#endif
