/* The exported verbs of debug.h that are about one heap. */
#include "debug/audit.h"
#include "debug/state.h"
#include "debug/tags.h"
#include "heap/alloc.h"
#include "heap/free.h"
#include "heap/realloc.h"

/* ---- blocks that say more of themselves ---- */

static void *alloc_as(fief *f, size_t size, fief_tag tag, fief_domain domain, bool zero, const char *operation,
                      const void *site) {
    const fi_request request = {.operation = operation,
                                .site = site,
                                .size = size,
                                .alignment = 1,
                                .tag = fi_tag_name(tag)[0] != 0 ? tag : 0,
                                .domain = domain,
                                .zero = zero};
    return fi_the_watch.alloc(f, &request);
}

void *fief_alloc_tagged(fief *f, size_t size, fief_tag tag) {
    if (f->own_lists != NULL)
        return alloc_as(f, size, tag, FIEF_DOMAIN_PLAIN, false, "fief_alloc_tagged", FI_CALLER());
    return fief_alloc(f, size);
}

void *fief_domain_alloc(fief *f, fief_domain domain, size_t size) {
    if (f->own_lists != NULL)
        return alloc_as(f, size, 0, domain, false, "fief_domain_alloc", FI_CALLER());
    return fief_alloc(f, size);
}

void *fief_domain_calloc(fief *f, fief_domain domain, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    if (f->own_lists != NULL)
        return alloc_as(f, bytes, 0, domain, true, "fief_domain_calloc", FI_CALLER());
    return fief_zalloc(f, bytes);
}

void *fief_domain_realloc(fief *f, fief_domain domain, void *p, size_t size) {
    if (p == NULL)
        return fief_domain_alloc(f, domain, size);
    if (f->own_lists == NULL)
        return fief_realloc(f, p, size);
    fi_release how = FI_RELEASE("fief_domain_realloc", FI_CALLER());
    how.domain = domain;
    return fi_heap_realloc_found(f, p, size, &how);
}

void fief_domain_free(fief *f, fief_domain domain, void *p) {
    if (f->own_lists == NULL || p == NULL) {
        fief_free(f, p);
        return;
    }
    fi_release how = FI_RELEASE("fief_domain_free", FI_CALLER());
    how.domain = domain;
    fi_heap_free_found(f, p, &how);
}

void fief_free_aligned_sized(fief *f, void *p, size_t alignment, size_t size) {
    if (f->own_lists == NULL || p == NULL) {
        fief_free_sized(f, p, size);
        return;
    }
    fi_release how = FI_RELEASE("fief_free_aligned_sized", FI_CALLER());
    how.size = size;
    how.alignment = alignment;
    fi_heap_free_found(f, p, &how);
}

/* ---- looking ---- */

size_t fief_check(fief *f) {
    return fi_misuse_check_handle(f, "fief_check") ? fi_audit(f, FI_CALLER()) : 0;
}

void fief_break_at(fief *f, uint64_t serial) {
    if (fi_misuse_check_handle(f, "fief_break_at") && f->debug != NULL)
        f->debug->break_at = serial;
}

/* Only a foreign block can go home; and an ended interpreter's can't be refused. */
static bool is_possible(fief_misuse kind, fief_policy policy) {
    bool foreign = kind == FIEF_MISUSE_FOREIGN_FREE || kind == FIEF_MISUSE_FOREIGN_REALLOC;
    return kind > 0 && kind < FIEF_MISUSE_COUNT && policy >= FIEF_POLICY_DEFAULT && policy <= FIEF_POLICY_IGNORE &&
           (policy != FIEF_POLICY_ROUTE || foreign);
}

fief_status fief_policy_set(fief *f, fief_misuse kind, fief_policy policy) {
    if (!is_possible(kind, policy))
        return FIEF_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_policy_set"))
        return FIEF_BAD_STATE;
    f->policies[kind] = (uint8_t)policy;
    fi_store_relaxed(&f->slot->policies[kind], (uint8_t)policy);
    return FIEF_OK;
}
