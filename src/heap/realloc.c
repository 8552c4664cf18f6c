#include "heap/realloc.h"

#include "heap/alloc.h"
#include "heap/free.h"
#include "heap/immortal.h"
#include "heap/large.h"
#include "heap/pools.h"

#include <string.h>

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* A block of f's own that moves. A shrink that finds no memory leaves it where it is. */
static void *move(fief *f, void *p, size_t usable, size_t size, const void *site) {
    void *to = size <= FI_FINE_BYTES ? fief_inline_alloc(f, size)
               : size > usable       ? fi_heap_alloc_growing(f, size, site)
                                     : fi_heap_alloc(f, size, site);
    if (to == NULL)
        return size <= usable ? p : NULL;
    memcpy(to, p, smaller(usable, size));
    fief_inline_free(f, p);
    return to;
}

/* As long as it is not less than half used it stays large, and grows in place where it can. */
static void *resize_large(fief *f, fi_pool *pool, void *p, size_t size, const void *site) {
    size_t usable = pool->large_bytes;
    bool stays_large = size > FI_SMALL_BYTES || size >= usable / 2;
    if (stays_large && size <= PTRDIFF_MAX - FI_UNIT_BYTES) {
        bool refused = false;
        void *there = fi_large_resize(f, pool, size, &refused);
        if (there != NULL || refused)
            return there;
    }
    return move(f, p, usable, size, site);
}

static void *resize_own(fief *f, const fi_found *found, void *p, size_t size, fi_incident incident,
                        const fi_release *how) {
    void *result;
    if (f->debug != NULL && fi_the_watch.resize(f, found, size, how, &result))
        return result;
    if (fi_found_is_free(f, found)) {
        incident.kind = FIEF_MISUSE_DOUBLE_FREE;
        fi_misuse(&incident);
        return NULL;
    }
    if (!fi_pool_is_small(found->pool))
        return resize_large(f, found->pool, p, size, how->site);
    return fi_heap_stays(found->block_bytes, size) ? p : move(f, p, found->block_bytes, size, how->site);
}

/* Into the caller's heap. */
static void *copy(fief *f, const fi_found *found, size_t size, const void *site) {
    void *to = fi_heap_alloc(f, size, site);
    return to != NULL ? memcpy(to, found->block, smaller(found->block_bytes, size)) : NULL;
}

/* The data moves to the caller's heap, the block goes home. */
static void *adopt(fief *f, fi_found *found, fi_incident incident, size_t size) {
    void *to = copy(f, found, size, incident.site);
    if (to == NULL)
        return NULL;
    if (fi_heap_send_home(f, found, incident))
        return to;
    fief_inline_free(f, to);
    return NULL;
}

void *fi_heap_realloc_found(fief *f, void *p, size_t size, const fi_release *how) {
    if (!fi_misuse_check_handle(f, how->operation))
        return NULL;
    void *result;
    if (f->debug != NULL && fi_the_watch.resize_at(f, p, size, how, &result))
        return result;
    fi_found found = fi_find(p);
    fi_incident incident = fi_found_incident(&found, p, f, how->operation);
    incident.site = how->site;
    if (found.place == FI_PLACE_GIVEN_BACK && fi_found_is_watched(&found))
        incident.kind = FIEF_MISUSE_REALLOC_AFTER_FREE;
    if (found.place != FI_PLACE_BLOCK || fi_found_is_late(f, &found)) {
        fi_heap_blame(f, &found, &incident);
        return NULL;
    }
    if (fi_found_is_immortal(&found)) {
        fi_immortal_meet(f, &found, &incident, "the block stays, the caller gets a copy");
        return copy(f, &found, size, how->site);
    }
    if (fi_found_is_own(f, &found))
        return resize_own(f, &found, p, size, incident, how);
    incident.kind = found.is_free ? FIEF_MISUSE_REALLOC_AFTER_FREE : FIEF_MISUSE_FOREIGN_REALLOC;
    if (found.is_free) {
        fi_heap_blame(f, &found, &incident);
        return NULL;
    }
    if (!fi_heap_meet_foreign(f, &found, &incident, "the data moves to the caller, the block goes home"))
        return NULL;
    return adopt(f, &found, incident, size);
}

FI_SLOW static void *find_and_resize(fief *f, void *p, size_t size, size_t old_size, const char *operation,
                                     const void *site) {
    fi_release how = FI_RELEASE(operation, site);
    how.size = old_size;
    return fi_heap_realloc_found(f, p, size, &how);
}

/* A block of the heap's own that moves, or a large one, is what remains most of the time. */
void *fi_heap_realloc_slow(fief *f, void *p, size_t size, size_t old_size, const char *operation,
                           const void *site) {
    const fief_fast_pool *pool = fief_fast_pool_of(f, p);
    if (FI_LIKELY(fief_fast_holds(f, pool, p)) && FI_LIKELY(((fi_block *)p)->mark != (uintptr_t)p))
        return move(f, p, fi_class_bytes(((const fi_pool *)pool)->size_class), size, site);
    fi_pool *large = fi_find_own_large(f, p);
    return large != NULL ? resize_large(f, large, p, size, site)
                         : find_and_resize(f, p, size, old_size, operation, site);
}
