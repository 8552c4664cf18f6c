/* What `fief run --stats` tells at a process's end: a table of its tenants (threads, interpreters), those of the
 * largest peak first, and what is to be known of all of them.
 *
 * A tenant is counted when it ends, or at the process's end: so one of these lives as long as the process. It
 * allocates nothing. Under the caller's lock. */
#ifndef FI_ADAPTER_LAUNCH_STATS_H
#define FI_ADAPTER_LAUNCH_STATS_H

#include "fief/fief.h"

enum { FI_LAUNCH_STATS_ROWS = 16, FI_LAUNCH_STATS_NAME_BYTES = 28 };

typedef struct fi_launch_row {
    char name[FI_LAUNCH_STATS_NAME_BYTES];
    fief_stats stats;
} fi_launch_row;

typedef struct fi_launch_stats {
    const char *tenant; /* what each is: "thread" */
    uint64_t count;     /* of all that were counted */
    fi_launch_row rows[FI_LAUNCH_STATS_ROWS];
    fief_stats others; /* the sum of those that have no row */
    fief_stats total;
} fi_launch_stats;

/* Whoever holds the tenant publishes before: fief_stats_publish. A longer name is cut. */
void fi_launch_stats_add(fi_launch_stats *s, const char *name, const fief_stats *stats);

/* To where FIEF_RUN wants it. */
void fi_launch_stats_tell(const fi_launch_stats *s);

#endif
