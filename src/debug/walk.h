/* Every place of a watched heap that a block may be in. */
#ifndef FI_DEBUG_WALK_H
#define FI_DEBUG_WALK_H

#include "debug/fence.h"
#include "debug/state.h"

/* False ends the walk. It may not allocate from, free to, or resize the heap. */
typedef bool fi_spot_fn(fief *f, const fi_spot *spot, void *arg);

/* Places that were never used are left out. Of a heap that only samples, its guarded blocks. */
void fi_walk(fief *f, fi_spot_fn *see, void *arg);

#endif
