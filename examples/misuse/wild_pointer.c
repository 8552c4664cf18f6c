/* FIEF_CONF=debug:check */
#include <fief/fief.h>
#include <stdlib.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    char *line = malloc(100);
    fief_free(f, line);
    fief_destroy(f);
}
