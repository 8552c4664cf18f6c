/* fief_realloc, fief_realloc_sized: a block grows and shrinks and keeps its content, or stays as it was. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/random.h"

static fief *heap;

static void set_up(void) {
    heap = create(named("realloc"));
}

TestSuite(realloc, .init = set_up);

/* A content that tells its place. */
static void fill(unsigned char *block, size_t size) {
    for (size_t i = 0; i < size; i += 1 + i / 128)
        block[i] = (unsigned char)(i * 7 % 253);
}

static void assert_filled(const unsigned char *block, size_t size) {
    for (size_t i = 0; i < size; i += 1 + i / 128)
        assert_equal(block[i], i * 7 % 253);
}

static unsigned char *filled(size_t size) {
    unsigned char *block = fief_alloc(heap, size);
    fill(block, size);
    return block;
}

/* ---- as in C ---- */

Test(realloc, of_nothing_it_allocates) {
    unsigned char *block = fief_realloc(heap, NULL, 100), *other = fief_realloc_sized(heap, NULL, 0, 100000);
    assert_at_least(fief_usable_size(block), 100);
    assert_at_least(fief_usable_size(other), 100000);
    assert_equal(exact_stats(heap).live_blocks, 2);
}

Test(realloc, to_nothing_it_is_no_free) {
    FOR_KINDS (kind) {
        void *block = fief_realloc(heap, allocate_kind(heap, kind), 0);
        cr_assert_not_null(block);
        assert_equal(exact_stats(heap).live_blocks, 1);
        fief_free(heap, block);
    }
}

Test(realloc, content_is_kept_from_every_kind_to_every_other) {
    FOR_KINDS (from)
        for (unsigned to = 0; to < KINDS; to += 3) {
            size_t size = kind_number(to).size;
            unsigned char *block = allocate_kind(heap, from);
            fill(block, from.size);
            block = fief_realloc(heap, block, size);
            assert_filled(block, size < from.size ? size : from.size);
            assert_at_least(fief_usable_size(block), size);
            fief_free(heap, block);
        }
    assert_equal(exact_stats(heap).live_blocks, 0);
}

Test(realloc, a_block_goes_from_small_to_huge_and_back) {
    static const size_t sizes[] = {10,      100,    1000,  10000, 100000, 1000000, 10000000, 30000000,
                                   3000000, 300000, 30000, 3000,  300,    30,      3};
    unsigned char *block = filled(10);
    size_t kept = 10;
    for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++) {
        block = fief_realloc(heap, block, sizes[i]);
        assert_filled(block, kept < sizes[i] ? kept : sizes[i]);
        fill(block, sizes[i]);
        kept = sizes[i];
    }
    assert_equal(exact_stats(heap).live_blocks, 1);
    fief_trim(heap);
    assert_at_most(exact_stats(heap).committed_bytes, 16 * 1024);
}

Test(realloc, many_blocks_grow_side_by_side) {
    enum { COUNT = 16 };
    unsigned char *blocks[COUNT] = {NULL};
    for (size_t size = 16, last = 0; size < 3 << 20; last = size, size += size / 2)
        for (unsigned i = 0; i < COUNT; i++) {
            blocks[i] = fief_realloc(heap, blocks[i], size);
            assert_filled(blocks[i], last);
            fill(blocks[i], size);
        }
}

/* ---- in place ---- */

Test(realloc, within_its_usable_size_a_block_stays) {
    FOR_KINDS (kind) {
        void *block = allocate_kind(heap, kind);
        cr_assert_eq(opaque(fief_realloc(heap, block, fief_usable_size(block))), block);
    }
}

Test(realloc, a_large_block_alone_grows_and_shrinks_in_place) {
    for (unsigned turn = 0; turn < 3; turn++) {
        unsigned char *block = filled(200000);
        cr_assert_eq(opaque(fief_realloc(heap, block, 400000)), block);
        cr_assert_eq(opaque(fief_realloc(heap, block, 20000)), block);
        cr_assert_eq(opaque(fief_realloc(heap, block, 300000)), block);
        assert_filled(block, 20000);
        fief_free(heap, block);
    }
}

