/* Data, as far as other parts look into it. */
#ifndef FI_XI_DATA_H
#define FI_XI_DATA_H

#include "fief/share.h"

/* Whether nothing is in it. Its depth tells where it is, not what. */
bool fi_data_is_clear(const fief_xi_data *data);

#endif
