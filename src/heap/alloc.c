#include "heap/alloc.h"

#include "heap/large.h"
#include "heap/refill.h"
#include "heap/watch.h"

#include <string.h>

/* A block that has grown beyond GROWING_BYTES is likely to grow on: as a large one it does so in place. */
enum { MOST_CLASS_ALIGNMENT = 4096, GROWING_BYTES = 8 * 1024 };

static void *alloc_large(fief *f, size_t size, size_t alignment, bool zero, bool growing) {
    if (size > PTRDIFF_MAX - FI_UNIT_BYTES) /* leaves room to round up */
        return NULL;
    return fi_large_alloc(f, &(fi_large_request){size, alignment, zero, growing});
}

static void *watched_alloc(fief *f, const char *operation, size_t size, size_t alignment, bool zero,
                           const void *site) {
    const fi_request request = {
        .operation = operation, .site = site, .size = size, .alignment = alignment, .zero = zero};
    return fi_the_watch.alloc(f, &request);
}

/* The list was empty. */
FI_SLOW static void *miss(fief *f, size_t size, const void *site) {
    return fi_watch_wants(f) ? watched_alloc(f, "fief_alloc", size, 1, false, site)
                             : fi_heap_refill(f, fi_class_of(size, f->fast.round));
}

static void *alloc(fief *f, size_t size, bool growing, const void *site) {
    if (size > FI_SMALL_BYTES || (growing && size > GROWING_BYTES))
        return fi_watch_wants(f) ? watched_alloc(f, "fief_alloc", size, 1, false, site)
                                 : alloc_large(f, size, 1, false, growing);
    void *p = fi_heap_pop(f, fi_class_of(size, f->fast.round));
    return FI_LIKELY(p != NULL) ? p : miss(f, size, site);
}

void *fi_heap_alloc(fief *f, size_t size, const void *site) {
    return alloc(f, size, false, site);
}

void *fi_heap_alloc_growing(fief *f, size_t size, const void *site) {
    return alloc(f, size, true, site);
}

FI_SLOW static void *zalloc_slow(fief *f, size_t size, const void *site) {
    if (fi_watch_wants(f))
        return watched_alloc(f, "fief_zalloc", size, 1, true, site);
    if (size > FI_SMALL_BYTES)
        return alloc_large(f, size, 1, true, false);
    void *p = fi_heap_refill(f, fi_class_of(size, f->fast.round));
    return p != NULL ? memset(p, 0, size) : NULL;
}

void *fi_heap_zalloc(fief *f, size_t size, const void *site) {
    if (size > FI_SMALL_BYTES)
        return zalloc_slow(f, size, site);
    void *p = fi_heap_pop(f, fi_class_of(size, f->fast.round));
    return FI_LIKELY(p != NULL) ? memset(p, 0, size) : zalloc_slow(f, size, site);
}

/* Every block of a class is aligned to whatever power of two divides its size: pools start on a page, behind a
 * handle on a multiple of 1 KiB, where only fine classes go, or in a watched heap on a multiple of just that
 * power.
 */
static unsigned aligned_class(const fief *f, size_t size, size_t alignment) {
    unsigned size_class = fi_class_of(fi_round_up(size != 0 ? size : 1, alignment), f->fast.round);
    while (fi_class_bytes(size_class) % alignment != 0)
        size_class++; /* the last class is a multiple of every such alignment */
    return size_class;
}

void *fi_heap_alloc_aligned(fief *f, size_t size, size_t alignment, const void *site) {
    if (!fi_is_power_of_two(alignment) || size > PTRDIFF_MAX)
        return NULL;
    if (fi_watch_wants(f))
        return watched_alloc(f, "fief_alloc_aligned", size, alignment, false, site);
    if (alignment <= f->fast.round + 1)
        return alloc(f, size, false, site);
    if (alignment > MOST_CLASS_ALIGNMENT || size > FI_SMALL_BYTES)
        return alloc_large(f, size, alignment, false, false);
    unsigned size_class = aligned_class(f, size, alignment);
    void *p = fi_heap_pop(f, size_class);
    return p != NULL ? p : fi_heap_refill(f, size_class);
}

void *fi_heap_alloc_raw(fief *f, size_t size, size_t alignment, bool zero) {
    if (size > FI_SMALL_BYTES || alignment > MOST_CLASS_ALIGNMENT)
        return alloc_large(f, size, alignment, zero, false);
    unsigned size_class = aligned_class(f, size, alignment);
    void *p = fi_heap_pop_from(fi_heap_list(f, size_class));
    return FI_LIKELY(p != NULL) ? p : fi_heap_refill(f, size_class);
}

size_t fi_heap_good_size(const fief *f, size_t size) {
    if (size > PTRDIFF_MAX - FI_UNIT_BYTES)
        return 0;
    if (f->debug != NULL) /* it may be watched: behind its last byte comes a guard */
        return size;
    return size <= FI_SMALL_BYTES ? fi_class_bytes(fi_class_of(size, f->fast.round)) : fi_large_usable(size);
}
