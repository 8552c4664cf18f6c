#include "heap/alloc.h"

#include "heap/large.h"
#include "heap/refill.h"

#include <string.h>

/* A block that has grown beyond GROWING_BYTES is likely to grow on: as a large one it does so in place. */
enum { MOST_CLASS_ALIGNMENT = 4096, GROWING_BYTES = 8 * 1024 };

static void *alloc_large(fief *f, size_t size, size_t alignment, bool zero, bool growing) {
    if (size > PTRDIFF_MAX - FI_UNIT_BYTES) /* leaves room to round up */
        return NULL;
    return fi_large_alloc(f, &(fi_large_request){size, alignment, zero, growing});
}

static void *alloc(fief *f, size_t size, bool growing) {
    if (size > FI_SMALL_BYTES || (growing && size > GROWING_BYTES))
        return alloc_large(f, size, 1, false, growing);
    return fi_heap_pop(f, fi_class_of(size, f->fast.round));
}

void *fi_heap_alloc(fief *f, size_t size) {
    return alloc(f, size, false);
}

void *fi_heap_alloc_growing(fief *f, size_t size) {
    return alloc(f, size, true);
}

void *fi_heap_zalloc(fief *f, size_t size) {
    if (size > FI_SMALL_BYTES)
        return alloc_large(f, size, 1, true, false);
    void *p = fi_heap_pop(f, fi_class_of(size, f->fast.round));
    return p != NULL ? memset(p, 0, size) : NULL;
}

/* Every block of a class is aligned to whatever power of two divides its size: pools start on a page, or behind a
 * handle on a multiple of 1 KiB, where only fine classes go. */
void *fi_heap_alloc_aligned(fief *f, size_t size, size_t alignment) {
    if (!fi_is_power_of_two(alignment) || size > PTRDIFF_MAX)
        return NULL;
    if (alignment <= f->fast.round + 1)
        return alloc(f, size, false);
    if (alignment > MOST_CLASS_ALIGNMENT || size > FI_SMALL_BYTES)
        return alloc_large(f, size, alignment, false, false);
    unsigned size_class = fi_class_of(fi_round_up(size != 0 ? size : 1, alignment), f->fast.round);
    while (fi_class_bytes(size_class) % alignment != 0)
        size_class++; /* the last class is a multiple of every such alignment */
    return fi_heap_pop(f, size_class);
}

size_t fi_heap_good_size(const fief *f, size_t size) {
    if (size > PTRDIFF_MAX - FI_UNIT_BYTES)
        return 0;
    return size <= FI_SMALL_BYTES ? fi_class_bytes(fi_class_of(size, f->fast.round)) : fi_large_usable(size);
}
