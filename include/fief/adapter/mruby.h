/* adapter/mruby.h - an mruby state on a fief: mruby 1 to 3, whose states have an allocator each.
 *
 *     fief_config config = FIEF_CONFIG_INIT;
 *     config.alignment = 8; // mruby needs no more: the tags of its words take the three low bits
 *     fief *f;
 *     if (fief_create(&f, &config) == FIEF_OK) {
 *         mrb_state *mrb = mrb_open_allocf(fief_mruby_alloc, f);
 *         ...
 *         mrb_close(mrb);
 *         fief_destroy(f);
 *     }
 *
 * The fief belongs to the state: whoever runs the state may use it, from any thread. At the fief's hard limit an
 * allocation returns NULL; mruby then collects, tries again, and raises its own NoMemoryError.
 *
 * fief_mruby_alloc calls the library; fief_mruby_alloc_inline has the fast paths compiled in. */
#ifndef FIEF_ADAPTER_MRUBY_H
#define FIEF_ADAPTER_MRUBY_H

#include "../inline.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mrb_state;

/* An mrb_allocf. Size 0 frees. The state is NULL, and otherwise of no use, while it is being made. */
static inline void *fief_mruby_alloc(struct mrb_state *mrb, void *block, size_t size, void *heap) {
    fief *f = (fief *)heap;
    (void)mrb;
    if (size == 0) {
        fief_free(f, block);
        return NULL;
    }
    return block == NULL ? fief_alloc(f, size) : fief_realloc(f, block, size);
}

static inline void *fief_mruby_alloc_inline(struct mrb_state *mrb, void *block, size_t size, void *heap) {
    fief *f = (fief *)heap;
    (void)mrb;
    if (size == 0) {
        if (block != NULL) /* as a string that shares its text has none to free */
            fief_inline_free(f, block);
        return NULL;
    }
    return block == NULL ? fief_inline_alloc(f, size) : fief_realloc(f, block, size);
}

#ifdef __cplusplus
}
#endif

#endif
