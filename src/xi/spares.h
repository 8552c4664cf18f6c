/* Memory of calls that have run, for the next ones: a call's way is from one interpreter's to another's, so what
 * has run gathers on one side and is wanted on the other. Whole chains go over, by a place that all share. */
#ifndef FI_XI_SPARES_H
#define FI_XI_SPARES_H

#include <stdint.h>

enum { FI_SPARE_CHAIN = 32 };

typedef struct fi_call fi_call;

/* One interpreter's: up to two chains, the second one full or empty. */
typedef struct fi_spares {
    fi_call *first, *full;
    uint32_t count; /* in the first */
} fi_spares;

/* NULL on exhaustion. */
fi_call *fi_spares_take(fi_spares *spares);

void fi_spares_give(fi_spares *spares, fi_call *call);

/* All of them, to who has none. */
void fi_spares_leave(fi_spares *spares);

/* Gives back the memory of what waits in the shared place. Any thread. */
void fi_spares_trim(void);

#endif
