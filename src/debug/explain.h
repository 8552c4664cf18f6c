/* From an address in a watched heap to what is recorded there. Any thread: what is read may be changing, and is
 * bounded before it is used. */
#ifndef FI_DEBUG_EXPLAIN_H
#define FI_DEBUG_EXPLAIN_H

#include "debug/record.h"
#include "heap/watch.h"

/* See fi_watch. */
void fi_explain_refine(fi_found *found, const void *p);
void fi_explain(const void *p, fief_id owner, fi_details *details);

#endif
