/* One heap's blocks become another's, where they are.
 *
 * What changes hands is written of in descriptors: a block's owner is in its arena's and, as the handle's address,
 * in its pool's. So the cost is in the number of arenas and pools, and no block is touched. The lists of free
 * blocks go with their pools: the end of one is found when it is first read (fi_heap_own_end). The handle's bytes
 * stay where they are, and are memory like any other. */
#ifndef FI_HEAP_ADOPT_H
#define FI_HEAP_ADOPT_H

#include "heap/heap.h"

/* Readies a heap for it: from here on all that it has is in its pools and arenas, and nothing in the handle's
 * lists. It may go on being used. */
void fi_heap_gather(fief *f);

/* Makes all of a gathered heap's `to`'s, blocks that others free meanwhile included; what it has counted, too. False:
 * the hard limit, or exhaustion; nothing has changed. */
FI_MUST_USE bool fi_heap_adopt(fief *to, fief *from);

#endif
