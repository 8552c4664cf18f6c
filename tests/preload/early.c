/* A library whose constructor allocates before main, and whose destructor frees after it: for lifetimes.c, as one
 * that it is linked with, as a module that it loads and unloads, and preloaded in front of the malloc itself. */
#include "early.h"

#include <stdlib.h>
#include <string.h>

/* Each copy of the library has its own: the functions are what a program finds. */
static char *text;
static void *to_free;
static void *blocks[100];

char **early_text(void) {
    return &text;
}

void **early_to_free(void) {
    return &to_free;
}

__attribute__((constructor)) static void begin(void) {
    text = strdup("made before main");
    for (size_t i = 0; i < 100; i++)
        blocks[i] = calloc(1, i * 100 + 1);
}

__attribute__((destructor)) static void end(void) {
    free(to_free);
    free(text);
    for (size_t i = 0; i < 100; i++)
        free(blocks[i]);
    free(malloc(100));
}
