/* How an interpreter's heap comes to be, and how it ends. */
#ifndef FI_INTERP_LIFE_H
#define FI_INTERP_LIFE_H

#include "heap/heap.h"

/* `config` has been checked. `debug`: what src/debug needs of it, or NULL; it is the handle's on success.
 * `hidden`: it is no interpreter, and nobody is to find it or to call it. */
fief_status fi_life_begin(fief **out, const fief_config *config, fi_debug *debug, bool hidden);

/* The same for a heap that may be watched: by its configuration, whose level is checked here, the environment or a
 * tool. */
FI_COLD fief_status fi_life_begin_watched(fief **out, const fief_config *config, bool hidden);

fief_status fi_life_end(fief *f);

fief_status fi_life_at_exit(fief *f, fief_exit_fn *fn, void *arg);

/* The same for what must come after all others. */
fief_status fi_life_at_last(fief *f, fief_exit_fn *fn);

/* The same in steps: `make` is for any thread, and NULL on exhaustion. What is not put goes back by `drop`, and
 * NULL may. */
fi_exit *fi_life_make_exit(fief_exit_fn *fn);
void fi_life_put_exit(fief *f, fi_exit *exit);
void fi_life_drop_exit(fi_exit *exit);

#endif