Test(realloc, a_shrunk_block_is_charged_for_what_is_left) {
    void *block = filled(4000000);
    uint64_t before = exact_stats(heap).charged_bytes;
    block = fief_realloc(heap, block, 1000000);
    assert_at_most(exact_stats(heap).charged_bytes, before - 2990000);
    block = fief_realloc(heap, block, 20000);
    assert_at_most(exact_stats(heap).charged_bytes, before - 3970000);
    fief_free(heap, block);
}

/* ---- old_size ---- */

Test(realloc, a_wrong_old_size_does_no_harm) {
    static const size_t wrong[] = {0, 1, 99, 1000000, SIZE_MAX};
    FOR_KINDS (kind)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            unsigned char *block = allocate_kind(heap, kind);
            fill(block, kind.size);
            block = fief_realloc_sized(heap, block, wrong[i], kind.size * 3 + 100);
            assert_filled(block, kind.size);
            block = fief_realloc_sized(heap, block, wrong[i], kind.size / 3);
            assert_filled(block, kind.size / 3);
            fief_free(heap, block);
        }
}

/* ---- failure ---- */

static void assert_refused_and_intact(unsigned char *block, size_t size, size_t wanted) {
    size_t usable = fief_usable_size(block);
    fief_stats before = exact_stats(heap);
    cr_assert_null(fief_realloc(heap, block, wanted));
    cr_assert_null(fief_realloc_sized(heap, block, size, wanted));
    assert_equal(fief_usable_size(block), usable);
    assert_filled(block, size);
    fief_stats after = exact_stats(heap);
    assert_equal(after.live_blocks, before.live_blocks);
    assert_equal(after.charged_bytes, before.charged_bytes);
}

Test(realloc, a_size_that_no_object_can_have_leaves_the_block_as_it_was) {
    static const size_t sizes[] = {(size_t)PTRDIFF_MAX + 1, SIZE_MAX - 15, SIZE_MAX, (size_t)1 << 50};
    FOR_KINDS (kind) {
        unsigned char *block = allocate_kind(heap, kind);
        fill(block, kind.size);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            assert_refused_and_intact(block, kind.size, sizes[i]);
        fief_free(heap, block);
    }
}

Test(realloc, at_the_limit_the_block_stays_as_it_was) {
    FOR_KINDS (kind) {
        unsigned char *block = allocate_kind(heap, kind);
        fill(block, kind.size);
        cr_assert_eq(fief_limit_set(heap, &(fief_limit){.hard_bytes = 1}), FIEF_OK);
        assert_refused_and_intact(block, kind.size, 2 * kind.size + 100000);
        cr_assert_eq(fief_limit_set(heap, &(fief_limit){.hard_bytes = 0}), FIEF_OK);
        fief_free(heap, block);
    }
}

/* ---- counting ---- */

Test(realloc, a_move_is_an_allocation_and_a_free) {
    void *block = filled(10);
    fief_stats before = exact_stats(heap);
    void *moved = fief_realloc(heap, block, 10000);
    cr_assert_neq(opaque(moved), block);
    fief_stats after = exact_stats(heap);
    assert_equal(after.allocations - before.allocations, 1);
    assert_equal(after.frees - before.frees, 1);
    assert_equal(after.live_blocks, before.live_blocks);
}

Test(realloc, staying_counts_as_nothing) {
    void *block = filled(100);
    fief_stats before = exact_stats(heap);
    cr_assert_eq(opaque(fief_realloc(heap, block, 90)), block);
    fief_stats after = exact_stats(heap);
    assert_equal(after.allocations, before.allocations);
    assert_equal(after.frees, before.frees);
}
