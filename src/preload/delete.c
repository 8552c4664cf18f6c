/* C++'s operator delete, by its names in the binary interface: with a size, a debug level compares it.
 *
 * operator new is left to the C++ library, which makes it of malloc: it alone can throw, call a new-handler, and
 * catch what that throws. What it asks malloc for is one byte where none was asked of it; and with an alignment, a
 * size that each library rounds up in its own way, so that one is not compared. */
#include "fief/fief.h"
#include "preload/sized.h"

#include <stdlib.h>

static void free_new(void *p, size_t size) {
    free_sized(p, size + (size == 0));
}

/* delete and delete[]: plain, with a size, with std::nothrow_t, with an alignment */
FIEF_API void _ZdlPv(void *p) {
    free(p);
}
FIEF_API void _ZdaPv(void *p) {
    free(p);
}
FIEF_API void _ZdlPvm(void *p, size_t size) {
    free_new(p, size);
}
FIEF_API void _ZdaPvm(void *p, size_t size) {
    free_new(p, size);
}
FIEF_API void _ZdlPvRKSt9nothrow_t(void *p, const void *nothrow) {
    (void)nothrow;
    free(p);
}
FIEF_API void _ZdaPvRKSt9nothrow_t(void *p, const void *nothrow) {
    (void)nothrow;
    free(p);
}
FIEF_API void _ZdlPvSt11align_val_t(void *p, size_t alignment) {
    (void)alignment;
    free(p);
}
FIEF_API void _ZdaPvSt11align_val_t(void *p, size_t alignment) {
    (void)alignment;
    free(p);
}
FIEF_API void _ZdlPvmSt11align_val_t(void *p, size_t size, size_t alignment) {
    (void)size;
    (void)alignment;
    free(p);
}
FIEF_API void _ZdaPvmSt11align_val_t(void *p, size_t size, size_t alignment) {
    (void)size;
    (void)alignment;
    free(p);
}
FIEF_API void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *p, size_t alignment, const void *nothrow) {
    (void)alignment;
    (void)nothrow;
    free(p);
}
FIEF_API void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *p, size_t alignment, const void *nothrow) {
    (void)alignment;
    (void)nothrow;
    free(p);
}
