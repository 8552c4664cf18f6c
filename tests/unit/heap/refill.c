/* heap/refill: where a class's blocks come from - borrowed, come back, carved, or scraped together at the limit.
 */
#include "heap/refill.h"

#include "heap/pools.h"
#include "heap/remote.h"
#include "support/compare.h"
#include "support/interpreter.h"

enum { MOST_BLOCKS = 20000 };

static fief *heap;
static void *blocks[MOST_BLOCKS];

static void set_up(void) {
    heap = create(named("refill"));
}

TestSuite(refill, .init = set_up);

static unsigned class_of(size_t size) {
    return fi_class_of(size, heap->fast.round);
}

/* Allocates until there is nothing more, or no more room here; returns how many. */
static unsigned allocate_all(size_t size) {
    unsigned count = 0;
    while (count < MOST_BLOCKS && (blocks[count] = fief_alloc(heap, size)) != NULL)
        count++;
    return count;
}

static void limit_to(size_t bytes) {
    cr_assert_eq(fief_limit_set(heap, &(fief_limit){.hard_bytes = bytes}), FIEF_OK);
}

/* ---- a small heap ---- */

Test(refill, a_small_heaps_classes_borrow_from_the_next_power_of_two) {
    for (size_t size = 16; size <= FI_FINE_BYTES; size += 16) {
        fief *fresh = create(named("fresh"));
        size_t lent = size <= 32 ? 32 : (size_t)1 << (fi_highest_bit(size - 1) + 1);
        assert_equal(fief_usable_size(fief_alloc(fresh, size)), lent);
        fief_destroy(fresh);
    }
}

Test(refill, a_class_that_proved_its_need_gets_blocks_of_its_own) {
    unsigned borrowed = 0;
    while (fief_usable_size(fief_alloc(heap, 48)) == 64)
        cr_assert_lt(++borrowed, 100);
    assert_at_least(borrowed * 64, 1024);
    for (unsigned i = 0; i < 100; i++)
        assert_equal(fief_usable_size(fief_alloc(heap, 48)), 48);
}

Test(refill, a_large_heap_does_not_borrow) {
    while (heap->count.reserved_bytes <= 1 << 20)
        cr_assert_not_null(fief_alloc(heap, 16 * 1024));
    assert_equal(fief_usable_size(fief_alloc(heap, 48)), 48);
}

Test(refill, sixteen_classes_touch_one_page_for_each_power_of_two) {
    for (size_t size = 16; size <= 256; size += 16)
        cr_assert_not_null(fief_alloc(heap, size));
    assert_at_most(heap->count.charged_bytes, 5 * fi_os_page_bytes()); /* the handle's; 32, 64, 128, 256 */
}

/* ---- carving ---- */

Test(refill, a_pool_is_charged_page_by_page_as_it_is_carved) {
    size_t page = fi_os_page_bytes(), last = heap->count.charged_bytes;
    for (unsigned i = 0; i < 500; i++) {
        cr_assert_not_null(fief_alloc(heap, 512));
        size_t now = heap->count.charged_bytes;
        assert_equal((now - last) % page, 0);
        assert_at_most(now - last, 4096 + page);
        last = now;
    }
    assert_at_least(last, 500 * 512);
    assert_at_most(last, 500 * 512 + FI_GRANULE_BYTES);
}

Test(refill, blocks_are_distinct_and_inside_their_pool) {
    static unsigned char seen[FI_GRANULE_BYTES];
    const fi_pool *pool = NULL;
    for (unsigned i = 0; i < 1000; i++) {
        char *block = fief_alloc(heap, 64);
        if (pool == NULL)
            pool = fi_heap_pool_of(heap, block);
        if (fi_heap_pool_of(heap, block) != pool)
            break;
        size_t offset = (size_t)(block - fi_pool_start(pool, heap));
        assert_equal(offset % 64, 0);
        assert_equal(seen[offset]++, 0);
    }
}

/* ---- what has come back ---- */

Test(refill, what_was_freed_is_handed_out_again_before_the_heap_grows) {
    for (unsigned i = 0; i < 1000; i++)
        blocks[i] = fief_alloc(heap, 128);
    size_t charged = heap->count.charged_bytes;
    for (unsigned turn = 0; turn < 100; turn++) {
        for (unsigned i = 0; i < 1000; i++)
            fief_free(heap, blocks[i]);
        for (unsigned i = 0; i < 1000; i++)
            blocks[i] = fief_alloc(heap, 128);
    }
    assert_at_most(heap->count.charged_bytes, charged + 2 * FI_GRANULE_BYTES);
}

Test(refill, a_class_that_takes_many_short_lists_gets_longer_ones) {
    unsigned c = class_of(64);
    assert_equal(heap->worth[c], 1);
    for (unsigned i = 0; i < 100000; i++)
        fief_free(heap, fief_alloc(heap, 64));
    assert_at_least(heap->worth[c], 8);
    assert_at_most(heap->worth[c] * 64, 16 * 1024);
    assert_equal(heap->worth[class_of(128)], 1);
}

Test(refill, what_others_freed_is_taken_in) {
    void *first = fief_alloc(heap, 4096);
    cr_assert(fi_remote_free(first));
    for (unsigned i = 0; i < 100 && blocks[0] != first; i++)
        blocks[0] = opaque(fief_alloc(heap, 4096));
    cr_assert_eq(blocks[0], first);
    assert_equal(heap->count.remote_in, 1);
}

/* ---- at the limit ---- */

Test(refill, at_the_limit_single_blocks_of_full_pools_are_scraped_together) {
    limit_to(512 * 1024);
    unsigned count = allocate_all(64);
    assert_at_least(count, 4000);
    for (unsigned i = 7; i < count; i += 400) { /* too few for any pool to be worth a refill */
        fief_free(heap, blocks[i]);
        cr_assert_eq(opaque(fief_alloc(heap, 64)), blocks[i]);
    }
    cr_assert_null(fief_alloc(heap, 64));
}

Test(refill, at_the_limit_a_class_without_a_pool_gets_its_lenders_blocks) {
    limit_to(512 * 1024);
    unsigned count = allocate_all(64);
    fief_free(heap, blocks[count / 2]);
    cr_assert_eq(opaque(fief_alloc(heap, 40)), blocks[count / 2]);
    cr_assert_null(fief_alloc(heap, 40));
}

Test(refill, every_block_can_be_had_again_after_the_limit_was_met) {
    limit_to(256 * 1024);
    for (size_t size = 16; size <= FI_SMALL_BYTES; size *= 2) {
        unsigned count = allocate_all(size);
        for (unsigned turn = 0; turn < 3; turn++) {
            for (unsigned i = 0; i < count; i++)
                fief_free(heap, blocks[i]);
            cr_assert_eq(allocate_all(size), count, "%zu bytes, turn %u", size, turn);
        }
        for (unsigned i = 0; i < count; i++)
            fief_free(heap, blocks[i]);
        fief_trim(heap);
    }
}
