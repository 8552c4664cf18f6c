/* FIEF_CONF=debug:check */
#include <fief/debug.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    char *object = fief_domain_alloc(f, FIEF_DOMAIN_OBJ, 48);
    fief_domain_free(f, FIEF_DOMAIN_MEM, object);
    fief_destroy(f);
}
