/* Resizing. */
#ifndef FI_HEAP_REALLOC_H
#define FI_HEAP_REALLOC_H

#include "heap/heap.h"

/* p is not NULL. */
void *fi_heap_realloc(fief *f, void *p, size_t size, const char *operation);

#endif
