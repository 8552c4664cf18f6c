/* Heaps whose blocks nobody may write to: immortal ones that are frozen, and parcels on their way. */
#ifndef FI_HEAP_FREEZE_H
#define FI_HEAP_FREEZE_H

#include "heap/heap.h"

/* Makes the memory that f's blocks may be in read-only, but for the handle's page and what shares it; or writable
 * again. False: not all of it, since the system refuses; the rest is done. */
bool fi_heap_freeze(const fief *f, bool frozen);

#endif
