/* FIEF_CONF=debug:check */
#include <fief/fief.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    char *buffer = fief_alloc(f, 100);
    fief_free(f, buffer);
    buffer = fief_realloc(f, buffer, 200);
    fief_destroy(f);
}
