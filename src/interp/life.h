/* How an interpreter's heap comes to be, and how it ends. */
#ifndef FI_INTERP_LIFE_H
#define FI_INTERP_LIFE_H

#include "fief/fief.h"

/* `config` has been checked. */
fief_status fi_life_begin(fief **out, const fief_config *config);

fief_status fi_life_end(fief *f);

fief_status fi_life_at_exit(fief *f, fief_exit_fn *fn, void *arg);

#endif
