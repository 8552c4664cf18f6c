/* FIEF_CONF=debug:check */
#include <fief/fief.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    char *header = fief_alloc(f, 100);
    char *payload = header + 16;
    fief_free(f, payload);
    fief_destroy(f);
}
