/* What is done when the process ends, as FIEF_RUN wants it: heaps are looked through for damage, and what is live
 * and what was used is told. A process that ends by _exit() or a signal does not get here, and a thread that still
 * runs keeps its heap to itself. */
#ifndef FI_PRELOAD_END_H
#define FI_PRELOAD_END_H

#include "fief/fief.h"

/* Counts a thread's heap that ends before. Under the lock of all tenants. */
void fi_end_count(const fief *f, const fief_stats *stats);

#endif
