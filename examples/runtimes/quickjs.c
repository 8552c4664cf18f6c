/* A QuickJS runtime on a fief of its own, of at most 8 MiB. */
#include <fief/adapter/quickjs.h>
#include <stdio.h>
#include <string.h>

static void run(JSContext *ctx, const char *script) {
    JSValue result = JS_Eval(ctx, script, strlen(script), "example", JS_EVAL_TYPE_GLOBAL);
    bool failed = JS_IsException(result);
    if (failed)
        result = JS_GetException(ctx);
    const char *text = JS_ToCString(ctx, result);
    printf("%s%s\n", failed ? "error: " : "", text);
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, result);
}

int main(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "example.js";
    config.alignment = 8;
    config.limit.hard_bytes = 8 << 20;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    JSRuntime *rt = JS_NewRuntime2(&fief_quickjs, f);
    JSContext *ctx = JS_NewContext(rt);
    run(ctx, "(function () { for (var i = 0, t = []; i < 1e9; i++) t.push('x'.repeat(100000)); })()");
    run(ctx, "'and on it goes'");
    JS_FreeContext(ctx);
    JS_FreeRuntime(rt);
    return fief_destroy(f) != FIEF_OK;
}
