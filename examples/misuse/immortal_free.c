/* FIEF_CONF=debug:check,on_immortal_free:abort */
#include <fief/fief.h>

int main(void) {
    fief *constants, *worker;
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "constants";
    config.immortal = true;
    fief_create(&constants, &config);
    fief_create(&worker, NULL);

    char *nothing = fief_alloc(constants, 32);
    fief_freeze(constants);
    fief_free(worker, nothing);

    fief_destroy(worker);
}
