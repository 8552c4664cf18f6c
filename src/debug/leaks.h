/* What a heap still holds. */
#ifndef FI_DEBUG_LEAKS_H
#define FI_DEBUG_LEAKS_H

#include "fief/fief.h"

#include <stdbool.h>

/* Whether a heap that ends holds blocks that no suppression covers; tells them if it is to. */
bool fi_leaks_at_end(fief *f, bool tell);

#endif
