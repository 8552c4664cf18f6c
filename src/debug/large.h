/* Large blocks of a watched heap: they begin some bytes into their memory, behind a fence. */
#ifndef FI_DEBUG_LARGE_H
#define FI_DEBUG_LARGE_H

#include "debug/fence.h"

/* A large or huge block with room for `bytes` bytes and a fence behind them. block NULL on exhaustion. */
fi_spot fi_debug_large_alloc(fief *f, size_t bytes, size_t alignment, bool zero);

/* Back to the heap. */
void fi_debug_large_free(fief *f, const fi_spot *spot);

#endif
