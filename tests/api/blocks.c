/* Blocks: what fief_alloc and its kin give, what they refuse, and what is known of a block. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/pages.h"
#include "support/random.h"

#include <fief/inline.h>

static fief *heaps[2]; /* of alignment 8 and 16 */
static const size_t alignments[] = {8, 16};

static void set_up(void) {
    for (unsigned i = 0; i < 2; i++) {
        fief_config config = named("blocks");
        config.alignment = alignments[i];
        heaps[i] = create(config);
    }
}

TestSuite(blocks, .init = set_up);

#define FOR_HEAPS(f, alignment)                                                                                   \
    for (unsigned heap_ = 0; heap_ < 2; heap_++)                                                                  \
        for (fief *f = heaps[heap_]; f != NULL; f = NULL)                                                         \
            for (size_t alignment = alignments[heap_]; alignment != 0; alignment = 0)

/* ---- what is given ---- */

Test(blocks, nothing_is_a_size_like_any_other) {
    enum { COUNT = 100 };
    FOR_HEAPS (f, alignment) {
        void *blocks[COUNT];
        for (unsigned i = 0; i < COUNT; i++) {
            blocks[i] = opaque(fief_alloc(f, 0));
            cr_assert_not_null(blocks[i]);
            assert_equal((uintptr_t)blocks[i] % alignment, 0);
            for (unsigned k = 0; k < i; k++)
                cr_assert_neq(blocks[i], blocks[k]);
        }
        for (unsigned i = 0; i < COUNT; i++)
            fief_free(f, blocks[i]);
        assert_equal(exact_stats(f).live_blocks, 0);
    }
}

Test(blocks, every_kind_is_aligned_and_all_of_it_is_usable) {
    FOR_HEAPS (f, alignment)
        FOR_KINDS (kind) {
            unsigned char *block = allocate_kind(f, kind);
            cr_assert_not_null(block);
            assert_equal((uintptr_t)block % alignment, 0);
            assert_equal((uintptr_t)block % (kind.alignment != 0 ? kind.alignment : 1), 0);
            assert_at_least(fief_usable_size(block), kind.size);
            memset(block, 0xEE, fief_usable_size(block));
        }
}

Test(blocks, every_small_size_is_aligned) {
    FOR_HEAPS (f, alignment)
        for (size_t size = 0; size < 2000; size++)
            assert_equal((uintptr_t)fief_alloc(f, size) % alignment, 0);
}

Test(blocks, the_good_size_is_what_is_given_at_least) {
    FOR_HEAPS (f, alignment)
        FOR_KINDS (kind) {
            size_t good = fief_good_size(f, kind.size);
            assert_at_least(good, kind.size);
            assert_equal(good % alignment, 0);
            assert_equal(fief_good_size(f, good), good);
            assert_at_least(fief_usable_size(fief_alloc(f, kind.size)), good);
        }
}

Test(blocks, filling_one_leaves_all_others_alone) {
    static unsigned char *blocks[KINDS * 4];
    FOR_HEAPS (f, alignment) {
        for (unsigned i = 0; i < KINDS * 4; i++) {
            blocks[i] = allocate_kind(f, kind_number(i % KINDS));
            memset(blocks[i], (int)(i % 251), fief_usable_size(blocks[i]));
        }
        for (unsigned i = 0; i < KINDS * 4; i++)
            for (size_t k = 0, usable = fief_usable_size(blocks[i]); k < usable; k += 1 + k / 64)
                assert_equal(blocks[i][k], i % 251);
    }
}

/* ---- zeros ---- */

/* Every byte was written to by the block's last holder. */
static void assert_zeros_after_dirt(fief *f, size_t size, void *(*allocate)(fief *f, size_t size)) {
    for (unsigned turn = 0; turn < 3; turn++) {
        unsigned char *block = allocate(f, size);
        cr_assert(is_zeros(block, size), "%zu bytes, turn %u", size, turn);
        memset(block, 0xEE, size);
        fief_free(f, block);
    }
}

static void *calloc_bytes(fief *f, size_t size) {
    return fief_calloc(f, size, 1);
}

Test(blocks, zalloc_and_calloc_give_zeros_where_there_was_dirt) {
    FOR_HEAPS (f, alignment)
        FOR_KINDS (kind) {
            assert_zeros_after_dirt(f, kind.size, fief_zalloc);
            assert_zeros_after_dirt(f, kind.size, calloc_bytes);
        }
}

Test(blocks, calloc_multiplies) {
    FOR_HEAPS (f, alignment) {
        const unsigned char *block = fief_calloc(f, 1000, 37);
        assert_at_least(fief_usable_size(block), 37000);
        cr_assert(is_zeros(block, 37000));
        cr_assert_not_null(fief_calloc(f, 0, 100));
        cr_assert_not_null(fief_calloc(f, 100, 0));
        cr_assert_not_null(fief_calloc(f, 0, opaque_size(SIZE_MAX)));
    }
}

/* ---- what is refused ---- */

