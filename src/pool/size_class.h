/* Size classes.
 *
 * 64 fine classes, one for each multiple of 8 bytes up to 512 (a handle of alignment 16 uses every other one), and
 * 40 coarse ones up to 16 KiB, eight to a doubling: at most 12.5% of a block above 128 bytes is waste. Larger
 * blocks are whole pages. The smallest block is 16 bytes, room for a free block's two words. */
#ifndef FI_POOL_SIZE_CLASS_H
#define FI_POOL_SIZE_CLASS_H

#include "base/bits.h"

enum {
    FI_FINE_CLASSES = 64,
    FI_COARSE_CLASSES = 40,
    FI_CLASSES = FI_FINE_CLASSES + FI_COARSE_CLASSES,
    FI_FINE_BYTES = 512,        /* the largest block of a fine class */
    FI_SMALL_BYTES = 16 * 1024, /* the largest block of any class */
    FI_LEAST_BLOCK_BYTES = 16
};

typedef struct fi_size_class {
    uint64_t multiplier; /* 2^64 / bytes, rounded down, plus 1 */
    uint32_t bytes;      /* a block's size: all of it usable */
} fi_size_class;

extern const fi_size_class fi_size_classes[FI_CLASSES];

/* `round` is the handle's alignment less 1; size is at most FI_FINE_BYTES, or FI_SMALL_BYTES for the coarse one.
 */
static inline unsigned fi_fine_class(size_t size, size_t round) {
    return (unsigned)(((size != 0 ? size - 1 : 0) | round) >> 3);
}

static inline unsigned fi_coarse_class(size_t size) {
    unsigned step = fi_highest_bit(size - 1) - 3; /* 2^step bytes between this doubling's classes */
    return FI_FINE_CLASSES + (step - 6) * 8 + (unsigned)((size - 1) >> step) - 8;
}

static inline unsigned fi_class_of(size_t size, size_t round) {
    return size <= FI_FINE_BYTES ? fi_fine_class(size, round) : fi_coarse_class(size);
}

static inline size_t fi_class_bytes(unsigned size_class) {
    return fi_size_classes[size_class].bytes;
}

/* What a multiplier exceeds 2^64 by once it is multiplied by the block size: 1 to `bytes`. */
static inline uint64_t fi_class_excess(unsigned size_class) {
    return fi_size_classes[size_class].multiplier * fi_size_classes[size_class].bytes;
}

__extension__ typedef unsigned __int128 fi_uint128;

/* offset / block size, for offsets inside a granule. */
static inline size_t fi_class_divide(unsigned size_class, size_t offset) {
    return (size_t)(((fi_uint128)offset * fi_size_classes[size_class].multiplier) >> 64);
}

#endif
