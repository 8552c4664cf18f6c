/* FIEF_CONF=debug:check */
#include <fief/fief.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    int *counts = fief_alloc(f, 10 * sizeof *counts);
    fief_free(f, counts);
    counts[2] = 7;
    fief_destroy(f);
}
