/* FIEF_CONF=debug:check */
#include <fief/fief.h>
#include <string.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    const char *name = "interpreter";
    char *copy = fief_alloc(f, strlen(name));
    strcpy(copy, name);
    fief_free(f, copy);
    fief_destroy(f);
}
