/* Sees all of a heap, and gives back what it does not need. */
#ifndef FI_HEAP_VISIT_H
#define FI_HEAP_VISIT_H

#include "heap/heap.h"

void fi_heap_visit(fief *f, fief_visitor *visit, void *arg);

/* Returns the bytes given back to the system. */
size_t fi_heap_trim(fief *f);

#endif
