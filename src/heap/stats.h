/* Counters, and how others get to read them. */
#ifndef FI_HEAP_STATS_H
#define FI_HEAP_STATS_H

#include "heap/heap.h"

/* Counts everything and publishes it. */
void fi_stats_publish(fief *f);

/* Publishes the figures that cost nothing to know. */
void fi_stats_note_memory(fief *f);

/* Any thread. */
void fi_stats_read(const fief *f, fief_stats *out);

/* Blocks that are handed out and not freed, and their usable bytes. */
typedef struct fi_live {
    uint64_t blocks, bytes;
    uint64_t listed; /* blocks in the handle's lists, which are neither */
} fi_live;
fi_live fi_stats_count_live(fief *f);

#endif
