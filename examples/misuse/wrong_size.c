/* FIEF_CONF=debug:check */
#include <fief/fief.h>

typedef struct pair { void *key, *value; } pair;

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    pair *p = fief_alloc(f, sizeof *p);
    fief_free_sized(f, p, sizeof p);
    fief_destroy(f);
}
