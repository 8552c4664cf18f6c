/* The built-in kinds: values that need nothing of their owner. */
#ifndef FI_XI_KINDS_H
#define FI_XI_KINDS_H

#include "fief/share.h"

/* Of a tuple's data: its items, the last first. */
fief_xi_result fi_tuple_release_items(fief *f, const fief_xi_data *data);

#endif
