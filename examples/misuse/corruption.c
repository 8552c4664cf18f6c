/* FIEF_CONF= */
#include <fief/debug.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    size_t *counts = fief_alloc(f, 10 * sizeof *counts);
    fief_free(f, counts);
    counts[1] = 7;
    return fief_check(f) != 0;
}
