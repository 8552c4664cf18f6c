/* FIEF_CONF=debug:check */
#include <fief/debug.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    float *row = fief_alloc_aligned(f, 256, 64);
    fief_free_aligned_sized(f, row, 32, 256);
    fief_destroy(f);
}
