/* The lists of one interpreter, from its first one to its end. */
#ifndef FI_FREELIST_SET_H
#define FI_FREELIST_SET_H

#include "freelist/list.h"

/* Makes f, which lives, know a list. FIEF_NO_MEMORY: it was its first one, and there is no memory for what that
 * takes. */
fief_status fi_set_add(fief *f, fief_freelist *list);

void fi_set_remove(fief_freelist *list);

#endif
