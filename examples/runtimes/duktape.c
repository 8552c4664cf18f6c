/* A Duktape heap on a fief of its own, of at most 8 MiB. */
#include <duktape.h>
#include <fief/adapter/duktape.h>
#include <stdio.h>

int main(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "example.js";
    config.alignment = 8;
    config.limit.hard_bytes = 8 << 20;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    duk_context *ctx = duk_create_heap(FIEF_DUKTAPE, f, NULL);
    if (duk_peval_string(ctx, "var t = []; for (var i = 0; i < 1e9; i++) t.push('text ' + i)") != 0)
        printf("error: %s\n", duk_safe_to_string(ctx, -1));
    if (duk_peval_string(ctx, "t = null; 'and on it goes'") == 0)
        printf("%s\n", duk_safe_to_string(ctx, -1));
    duk_destroy_heap(ctx);
    return fief_destroy(f) != FIEF_OK;
}
