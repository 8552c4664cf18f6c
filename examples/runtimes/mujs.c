/* A MuJS state on a fief of its own, of at most 8 MiB. */
#include <fief/adapter/mujs.h>
#include <mujs.h>
#include <stdio.h>

static void run(js_State *J, const char *script) {
    int failed = js_ploadstring(J, "example", script);
    if (!failed) {
        js_pushundefined(J);
        failed = js_pcall(J, 0);
    }
    printf("%s%s\n", failed ? "error: " : "", js_trystring(J, -1, "no text"));
    js_pop(J, 1);
}

int main(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "example.js";
    config.alignment = 8;
    config.limit.hard_bytes = 8 << 20;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    js_State *J = js_newstate(fief_mujs_alloc, f, 0);
    run(J, "(function () { for (var i = 0, t = []; i < 1e9; i++) t.push('text ' + i); })()");
    js_gc(J, 0); /* MuJS does not, when memory is short */
    run(J, "'and on it goes'");
    js_freestate(J);
    return fief_destroy(f) != FIEF_OK;
}
