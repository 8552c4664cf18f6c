/* A process that looks as if it had a CPython of the version in FAKE_VERSION. It exits with 1 if anybody
 * installs an allocator. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED const char *Py_GetVersion(void);
EXPORTED void PyMem_SetAllocator(int domain, void *allocator);

/* The shim asks before main has begun. */
const char *Py_GetVersion(void) {
    return getenv("FAKE_VERSION");
}

void PyMem_SetAllocator(int domain, void *allocator) {
    (void)domain;
    (void)allocator;
    _Exit(1);
}

int main(void) {
    puts("kept");
    return 0;
}
