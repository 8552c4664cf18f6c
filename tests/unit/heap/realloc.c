/* heap/realloc: a block stays where it is while that is worth it, and else takes its content along. */
#include "heap/realloc.h"

#include "heap/pools.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/random.h"

static witness told;
static fief *heap;

static void set_up(void) {
    heap = create(watched("realloc", &told));
}

TestSuite(realloc, .init = set_up);

static void *realloc_in(fief *f, void *block, size_t size) {
    return fi_heap_realloc_is_done(f, block, size)
               ? block
               : fi_heap_realloc_slow(f, block, size, FI_ANY_SIZE, "fief_realloc", NULL);
}

static void *resize(void *block, size_t size) {
    return opaque(realloc_in(heap, block, size));
}

Test(realloc, a_block_that_is_half_used_stays) {
    for (size_t size = 16; size <= 16 * 1024; size *= 2) {
        void *block = fief_alloc(heap, size);
        size_t usable = fief_usable_size(block);
        cr_assert_eq(resize(block, usable), block);
        cr_assert_eq(resize(block, usable / 2), block);
    }
}

Test(realloc, a_block_that_is_mostly_unused_moves_to_a_smaller_one) {
    for (size_t size = 64; size <= 64 * 1024; size *= 2) {
        void *block = resize(fief_alloc(heap, size), size / 4);
        assert_at_most(fief_usable_size(block), size / 2);
    }
}

Test(realloc, the_smallest_block_stays_whatever_it_holds) {
    void *block;
    do
        block = opaque(fief_alloc(heap, 0));
    while (fief_usable_size(block) > 16);
    for (size_t size = 0; size <= 16; size++)
        cr_assert_eq(resize(block, size), block);
}

Test(realloc, content_moves_from_any_size_to_any_other) {
    random_source rng = random_seeded(1);
    unsigned char *block = fief_alloc(heap, 1);
    size_t size = 1;
    block[0] = 1;
    for (unsigned turn = 1; turn < 3000; turn++) {
        size_t next = random_below(&rng, (size_t)1 << (4 + random_below(&rng, 18)));
        block = resize(block, next);
        for (size_t i = 0; i < size && i < next; i += 1 + i / 16)
            assert_equal(block[i], turn % 256);
        memset(block, (unsigned char)(turn + 1), next);
        size = next;
        assert_equal(exact_stats(heap).live_blocks, 1);
    }
    fief_free(heap, block);
    assert_equal(told.count, 0);
}

Test(realloc, a_growth_that_is_refused_leaves_the_block) {
    unsigned char *small = fief_alloc(heap, 64), *large = fief_alloc(heap, 20000);
    memset(small, 1, 64);
    memset(large, 2, 20000);
    fief_limit_set(heap, &(fief_limit){.hard_bytes = heap->count.charged_bytes});
    cr_assert_null(resize(small, 100000));
    cr_assert_null(resize(large, 100000));
    cr_assert_null(resize(small, SIZE_MAX));
    cr_assert_null(resize(large, SIZE_MAX));
    for (unsigned i = 0; i < 64; i++)
        assert_equal(small[i], 1);
    for (unsigned i = 0; i < 20000; i++)
        assert_equal(large[i], 2);
    assert_equal(exact_stats(heap).live_blocks, 2);
}

Test(realloc, a_shrink_that_finds_no_memory_leaves_the_block_where_it_is) {
    void *block = fief_alloc(heap, 64 * 1024);
    fief_limit_set(heap, &(fief_limit){.hard_bytes = 1});
    while (fief_alloc(heap, 100) != NULL)
        continue;
    cr_assert_eq(resize(block, 100), block);
}

/* A mark in the program's own data must not send it down the wrong way. */
Test(realloc, a_live_block_may_hold_its_own_address) {
    fi_block *block = fief_alloc(heap, 64);
    block->mark = (uintptr_t)block;
    fi_block *moved = resize(block, 1000);
    cr_assert_not_null(moved);
    assert_equal(moved->mark, (uintptr_t)block);
    assert_equal(told.count, 0);
}

Test(realloc, a_freed_block_is_a_double_free_and_gives_nothing) {
    for (size_t size = 16; size <= 1 << 20; size *= 4) {
        void *block = fief_alloc(heap, size);
        unsigned before = told.kinds[FIEF_MISUSE_DOUBLE_FREE];
        fief_free(heap, block);
        cr_assert_null(resize(block, 2 * size));
        assert_equal(told.kinds[FIEF_MISUSE_DOUBLE_FREE], before + 1);
        cr_assert_str_eq(told.operation, "fief_realloc");
    }
}

Test(realloc, a_foreign_block_is_copied_and_goes_home) {
    fief *owner = create(watched("owner", &told));
    for (size_t size = 16; size <= 1 << 20; size *= 4) {
        unsigned before = told.kinds[FIEF_MISUSE_FOREIGN_REALLOC];
        unsigned char *block = fief_alloc(owner, size);
        memset(block, 3, size);
        unsigned char *moved = resize(block, 2 * size);
        assert_equal(told.kinds[FIEF_MISUSE_FOREIGN_REALLOC], before + 1);
        cr_assert_eq(fief_owner(moved), fief_id_of(heap));
        for (size_t i = 0; i < size; i++)
            assert_equal(moved[i], 3);
        assert_equal(fief_poll(owner), 1);
    }
}

Test(realloc, a_foreign_block_that_was_freed_already_gives_nothing) {
    fief *owner = create(watched("owner", &told));
    void *block = fief_alloc(owner, 64);
    fief_free_remote(block);
    cr_assert_null(resize(block, 128));
    assert_equal(told.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
    assert_equal(exact_stats(heap).live_blocks, 0);
}
