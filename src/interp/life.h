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

/* Lets the fast paths find the heap's pools by their addresses, or keeps them from it. A handle whose arena has
 * not got the map's entries for its address frees by the slow path alone. */
static inline void fi_life_open_fast_path(fief *f, const fi_arena *home) {
    bool own_entries = home->slot == fi_map_slot((uintptr_t)home->start, 0);
    f->fast.pools = own_entries ? (char *)fi_the_map.pools : (char *)(uintptr_t)&fi_no_pool;
    f->fast.pool_mask = own_entries ? (fi_the_map.units * FI_UNIT_GRANULES - 1) * sizeof(fi_pool) : 0;
}

static inline void fi_life_close_fast_path(fief *f) {
    f->fast.pools = (char *)(uintptr_t)&fi_no_pool;
    f->fast.pool_mask = 0;
}

fief_status fi_life_at_exit(fief *f, fief_exit_fn *fn, void *arg);

/* The same for what must come after all others. */
fief_status fi_life_at_last(fief *f, fief_exit_fn *fn);

/* The same in steps: `make` is for any thread, and NULL on exhaustion. What is not put goes back by `drop`, and
 * NULL may. */
fi_exit *fi_life_make_exit(fief_exit_fn *fn);
void fi_life_put_exit(fief *f, fi_exit *exit);
void fi_life_drop_exit(fi_exit *exit);

#endif
