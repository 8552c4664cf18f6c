#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void host_give_up(const char *what, int error_number) {
    fprintf(stderr, "fief-lua: %s: %s\n", what, strerror(error_number));
    exit(HOST_EXIT_IMPOSSIBLE);
}

void *host_alloc_zeros(size_t count, size_t size) {
    void *p = calloc(count, size);
    if (p == NULL)
        host_give_up("the host's own memory", ENOMEM);
    return p;
}

char *host_copy_text(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(host_alloc_zeros(1, bytes), text, bytes);
}
