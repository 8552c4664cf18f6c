/* C++'s operators new and delete, by their names in the binary interface.
 *
 * The forms of new that don't throw are left to the C++ library, which makes them of these: it alone can catch
 * what a new-handler throws. */
#define _GNU_SOURCE 1
#include "base/attributes.h"
#include "fief/fief.h"
#include "preload/sized.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef void new_handler(void);

/* No memory: a handler may find some; without one, std::bad_alloc. Both are the C++ library's, which a program
 * that uses these has. */
FI_COLD static void find_memory_or_throw(void) {
    new_handler *(*get_handler)(void), *handler;
    void (*throw_bad_alloc)(void);
    *(void **)&get_handler = dlsym(RTLD_DEFAULT, "_ZSt15get_new_handlerv");
    *(void **)&throw_bad_alloc = dlsym(RTLD_DEFAULT, "_ZSt17__throw_bad_allocv");
    handler = get_handler != NULL ? get_handler() : NULL;
    if (handler != NULL)
        handler();
    else if (throw_bad_alloc != NULL)
        throw_bad_alloc();
    else
        abort();
}

static inline void *new_block(size_t size) {
    void *p;
    while (FI_UNLIKELY((p = malloc(size)) == NULL))
        find_memory_or_throw();
    return p;
}

static inline void *new_aligned(size_t size, size_t alignment) {
    void *p;
    while (FI_UNLIKELY((p = aligned_alloc(alignment, size)) == NULL))
        find_memory_or_throw();
    return p;
}

/* new, new[], with and without std::align_val_t */
FIEF_API void *_Znwm(size_t size) {
    return new_block(size);
}
FIEF_API void *_Znam(size_t size) {
    return new_block(size);
}
FIEF_API void *_ZnwmSt11align_val_t(size_t size, size_t alignment) {
    return new_aligned(size, alignment);
}
FIEF_API void *_ZnamSt11align_val_t(size_t size, size_t alignment) {
    return new_aligned(size, alignment);
}

/* delete, delete[]; with a size; with std::nothrow_t; with an alignment */
FIEF_API void _ZdlPv(void *p) {
    free(p);
}
FIEF_API void _ZdaPv(void *p) {
    free(p);
}
FIEF_API void _ZdlPvm(void *p, size_t size) {
    free_sized(p, size);
}
FIEF_API void _ZdaPvm(void *p, size_t size) {
    free_sized(p, size);
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
    free_aligned_sized(p, alignment, size);
}
FIEF_API void _ZdaPvmSt11align_val_t(void *p, size_t size, size_t alignment) {
    free_aligned_sized(p, alignment, size);
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
