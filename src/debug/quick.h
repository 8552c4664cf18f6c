/* The common case of a watched heap, by itself: small blocks, where the map has the entries of their own address.
 * It does what blocks.c does, in a third of the instructions; whatever is not common it leaves alone. */
#ifndef FI_DEBUG_QUICK_H
#define FI_DEBUG_QUICK_H

#include "debug/fence.h"
#include "debug/state.h"

/* NULL: it is for blocks.c. */
void *fi_quick_alloc(fief *f, const fi_request *request);

/* False: it is for blocks.c, or misuse. */
bool fi_quick_free(fief *f, void *p, const fi_release *how);

/* The live block at p. False: it is something else, or misuse. */
bool fi_quick_find(const fief *f, void *p, fi_spot *spot);

#endif
