/* adapter/mujs.h - a MuJS state on a fief: MuJS 1.
 *
 *     fief_config config = FIEF_CONFIG_INIT;
 *     config.alignment = 8; // MuJS needs no more: its widest members are doubles and pointers
 *     fief *f;
 *     if (fief_create(&f, &config) == FIEF_OK) {
 *         js_State *J = js_newstate(fief_mujs_alloc, f, 0);
 *         ...
 *         js_freestate(J);
 *         fief_destroy(f);
 *     }
 *
 * The fief belongs to the state: whoever runs the state may use it, from any thread. At the fief's hard limit an
 * allocation returns NULL, and MuJS throws its own "out of memory"; it does not collect first, js_gc does.
 *
 * fief_mujs_alloc calls the library; fief_mujs_alloc_inline has the fast paths compiled in. */
#ifndef FIEF_ADAPTER_MUJS_H
#define FIEF_ADAPTER_MUJS_H

#include "../inline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A js_Alloc. Size 0 frees. A size that MuJS has computed beyond INT_MAX arrives as a negative one, which is more
 * than there can be, and fails. */
static inline void *fief_mujs_alloc(void *heap, void *block, int size) {
    fief *f = (fief *)heap;
    if (size == 0) {
        fief_free(f, block);
        return NULL;
    }
    return block == NULL ? fief_alloc(f, (size_t)size) : fief_realloc(f, block, (size_t)size);
}

static inline void *fief_mujs_alloc_inline(void *heap, void *block, int size) {
    fief *f = (fief *)heap;
    if (size == 0) {
        if (block != NULL) /* an object without this and that frees those, too */
            fief_inline_free(f, block);
        return NULL;
    }
    return block == NULL ? fief_inline_alloc(f, (size_t)size) : fief_realloc(f, block, (size_t)size);
}

#ifdef __cplusplus
}
#endif

#endif
