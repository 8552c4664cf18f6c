/* The malloc family of C and of the C library's extensions, on the calling thread's heap.
 *
 * What a hot call needs is the thread's word and fief's inlined fast path; all else is out of line. Blocks of
 * other threads go home to their heaps. Where standards leave a choice, it is glibc's. */
#define _GNU_SOURCE 1
#include "preload/sized.h"
#include "preload/tenant.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_ALIGNMENT = 16 };

/* ---- allocation ---- */

static void *or_out_of_memory(void *p) {
    if (FI_UNLIKELY(p == NULL))
        errno = ENOMEM;
    return p;
}

FI_SLOW static void *alloc_slow(fief *f, size_t size) {
    f = fi_tenant_enter();
    void *p = f != NULL ? fief_alloc(f, size) : NULL; /* it may be another heap than the one that had none */
    fi_tenant_leave(f);
    return or_out_of_memory(p);
}

FI_SLOW static void *zalloc_slow(size_t size) {
    fief *f = fi_tenant_enter();
    void *p = f != NULL ? fief_zalloc(f, size) : NULL;
    fi_tenant_leave(f);
    return or_out_of_memory(p);
}

/* A multiple of 16 needs no more than any block has; so does an alignment that is none. */
FI_SLOW static void *alloc_aligned(size_t size, size_t alignment) {
    fief *f = fi_tenant_enter();
    void *p = f != NULL ? fief_alloc_aligned(f, size, alignment) : NULL;
    fi_tenant_leave(f);
    return p;
}

FIEF_API FI_HOT void *malloc(size_t size) {
    return fief_fast_alloc(fi_tenant_heap, size, alloc_slow);
}

FIEF_API FI_HOT void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return or_out_of_memory(NULL);
    if (bytes > FIEF_INLINE_BYTES)
        return zalloc_slow(bytes);
    void *p = fief_fast_alloc(fi_tenant_heap, bytes, alloc_slow);
    return FI_LIKELY(p != NULL) ? memset(p, 0, bytes) : NULL;
}

/* ---- free ---- */

/* A thread that frees others' blocks gets a heap to collect them in. */
FI_SLOW static void free_slow(void *p) {
    if (FI_UNLIKELY(p == NULL))
        return;
    fief *f = fi_tenant_own();
    if (FI_UNLIKELY(f == NULL)) {
        fief_free_remote(p);
        return;
    }
    fief_slow_free_home_1(f, p);
    fi_tenant_review();
}

FIEF_API FI_HOT void free(void *p) {
    if (FI_UNLIKELY(!fief_fast_free(fi_tenant_heap, p)))
        free_slow(p);
}

/* Whether f may use a verb of the owner for it: it is its own, or nobody's, which that verb has a report for. */
static bool is_own(const fief *f, const void *p) {
    fief_id owner = fief_owner(p);
    return owner == fief_id_of(f) || owner == FIEF_ID_NONE;
}

/* The size is compared at a debug level. */
FIEF_API void free_sized(void *p, size_t size) {
    if (FI_LIKELY(fief_fast_free(fi_tenant_heap, p)) || p == NULL)
        return;
    fief *f = fi_tenant_own();
    if (f != NULL && is_own(f, p))
        fief_free_sized(f, p, size);
    else
        free_slow(p);
}

FIEF_API void free_aligned_sized(void *p, size_t alignment, size_t size) {
    (void)alignment;
    free_sized(p, size);
}

/* ---- realloc ---- */

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Another heap's block stays where it is if it serves the size well; else the data moves to the caller's. */
static void *resize_anothers(fief *f, void *p, size_t size) {
    size_t usable = fief_usable_size(p);
    if (size <= usable && size >= usable / 2)
        return p;
    void *to = fief_alloc(f, size);
    if (to == NULL)
        return NULL;
    memcpy(to, p, smaller(usable, size));
    fief_free_home(f, p);
    return to;
}

FI_SLOW static void *realloc_slow(void *p, size_t size) {
    fief *f = fi_tenant_enter();
    void *to = NULL;
    if (f != NULL)
        to = is_own(f, p) || fief_usable_size(p) == 0 ? fief_realloc(f, p, size) : resize_anothers(f, p, size);
    fi_tenant_leave(f);
    return or_out_of_memory(to);
}

FIEF_API void *realloc(void *p, size_t size) {
    if (p == NULL)
        return malloc(size);
    if (size == 0) {
        free(p);
        return NULL;
    }
    return realloc_slow(p, size);
}

FIEF_API void *reallocarray(void *p, size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? or_out_of_memory(NULL) : realloc(p, bytes);
}

/* ---- alignment ---- */

static bool is_power_of_two(size_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

FIEF_API int posix_memalign(void **out, size_t alignment, size_t size) {
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    void *p = alloc_aligned(size, alignment);
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

/* An alignment that is no power of two means the next one. */
FIEF_API void *memalign(size_t alignment, size_t size) {
    size_t power = LEAST_ALIGNMENT;
    while (power < alignment && power <= SIZE_MAX / 4)
        power *= 2;
    if (power < alignment) {
        errno = EINVAL;
        return NULL;
    }
    return or_out_of_memory(alloc_aligned(size, power));
}

FIEF_API void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

FIEF_API void *valloc(size_t size) {
    return memalign((size_t)getpagesize(), size);
}

FIEF_API void *pvalloc(size_t size) {
    size_t page = (size_t)getpagesize();
    return size > SIZE_MAX - page ? or_out_of_memory(NULL) : memalign(page, (size + page - 1) / page * page);
}

FIEF_API size_t malloc_usable_size(void *p) {
    return p != NULL ? fief_usable_size(p) : 0;
}

/* ---- by the names that glibc has them under as well ---- */

#define ALSO(name, of) FIEF_API __typeof__(of) name __attribute__((alias(#of)))

ALSO(__libc_malloc, malloc);
ALSO(__libc_calloc, calloc);
ALSO(__libc_realloc, realloc);
ALSO(__libc_free, free);
ALSO(__libc_memalign, memalign);
ALSO(__libc_valloc, valloc);
ALSO(__libc_pvalloc, pvalloc);
ALSO(cfree, free);
