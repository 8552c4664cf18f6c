/* Duktape 2, for the checks of all runtimes. */
#include "embedded.h"
#include "scripts.h"

#include <fief/adapter/duktape.h>

#include <duktape.h>

static void *create(fief *heap, embedded_variant variant) {
    if (heap == NULL)
        return duk_create_heap_default();
    return variant == EMBEDDED_CALLED ? duk_create_heap(FIEF_DUKTAPE, heap, NULL)
                                      : duk_create_heap(FIEF_DUKTAPE_INLINE, heap, NULL);
}

static void destroy(void *instance) {
    duk_destroy_heap(instance);
}

static bool run(void *instance, const char *script, char *text) {
    duk_context *ctx = instance;
    bool good = duk_peval_string(ctx, script) == 0;
    embedded_tell(text, duk_safe_to_string(ctx, -1));
    duk_pop(ctx);
    return good;
}

static void *resize(fief *heap, embedded_variant variant, void *block, size_t size) {
    if (block != NULL && size == 0) {
        (variant == EMBEDDED_CALLED ? fief_duktape_free : fief_duktape_free_inline)(heap, block);
        return NULL;
    }
    if (block == NULL)
        return (variant == EMBEDDED_CALLED ? fief_duktape_alloc : fief_duktape_alloc_inline)(heap, size);
    return fief_duktape_realloc(heap, block, size);
}

/* duk_realloc_function: without a block it allocates; size 0 frees, and NULL is no failure then. */
static const char *wrong_rule(fief *heap, embedded_variant variant) {
    void *block = fief_duktape_realloc(heap, NULL, 10);
    if (block == NULL)
        return "a realloc without a block allocates";
    if (fief_duktape_realloc(heap, block, 0) != NULL)
        return "a realloc to 0 frees";
    if (fief_duktape_realloc(heap, NULL, 0) != NULL)
        return "a realloc of nothing to 0 gives nothing";
    (variant == EMBEDDED_CALLED ? fief_duktape_free : fief_duktape_free_inline)(heap, NULL);
    return NULL;
}

const embedded duktape_embedded = {
    .name = "Duktape",
    .variants = EMBEDDED_CALLED_AND_INLINED,
    .limit_bytes = (size_t)8 << 20,
    .busy_script = js_busy_script,
    .busy_result = js_busy_result,
    .step_script = js_step_script,
    .hoarding_script = js_hoarding_script,
    .hoarding_result = "Error: alloc failed",
    .bare_result = "DoubleError: error in error handling",
    .create = create,
    .destroy = destroy,
    .run = run,
    .resize = resize,
    .wrong_rule = wrong_rule,
};
