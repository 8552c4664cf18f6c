/* QuickJS, for the checks of all runtimes. */
#include "embedded.h"
#include "scripts.h"

#include <fief/adapter/quickjs.h>

#include <string.h>

static const JSMallocFunctions *const functions[] = {
    [EMBEDDED_CALLED] = &fief_quickjs,
    [EMBEDDED_INLINED] = &fief_quickjs_inline,
};

/* The context knows the runtime. */
static void *create(fief *heap, embedded_variant variant) {
    JSRuntime *rt = heap != NULL ? JS_NewRuntime2(functions[variant], heap) : JS_NewRuntime();
    JSContext *ctx = rt != NULL ? JS_NewContext(rt) : NULL;
    if (rt != NULL && ctx == NULL)
        JS_FreeRuntime(rt);
    return ctx;
}

static void destroy(void *instance) {
    JSRuntime *rt = JS_GetRuntime(instance);
    JS_FreeContext(instance);
    JS_FreeRuntime(rt);
}

static bool run(void *instance, const char *script, char *text) {
    JSContext *ctx = instance;
    JS_UpdateStackTop(JS_GetRuntime(ctx));
    JSValue result = JS_Eval(ctx, script, strlen(script), "script", JS_EVAL_TYPE_GLOBAL);
    bool good = !JS_IsException(result);
    if (!good)
        result = JS_GetException(ctx);
    const char *said = JS_ToCString(ctx, result);
    embedded_tell(text, said);
    JS_FreeCString(ctx, said);
    JS_FreeValue(ctx, result);
    return good;
}

/* As a runtime without a limit of its own that has this block alone. */
static void *resize(fief *heap, embedded_variant variant, void *block, size_t size) {
    JSMallocState state = {1, fief_usable_size(block), SIZE_MAX, heap};
    if (block == NULL && size != 0)
        return functions[variant]->js_malloc(&state, size);
    if (block == NULL || size != 0)
        return functions[variant]->js_realloc(&state, block, size);
    functions[variant]->js_free(&state, block);
    return NULL;
}

static bool counts(const JSMallocState *state, size_t count, const void *block) {
    return state->malloc_count == count && state->malloc_size == fief_usable_size(block);
}

/* QuickJS reads the counts, and collects by them. */
static const char *wrong_rule(fief *heap, embedded_variant variant) {
    enum { LIMIT_BYTES = 10000 };
    const JSMallocFunctions *calls = functions[variant];
    JSMallocState state = {0, 0, LIMIT_BYTES, heap};
    calls->js_free(&state, NULL);
    if (!counts(&state, 0, NULL) || calls->js_realloc(&state, NULL, 0) != NULL || !counts(&state, 0, NULL))
        return "a free of nothing counts for nothing";
    void *block = calls->js_malloc(&state, 100);
    if (!counts(&state, 1, block))
        return "an allocation counts";
    block = calls->js_realloc(&state, block, 5000);
    if (!counts(&state, 1, block))
        return "a growth counts";
    if (calls->js_malloc(&state, LIMIT_BYTES) != NULL ||
        calls->js_realloc(&state, block, 2 * LIMIT_BYTES) != NULL || !counts(&state, 1, block))
        return "JS_SetMemoryLimit holds";
    state.malloc_limit = 10;
    block = calls->js_realloc(&state, block, 200);
    if (block == NULL || !counts(&state, 1, block))
        return "beyond the limit a shrink succeeds";
    if (calls->js_realloc(&state, block, 0) != NULL || !counts(&state, 0, NULL))
        return "a realloc to 0 frees";
    return NULL;
}

const embedded quickjs_embedded = {
    .name = "QuickJS",
    .variants = EMBEDDED_CALLED_AND_INLINED,
    .limit_bytes = (size_t)16 << 20,
    .busy_script = js_busy_script,
    .busy_result = js_busy_result,
    .step_script = js_step_script,
    .hoarding_script = js_hoarding_script,
    .hoarding_result = "InternalError: out of memory",
    .bare_result = "null",
    .create = create,
    .destroy = destroy,
    .run = run,
    .resize = resize,
    .wrong_rule = wrong_rule,
};
