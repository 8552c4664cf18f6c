/* pool/size_class: what the header promises of the classes, for every size, every class and every offset. */
#include "pool/size_class.h"

#include "arena/descriptor.h"
#include "support/compare.h"
#include "support/random.h"

static const size_t rounds[] = {8 - 1, 16 - 1}; /* both alignments, less 1 */

#define FOR_SIZES(size, round)                                                                                    \
    for (unsigned i_ = 0; i_ < 2; i_++)                                                                           \
        for (size_t size = 0, round = rounds[i_]; size <= FI_SMALL_BYTES; size++)

#define FOR_CLASSES(c) for (unsigned c = 0; c < FI_CLASSES; c++)

static size_t bytes_for(size_t size, size_t round) {
    return fi_class_bytes(fi_class_of(size, round));
}

/* ---- sizes ---- */

Test(size_class, a_block_holds_what_was_asked_for) {
    FOR_SIZES (size, round)
        assert_at_least(bytes_for(size, round), size);
}

Test(size_class, blocks_are_multiples_of_the_alignment) {
    FOR_SIZES (size, round)
        assert_equal(bytes_for(size, round) & round, 0);
}

Test(size_class, a_larger_size_never_gets_a_smaller_block) {
    FOR_SIZES (size, round)
        if (size > 0)
            assert_at_least(bytes_for(size, round), bytes_for(size - 1, round));
}

Test(size_class, waste_is_at_most_an_eighth_above_128_bytes) {
    FOR_SIZES (size, round)
        if (size > 128)
            assert_at_most((bytes_for(size, round) - size) * 8, bytes_for(size, round));
}

Test(size_class, waste_is_less_than_the_alignment_up_to_512_bytes) {
    FOR_SIZES (size, round)
        if (size > 8 && size <= FI_FINE_BYTES)
            assert_at_most(bytes_for(size, round) - size, round);
}

Test(size_class, the_smallest_block_holds_a_free_blocks_words) {
    assert_at_least(FI_LEAST_BLOCK_BYTES, sizeof(fi_block));
    FOR_CLASSES(c)
    assert_at_least(fi_class_bytes(c), FI_LEAST_BLOCK_BYTES);
}

/* Class 0 is for the sizes up to 8, and has class 1's blocks. */
Test(size_class, every_class_serves_the_size_of_its_block) {
    for (unsigned c = 1; c < FI_CLASSES; c++)
        assert_equal(fi_class_of(fi_class_bytes(c), 8 - 1), c);
    assert_equal(fi_class_of(1, 8 - 1), 0);
}

Test(size_class, the_largest_class_is_the_largest_small_size) {
    assert_equal(fi_class_of(FI_SMALL_BYTES, 16 - 1), FI_CLASSES - 1);
    assert_equal(fi_class_bytes(FI_CLASSES - 1), FI_SMALL_BYTES);
    assert_equal(fi_class_bytes(FI_FINE_CLASSES - 1), FI_FINE_BYTES);
}

/* ---- the multiplier ---- */

Test(size_class, division_by_multiplying_is_exact_inside_a_granule) {
    FOR_CLASSES(c)
    for (size_t offset = 0; offset < FI_GRANULE_BYTES; offset++)
        assert_equal(fi_class_divide(c, offset), offset / fi_class_bytes(c));
}

Test(size_class, the_excess_is_what_the_multiplier_is_too_large_by) {
    FOR_CLASSES(c) {
        fi_uint128 product = (fi_uint128)fi_size_classes[c].multiplier * fi_class_bytes(c);
        assert_equal((uint64_t)(product >> 64), 1);
        assert_equal((uint64_t)product, fi_class_excess(c));
        assert_at_least(fi_class_excess(c), 1);
        assert_at_most(fi_class_excess(c), fi_class_bytes(c));
    }
}

/* ---- the one compare of arena/descriptor.h ---- */

/* What a free computes, for a pointer that lies `distance` bytes behind where the caller's own first block is: the
 * distance in the pool, plus the distance between the caller's handle and the owner's. */
static bool accepts(unsigned size_class, uint64_t distance, unsigned carved) {
    return distance * fi_size_classes[size_class].multiplier < carved * fi_class_excess(size_class);
}

static unsigned capacity(unsigned size_class) {
    return (unsigned)(FI_GRANULE_BYTES / fi_class_bytes(size_class));
}

Test(size_class, one_compare_accepts_the_starts_of_carved_blocks_and_nothing_else) {
    FOR_CLASSES(c) {
        const unsigned carved[] = {0, 1, 2, capacity(c) / 2, capacity(c) - 1, capacity(c)};
        for (unsigned i = 0; i < sizeof carved / sizeof *carved; i++)
            for (size_t offset = 0; offset < FI_GRANULE_BYTES; offset++) {
                bool is_block = offset % fi_class_bytes(c) == 0 && offset / fi_class_bytes(c) < carved[i];
                cr_assert_eq(accepts(c, offset, carved[i]), is_block, "class %u, offset %zu, %u carved", c, offset,
                             carved[i]);
            }
    }
}

/* A pool may begin behind a handle. */
Test(size_class, one_compare_refuses_what_lies_before_the_first_block) {
    FOR_CLASSES(c)
    for (uint64_t before = 1; before <= FI_GRANULE_BYTES; before++)
        cr_assert_not(accepts(c, -before, capacity(c)), "class %u, %ju before", c, (uintmax_t)before);
}

/* Another owner's handle, or an address whose entry of the map is the same, is a multiple of a granule away. */
static void assert_refused_from_afar(uint64_t granules) {
    const uint64_t distance = granules << FI_GRANULE_SHIFT;
    FOR_CLASSES(c)
    for (uint64_t offset = 0; offset < FI_GRANULE_BYTES; offset += 8) {
        cr_assert_not(accepts(c, offset + distance, capacity(c)), "class %u, offset %ju, %ju granules", c,
                      (uintmax_t)offset, (uintmax_t)granules);
        cr_assert_not(accepts(c, offset - distance, capacity(c)), "class %u, offset %ju, -%ju granules", c,
                      (uintmax_t)offset, (uintmax_t)granules);
    }
}

Test(size_class, one_compare_refuses_another_owners_handle_however_near) {
    for (uint64_t granules = 1; granules <= 8; granules++)
        assert_refused_from_afar(granules);
}

Test(size_class, one_compare_refuses_another_owners_handle_however_far) {
    random_source rng = random_seeded(1);
    for (unsigned bit = 3; bit < 47 - FI_GRANULE_SHIFT; bit++)
        assert_refused_from_afar((uint64_t)1 << bit | (random_next(&rng) & (((uint64_t)1 << bit) - 1)));
}
