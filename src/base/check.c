#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void fi_broken(const char *condition, const char *file, int line) {
    char text[256];
    int length = snprintf(text, sizeof text, "fief: broken invariant: %s (%s:%d)\n", condition, file, line);
    if (length > 0) {
        size_t bytes = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
        ssize_t written = write(STDERR_FILENO, text, bytes);
        (void)written;
    }
    abort();
}
