/* The common case of a watched heap, by itself: small blocks, where the map has the entries of their own address.
 * It does what blocks.c does, in a third of the instructions; whatever is not common it leaves alone. */
#ifndef FI_DEBUG_QUICK_H
#define FI_DEBUG_QUICK_H

#include "debug/fence.h"
#include "debug/state.h"

/* NULL: it is for blocks.c. The block's tag is none, its domain the plain one. */
void *fi_quick_alloc(fief *f, size_t size, const void *site);

/* `size` may be FI_ANY_SIZE. False: it is for blocks.c, or misuse. */
bool fi_quick_free(fief *f, void *p, size_t size, const void *site);

/* The live block at p. False: it is something else, or misuse. */
bool fi_quick_find(const fief *f, void *p, fi_spot *spot);

#endif
