/* FIEF_CONF=debug:check,on_leak:strict */
#include <fief/fief.h>

static char *read_line(fief *f) {
    return fief_alloc(f, 80);
}

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    for (int i = 0; i < 3; i++)
        read_line(f)[0] = '\0';
    fief_destroy(f);
}
