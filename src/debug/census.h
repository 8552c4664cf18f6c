/* Live blocks by where they come from: leak reports, snapshots, and what grew between two of them.
 *
 * A census is made in memory of its own, straight from the system: never in a fief, and not with malloc. Once it
 * is made it does not change, and any thread may tell it. */
#ifndef FI_DEBUG_CENSUS_H
#define FI_DEBUG_CENSUS_H

#include "base/attributes.h"
#include "fief/debug.h"
#include "heap/tracer.h"

/* One live block, as the heap's records know it. */
typedef struct fi_live_block {
    const void *block;
    size_t bytes;    /* requested */
    uint64_t serial; /* of its allocation, counted up in its heap; 0: neither it nor the age is known */
    uint64_t age_ms;
    fi_trace trace; /* 0: unknown */
    fief_tag tag;
    fief_domain domain;
} fi_live_block;

typedef struct fief_snapshot fi_census;

/* Of interpreter `id`. NULL on exhaustion. */
fi_census *fi_census_create(fief_id id, const char *name);
void fi_census_destroy(fi_census *census);

/* False on exhaustion; the census is as it was. Constant cost. */
FI_MUST_USE bool fi_census_add(fi_census *census, const fi_live_block *block);

/* Whatever was found that no suppression covers, and what one does. */
typedef struct fi_census_total {
    uint64_t blocks, bytes, groups;
    uint64_t suppressed_blocks, suppressed_bytes;
} fi_census_total;
fi_census_total fi_census_sum(const fi_census *census);

/* The groups, those of most bytes first, suppressed ones left out and counted. `out` NULL: stderr. False on
 * exhaustion: nothing was told. */
FI_MUST_USE bool fi_census_tell(const fi_census *census, fief_format format, fief_text_fn *out, void *arg);

/* What is in `after` and not, or less, in `before`: by group, the largest growth first. */
FI_MUST_USE bool fi_census_tell_growth(const fi_census *before, const fi_census *after, fief_format format,
                                       fief_text_fn *out, void *arg);

#endif
