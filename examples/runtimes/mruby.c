/* An mruby state on a fief of its own, of at most 8 MiB. */
#include <fief/adapter/mruby.h>
#include <mruby.h>
#include <mruby/compile.h>
#include <mruby/string.h>
#include <stdio.h>

static void run(mrb_state *mrb, const char *script) {
    mrb_value result = mrb_load_string(mrb, script);
    if (mrb->exc != NULL)
        printf("error: %s\n", mrb_obj_classname(mrb, mrb_obj_value(mrb->exc)));
    else
        printf("%s\n", RSTRING_CSTR(mrb, result));
    mrb->exc = NULL;
}

int main(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "example.rb";
    config.alignment = 8;
    config.limit.hard_bytes = 8 << 20;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    mrb_state *mrb = mrb_open_allocf(fief_mruby_alloc, f);
    run(mrb, "def fill; t = []; 1_000_000_000.times { |i| t << \"text #{i}\" }; end; fill");
    run(mrb, "'and on it goes'");
    mrb_close(mrb);
    return fief_destroy(f) != FIEF_OK;
}
