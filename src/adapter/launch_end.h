/* What is done at a process's end, as FIEF_RUN wants it: heaps are looked through for damage, and what is live and
 * what was used is told. */
#ifndef FI_ADAPTER_LAUNCH_END_H
#define FI_ADAPTER_LAUNCH_END_H

#include "adapter/launch_stats.h"

/* A heap that nobody uses meanwhile. Its figures are added to those of others. */
void fi_launch_end_heap(fief *f, fi_launch_stats *figures);

/* Once all heaps were looked at. */
void fi_launch_end(const fi_launch_stats *figures);

#endif
