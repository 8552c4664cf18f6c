/* Takes the stack of the calling thread. */
#ifndef FI_TRACE_CAPTURE_H
#define FI_TRACE_CAPTURE_H

#include "heap/tracer.h"

/* See fi_tracer. */
fi_trace fi_capture(fief *f, const void *site);
fi_trace fi_capture_at(const struct fi_registers *at, const void *site);

/* False: not from 1 to the most. Any thread. */
bool fi_capture_set_depth(unsigned frames);

#endif
