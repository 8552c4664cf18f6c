/* FIEF_CONF=debug:check */
#include <fief/fief.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    fief_destroy(f);
    char *text = fief_alloc(f, 100);
    return text != NULL;
}
