/* Invariants. A broken one is a bug in fief itself, or memory that a program has overwritten: there is no going
 * on.
 *
 * FI_ASSERT stands in every build, on slow paths only. FI_DEBUG_ASSERT stands in debug builds. */
#ifndef FI_BASE_CHECK_H
#define FI_BASE_CHECK_H

#include "base/attributes.h"

#include <stdbool.h>

/* Writes the broken condition to stderr and aborts; allocates nothing. */
FI_COLD _Noreturn void fi_broken(const char *condition, const char *file, int line);

#define FI_ASSERT(condition)                                                                                      \
    do {                                                                                                          \
        if (FI_UNLIKELY(!(condition)))                                                                            \
            fi_broken(#condition, __FILE__, __LINE__);                                                            \
    } while (false)

#ifdef NDEBUG
#define FI_DEBUG_ASSERT(condition) ((void)sizeof(condition))
#else
#define FI_DEBUG_ASSERT(condition) FI_ASSERT(condition)
#endif

#endif
