/* FIEF_CONF=debug:check */
#include <fief/fief.h>
#include <string.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    char *line = fief_alloc(f, 100);
    strcpy(line, "  text");
    while (*line == ' ')
        line++;
    fief_free(f, line);
    fief_destroy(f);
}
