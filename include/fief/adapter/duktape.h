/* adapter/duktape.h - a Duktape heap on a fief: Duktape 2.
 *
 *     fief_config config = FIEF_CONFIG_INIT;
 *     config.alignment = 8; // Duktape needs no more: DUK_USE_ALIGN_BY is 8 at most
 *     fief *f;
 *     if (fief_create(&f, &config) == FIEF_OK) {
 *         duk_context *ctx = duk_create_heap(FIEF_DUKTAPE, f, NULL);
 *         ...
 *         duk_destroy_heap(ctx);
 *         fief_destroy(f);
 *     }
 *
 * The fief belongs to the heap with all its contexts: whoever runs one may use it, from any thread. At the fief's
 * hard limit an allocation returns NULL; Duktape then collects, tries again, and raises its own "alloc failed". An
 * error outside a protected call is fatal in Duktape: create objects within duk_safe_call or duk_pcall.
 *
 * FIEF_DUKTAPE calls the library; FIEF_DUKTAPE_INLINE has the fast paths compiled in. */
#ifndef FIEF_ADAPTER_DUKTAPE_H
#define FIEF_ADAPTER_DUKTAPE_H

#include "../inline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first three arguments of duk_create_heap. */
#define FIEF_DUKTAPE fief_duktape_alloc, fief_duktape_realloc, fief_duktape_free
#define FIEF_DUKTAPE_INLINE fief_duktape_alloc_inline, fief_duktape_realloc, fief_duktape_free_inline

/* Duktape takes NULL for a block of size 0, which saves it. */
static inline void *fief_duktape_alloc(void *heap, size_t size) {
    return size != 0 ? fief_alloc((fief *)heap, size) : NULL;
}

static inline void *fief_duktape_alloc_inline(void *heap, size_t size) {
    return size != 0 ? fief_inline_alloc((fief *)heap, size) : NULL;
}

static inline void *fief_duktape_realloc(void *heap, void *block, size_t size) {
    if (size != 0)
        return fief_realloc((fief *)heap, block, size);
    fief_free((fief *)heap, block);
    return NULL;
}

static inline void fief_duktape_free(void *heap, void *block) {
    fief_free((fief *)heap, block);
}

static inline void fief_duktape_free_inline(void *heap, void *block) {
    fief_inline_free((fief *)heap, block);
}

#ifdef __cplusplus
}
#endif

#endif
