/* MuJS, for the checks of all runtimes. */
#include "embedded.h"
#include "scripts.h"

#include <fief/adapter/mujs.h>

#include <limits.h>
#include <mujs.h>

static const js_Alloc allocators[] = {
    [EMBEDDED_CALLED] = fief_mujs_alloc,
    [EMBEDDED_INLINED] = fief_mujs_alloc_inline,
};

static void *create(fief *heap, embedded_variant variant) {
    return heap != NULL ? js_newstate(allocators[variant], heap, 0) : js_newstate(NULL, NULL, 0);
}

static void destroy(void *instance) {
    js_freestate(instance);
}

static void collect(void *instance) {
    js_gc(instance, 0);
}

static bool run(void *instance, const char *script, char *text) {
    js_State *J = instance;
    bool good = js_ploadstring(J, "script", script) == 0;
    if (good) {
        js_pushundefined(J);
        good = js_pcall(J, 0) == 0;
    }
    embedded_tell(text, js_trystring(J, -1, "no text"));
    js_pop(J, 1);
    return good;
}

static void *resize(fief *heap, embedded_variant variant, void *block, size_t size) {
    return allocators[variant](heap, block, (int)size);
}

/* MuJS computes sizes as ints. */
static const char *wrong_rule(fief *heap, embedded_variant variant) {
    void *block = allocators[variant](heap, NULL, 10);
    if (allocators[variant](heap, NULL, -1) != NULL || allocators[variant](heap, NULL, INT_MIN) != NULL)
        return "a negative size fails";
    if (allocators[variant](heap, block, -1) != NULL || fief_usable_size(block) < 10)
        return "a resize to a negative size fails, and leaves the block";
    allocators[variant](heap, block, 0);
    return NULL;
}

const embedded mujs_embedded = {
    .name = "MuJS",
    .variants = EMBEDDED_CALLED_AND_INLINED,
    .can_fail_to_begin = true,
    .limit_bytes = (size_t)16 << 20,
    .busy_script = js_busy_script,
    .busy_result = js_busy_result,
    .step_script = js_step_script,
    .hoarding_script = js_hoarding_script,
    .hoarding_result = "out of memory",
    .create = create,
    .destroy = destroy,
    .run = run,
    .collect = collect,
    .resize = resize,
    .wrong_rule = wrong_rule,
};
