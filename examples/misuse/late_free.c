/* FIEF_CONF=debug:check,leaks:0 */
#include <fief/fief.h>

int main(void) {
    fief *alice, *bob;
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "alice";
    fief_create(&alice, &config);
    config.name = "bob";
    fief_create(&bob, &config);

    char *text = fief_alloc(alice, 100);
    fief_destroy(alice);
    fief_free(bob, text);

    fief_destroy(bob);
}
