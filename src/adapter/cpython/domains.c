/* CPython's rules: size 0 gives a block like any other, a new one each time; blocks are aligned to 16 bytes; a
 * realloc of NULL allocates. All of them are a fief's own. Each function has its way for the main interpreter,
 * with the fast paths compiled in, and another function for all else, so that the common way saves no register.
 *
 * CPython makes a temporary object for almost every one that stays: what it frees is to be used again first. */
#include "adapter/cpython/domains.h"

#include "adapter/cpython/tenants.h"
#include "fief/inline.h"

#include <string.h>

#define APART __attribute__((noinline))

/* ---- threads without an interpreter ---- */

static void *outside_alloc(size_t count, size_t size) {
    fief *heap = fi_tenants_borrow_outside();
    void *p = heap != NULL ? fief_calloc(heap, count, size) : NULL;
    fi_tenants_give_back_outside();
    return p;
}

/* Of anybody's block: the new one is outside. */
static void *outside_realloc(void *p, size_t size) {
    void *moved = outside_alloc(1, size);
    if (moved == NULL || p == NULL)
        return moved;
    size_t old_size = fief_usable_size(p);
    memcpy(moved, p, old_size < size ? old_size : size);
    fief_free_remote(p);
    return moved;
}

/* ---- any interpreter ---- */

APART static void *any_malloc(size_t size) {
    fief *heap = fi_tenants_current();
    return heap != NULL ? fief_inline_alloc(heap, size) : outside_alloc(1, size);
}

APART static void *any_calloc(size_t count, size_t size) {
    fief *heap = fi_tenants_current();
    return heap != NULL ? fief_calloc(heap, count, size) : outside_alloc(count, size);
}

APART static void *any_realloc(void *p, size_t size) {
    fief *heap = fi_tenants_current();
    bool outside = heap == NULL || fi_tenants_owns_outside(p);
    return outside ? outside_realloc(p, size) : fief_realloc(heap, p, size);
}

APART static void any_free(void *p) {
    if (p == NULL)
        return;
    fief *heap = fi_tenants_current();
    if (heap == NULL || fi_tenants_owns_outside(p))
        fief_free_remote(p);
    else
        fief_inline_free_hot(heap, p);
}

/* ---- what CPython calls ---- */

static void *domain_malloc(void *ctx, size_t size) {
    (void)ctx;
    fief *heap = fi_tenants_if_main();
    if (FIEF_FAST_UNLIKELY(heap == NULL))
        return any_malloc(size);
    return fief_inline_alloc(heap, size);
}

static void *domain_calloc(void *ctx, size_t count, size_t size) {
    (void)ctx;
    fief *heap = fi_tenants_if_main();
    return heap != NULL ? fief_calloc(heap, count, size) : any_calloc(count, size);
}

static void *domain_realloc(void *ctx, void *p, size_t size) {
    (void)ctx;
    fief *heap = fi_tenants_if_main();
    return heap != NULL ? fief_realloc(heap, p, size) : any_realloc(p, size);
}

/* NULL is rare, and goes the slow way. */
static void domain_free(void *ctx, void *p) {
    (void)ctx;
    fief *heap = fi_tenants_if_main();
    if (FIEF_FAST_UNLIKELY(heap == NULL))
        any_free(p);
    else
        fief_inline_free_hot(heap, p);
}

const fi_py_allocator fi_domains_allocator = {NULL, domain_malloc, domain_calloc, domain_realloc, domain_free};
