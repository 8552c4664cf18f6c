/* FIEF_CONF=debug:guard */
#include <fief/fief.h>
#include <stdio.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    int *counts = fief_zalloc(f, 10 * sizeof *counts);
    fief_free(f, counts);
    printf("%d\n", counts[2]);
    fief_destroy(f);
}
