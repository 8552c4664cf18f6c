/* A watched heap that becomes part of another: what is known of its blocks. */
#ifndef FI_DEBUG_TRANSIT_H
#define FI_DEBUG_TRANSIT_H

#include "heap/heap.h"

/* See fi_watch for what each has to do. */
bool fi_transit_may_join(const fief *to, const fief *from);
void fi_transit_join(fief *to, fief *from);

#endif