Test(blocks, what_no_object_can_be_is_refused_by_all) {
    static const size_t sizes[] = {(size_t)PTRDIFF_MAX + 1,
                                   (size_t)PTRDIFF_MAX + 4096,
                                   SIZE_MAX - 4096,
                                   SIZE_MAX - 15,
                                   SIZE_MAX - 1,
                                   SIZE_MAX};
    FOR_HEAPS (f, alignment)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            size_t size = opaque_size(sizes[i]);
            cr_assert_null(fief_alloc(f, size));
            cr_assert_null(fief_zalloc(f, size));
            cr_assert_null(fief_calloc(f, 1, size));
            cr_assert_null(fief_calloc(f, size, 1));
            cr_assert_null(fief_inline_alloc(f, size));
            for (size_t a = 1; a != 0; a *= 2)
                cr_assert_null(fief_alloc_aligned(f, size, a));
            assert_equal(fief_good_size(f, size), 0);
        }
}

Test(blocks, a_product_that_overflows_is_refused) {
    static const size_t factors[][2] = {{SIZE_MAX, 2},
                                        {2, SIZE_MAX},
                                        {SIZE_MAX, SIZE_MAX},
                                        {(size_t)1 << 32, (size_t)1 << 32},
                                        {SIZE_MAX / 16 + 1, 16}};
    FOR_HEAPS (f, alignment)
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
            cr_assert_null(fief_calloc(f, opaque_size(factors[i][0]), opaque_size(factors[i][1])));
}

Test(blocks, what_the_system_cannot_give_is_refused_and_leaves_the_heap_as_it_was) {
    FOR_HEAPS (f, alignment) {
        uint64_t charged = exact_stats(f).charged_bytes;
        for (unsigned shift = 47; shift < 63; shift++)
            cr_assert_null(fief_alloc(f, opaque_size((size_t)1 << shift)));
        assert_equal(exact_stats(f).charged_bytes, charged);
        cr_assert_not_null(fief_alloc(f, 1 << 20));
    }
}

Test(blocks, an_alignment_that_is_no_power_of_two_is_refused) {
    static const size_t wrong[] = {0, 3, 12, 100, SIZE_MAX};
    FOR_HEAPS (f, alignment)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
            cr_assert_null(fief_alloc_aligned(f, 100, wrong[i]));
}

/* ---- alignment ---- */

Test(blocks, alignments_up_to_a_mebibyte_are_met_for_any_size) {
    FOR_HEAPS (f, least)
        for (size_t alignment = 1; alignment <= 1 << 20; alignment *= 2)
            for (size_t size = 0; size <= 2 << 20; size = size * 4 + 5) {
                unsigned char *block = fief_alloc_aligned(f, size, alignment);
                cr_assert_not_null(block);
                assert_equal((uintptr_t)block % alignment, 0);
                assert_equal((uintptr_t)block % least, 0);
                assert_at_least(fief_usable_size(block), size);
                memset(block, 0xEE, size);
                fief_free(f, block);
            }
}

/* ---- freeing ---- */

Test(blocks, freeing_nothing_is_nothing) {
    FOR_HEAPS (f, alignment) {
        fief_free(f, NULL);
        fief_free_sized(f, NULL, 100);
        fief_free_remote(NULL);
        fief_inline_free(f, NULL);
        assert_equal(exact_stats(f).misuses, 0);
    }
}

Test(blocks, a_free_with_any_size_frees_the_block) {
    static const size_t sizes[] = {0, 1, 100, 1 << 20, SIZE_MAX};
    FOR_HEAPS (f, alignment)
        FOR_KINDS (kind)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                fief_free_sized(f, allocate_kind(f, kind), sizes[i]);
                assert_equal(exact_stats(f).live_blocks, 0);
            }
}

Test(blocks, a_live_block_may_hold_any_content) {
    FOR_HEAPS (f, alignment)
        for (size_t size = 16; size <= 512; size += 8) {
            uintptr_t *block = fief_alloc(f, size);
            for (size_t i = 0; i < size / sizeof *block; i++)
                block[i] = (uintptr_t)block; /* as a free block would */
            fief_free(f, block);
            assert_equal(exact_stats(f).live_blocks, 0);
            assert_equal(exact_stats(f).misuses, 0);
        }
}

/* ---- what is known of a block ---- */

Test(blocks, only_a_blocks_start_has_a_usable_size) {
    FOR_HEAPS (f, alignment)
        FOR_KINDS (kind) {
            const char *block = allocate_kind(f, kind);
            size_t usable = fief_usable_size(block);
            assert_at_least(usable, kind.size);
            assert_equal(fief_usable_size(block + 1), 0);
            assert_equal(fief_usable_size(block + usable - 1), 0);
        }
}

Test(blocks, elsewhere_nothing_is_usable) {
    int local = 0;
    const void *const addresses[] = {NULL,
                                     (void *)8,
                                     &local,
                                     (void *)(uintptr_t)fief_create,
                                     (void *)UINTPTR_MAX,
                                     (void *)(uintptr_t)0xffff800000000000,
                                     heaps[0]};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        assert_equal(fief_usable_size(addresses[i]), 0);
}
