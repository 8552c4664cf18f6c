/* heap/alloc: any size and any alignment gets a block of the right class, or of whole pages, or nothing. */
#include "heap/alloc.h"

#include "heap/large.h"
#include "heap/pools.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/pages.h"

static fief *heap;

static void set_up(void) {
    heap = create(named("alloc"));
    while (heap->count.reserved_bytes <= 1 << 20) /* classes of a small heap borrow from each other */
        cr_assert_not_null(fi_heap_alloc(heap, 16 * 1024, NULL));
}

TestSuite(alloc, .init = set_up);

Test(alloc, each_size_gets_the_block_of_its_class) {
    for (size_t size = 0; size <= FI_SMALL_BYTES; size += 1 + size / 50) {
        const char *block = fi_heap_alloc(heap, size, NULL);
        const fi_pool *pool = fi_heap_pool_of(heap, block);
        assert_equal(pool->size_class, fi_class_of(size, heap->fast.round));
        assert_equal(fi_heap_good_size(heap, size), fi_class_bytes(pool->size_class));
    }
}

Test(alloc, beyond_the_classes_a_block_is_pages) {
    for (size_t size = FI_SMALL_BYTES + 1; size < 3 << 20; size *= 2) {
        const fi_pool *pool = fi_heap_pool_of(heap, fi_heap_alloc(heap, size, NULL));
        assert_equal(pool->large_bytes, fi_large_usable(size));
        assert_equal(fi_heap_good_size(heap, size), fi_large_usable(size));
    }
}

Test(alloc, what_no_object_can_be_is_refused) {
    static const size_t sizes[] = {(size_t)PTRDIFF_MAX - FI_UNIT_BYTES + 1, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
                                   SIZE_MAX - 15, SIZE_MAX};
    fi_counters before = heap->count;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert_null(fi_heap_alloc(heap, sizes[i], NULL));
        cr_assert_null(fi_heap_alloc_growing(heap, sizes[i], NULL));
        cr_assert_null(fi_heap_zalloc(heap, sizes[i], NULL));
        for (size_t alignment = 1; alignment != 0; alignment *= 2)
            cr_assert_null(fi_heap_alloc_aligned(heap, sizes[i], alignment, NULL));
        assert_equal(fi_heap_good_size(heap, sizes[i]), 0);
    }
    assert_equal(heap->count.charged_bytes, before.charged_bytes);
    assert_equal(heap->count.arenas, before.arenas);
}

Test(alloc, the_largest_size_there_is_room_for_no_object_of_is_exhaustion) {
    size_t size = (size_t)PTRDIFF_MAX - FI_UNIT_BYTES;
    cr_assert_null(fi_heap_alloc(heap, size, NULL));
    cr_assert_neq(fi_heap_good_size(heap, size), 0);
}

Test(alloc, zeros_are_asked_for_and_had) {
    for (unsigned turn = 0; turn < 3; turn++)
        for (size_t size = 1; size <= 1 << 20; size = size * 3 / 2 + 1) {
            void *block = fi_heap_zalloc(heap, size, NULL);
            cr_assert(is_zeros(block, size), "%zu bytes", size);
            memset(block, 0xEE, size);
            fief_free(heap, block);
        }
}

Test(alloc, any_alignment_of_any_size_is_met) {
    for (size_t alignment = 1; alignment <= 1 << 20; alignment *= 2)
        for (size_t size = 0; size <= 40000; size = size * 2 + 7) {
            void *block = fi_heap_alloc_aligned(heap, size, alignment, NULL);
            cr_assert_not_null(block);
            assert_equal((uintptr_t)block % alignment, 0);
            assert_at_least(fief_usable_size(block), size);
            memset(block, 0xEE, size);
        }
}

Test(alloc, what_is_no_power_of_two_is_no_alignment) {
    static const size_t alignments[] = {0, 3, 6, 24, 4095, 4097, SIZE_MAX};
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++)
        cr_assert_null(fi_heap_alloc_aligned(heap, 64, alignments[i], NULL), "alignment %zu", alignments[i]);
}

Test(alloc, aligned_blocks_of_up_to_a_page_come_from_classes) {
    for (size_t alignment = 32; alignment <= 4096; alignment *= 2)
        cr_assert(fi_pool_is_small(fi_heap_pool_of(heap, fi_heap_alloc_aligned(heap, 1, alignment, NULL))));
}
