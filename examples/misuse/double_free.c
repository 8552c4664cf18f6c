/* FIEF_CONF=debug:check */
#include <fief/fief.h>

static void close_file(fief *f, char *buffer) {
    fief_free(f, buffer);
}

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    char *buffer = fief_alloc(f, 100);
    close_file(f, buffer);
    fief_free(f, buffer);
    fief_destroy(f);
}
