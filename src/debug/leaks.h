/* What a watched heap still holds. */
#ifndef FI_DEBUG_LEAKS_H
#define FI_DEBUG_LEAKS_H

#include "fief/fief.h"

/* Tells the live blocks of a heap that ends. */
void fi_leaks_at_end(fief *f);

#endif
