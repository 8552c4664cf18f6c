/* FIEF_CONF=debug:check */
#include <fief/fief.h>

int main(void) {
    fief *f;
    fief_create(&f, NULL);
    int *stack = fief_alloc(f, 10 * sizeof *stack);
    int top = 0;
    stack[--top] = 1;
    fief_free(f, stack);
    fief_destroy(f);
}
