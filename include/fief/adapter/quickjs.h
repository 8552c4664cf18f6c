/* adapter/quickjs.h - a QuickJS runtime on a fief: Bellard's, of 2020 to 2025, installed as quickjs/quickjs.h.
 *
 *     config.alignment = 8; // QuickJS needs no more: its widest members have 64 bits
 *     if (fief_create(&f, &config) == FIEF_OK)
 *         JSRuntime *rt = JS_NewRuntime2(&fief_quickjs, f); // and at the end JS_FreeRuntime(rt), fief_destroy(f)
 *
 * Who runs one of the runtime's contexts may use the fief, from any thread, after JS_UpdateStackTop(rt). At its
 * hard limit, or that of JS_SetMemoryLimit, an allocation returns NULL, and QuickJS throws its own "out of
 * memory". fief_quickjs calls the library; fief_quickjs_inline has the fast paths compiled in. */
#ifndef FIEF_ADAPTER_QUICKJS_H
#define FIEF_ADAPTER_QUICKJS_H
#include "../inline.h"
#include <quickjs/quickjs.h>

/* Counts a block that is new, for what is counted here decides when QuickJS collects. NULL counts as nothing. */
static inline void *fief_quickjs_count(JSMallocState *s, void *block) {
    s->malloc_count += block != NULL;
    s->malloc_size += fief_usable_size(block);
    return block;
}
static inline void *fief_quickjs_discount(JSMallocState *s, void *block) {
    s->malloc_count -= block != NULL;
    s->malloc_size -= fief_usable_size(block);
    return block;
}
static inline void *fief_quickjs_malloc(JSMallocState *s, size_t size) {
    bool fits = s->malloc_size + size <= s->malloc_limit;
    return fits ? fief_quickjs_count(s, fief_alloc((fief *)s->opaque, size)) : NULL;
}
static inline void *fief_quickjs_malloc_inline(JSMallocState *s, size_t size) {
    bool fits = s->malloc_size + size <= s->malloc_limit;
    return fits ? fief_quickjs_count(s, fief_inline_alloc((fief *)s->opaque, size)) : NULL;
}
static inline void fief_quickjs_free(JSMallocState *s, void *block) {
    fief_free((fief *)s->opaque, fief_quickjs_discount(s, block));
}
static inline void fief_quickjs_free_inline(JSMallocState *s, void *block) {
    fief_inline_free((fief *)s->opaque, fief_quickjs_discount(s, block));
}

/* Size 0 frees. A shrink never fails. */
static inline void *fief_quickjs_realloc(JSMallocState *s, void *block, size_t size) {
    size_t old_size = fief_usable_size(block);
    if (size == 0) {
        fief_quickjs_free(s, block);
        return NULL;
    }
    if (size > old_size && s->malloc_size + (size - old_size) > s->malloc_limit)
        return NULL;
    void *resized = fief_realloc((fief *)s->opaque, block, size);
    s->malloc_count += block == NULL && resized != NULL;
    s->malloc_size += resized != NULL ? fief_usable_size(resized) - old_size : 0;
    return resized;
}

static const JSMallocFunctions fief_quickjs = {fief_quickjs_malloc, fief_quickjs_free, fief_quickjs_realloc,
                                               fief_usable_size};
static const JSMallocFunctions fief_quickjs_inline = {fief_quickjs_malloc_inline, fief_quickjs_free_inline,
                                                      fief_quickjs_realloc, fief_usable_size};
#endif
