/* The process's end, for threads' heaps: adapter/launch_end.h. A process that ends by _exit() or a signal does not
 * get here, and a thread that still runs keeps its heap to itself. */
#ifndef FI_PRELOAD_END_H
#define FI_PRELOAD_END_H

#include "fief/fief.h"

/* Counts a thread's heap that ends before. Under the lock of all tenants. */
void fi_end_count(const fief *f, const fief_stats *stats);

#endif
