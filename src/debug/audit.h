/* A look at all of a heap. */
#ifndef FI_DEBUG_AUDIT_H
#define FI_DEBUG_AUDIT_H

#include "heap/heap.h"

/* Tells what is wrong, and returns how many things are. */
size_t fi_audit(fief *f, const void *site);

#endif
