/* heap/large: large blocks grow and shrink where they are, huge ones move without a copy; nothing is lost, and all
 * of it is charged and given back. */
#include "heap/large.h"

#include "arena/spare.h"
#include "heap/pools.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/interpreter.h"
#include "support/pages.h"
#include "support/random.h"

enum { KIB = 1024, MIB = 1024 * KIB };

static fief *heap;
static size_t base;

static void set_up(void) {
    heap = create(named("large"));
    base = heap->count.charged_bytes;
}

TestSuite(large, .init = set_up);

static unsigned char *allocate(size_t bytes, bool zero) {
    unsigned char *block = fi_large_alloc(heap, &(fi_large_request){bytes, 1, zero, false});
    cr_assert_not_null(block);
    return block;
}

static fi_pool *pool_of(const void *block) {
    return fi_heap_pool_of(heap, block);
}

static void *resize(fi_pool *pool, size_t bytes) {
    bool refused;
    return fi_large_resize(heap, pool, bytes, &refused);
}

/* A content that tells its place. */
static void fill(unsigned char *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 61)
        block[i] = (unsigned char)(i / 61 % 251);
}

static void assert_filled(const unsigned char *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 61)
        assert_equal(block[i], i / 61 % 251);
}

/* ---- allocating ---- */

Test(large, a_block_is_whole_pages_and_charged_as_such) {
    size_t page = fi_os_page_bytes();
    for (size_t bytes = 16 * KIB + 1; bytes < 3 * MIB; bytes = bytes * 3 / 2) {
        const unsigned char *block = allocate(bytes, false);
        size_t usable = (bytes + page - 1) / page * page;
        assert_equal(fi_large_usable(bytes), usable);
        assert_equal(pool_of(block)->large_bytes, usable);
        assert_equal(heap->count.charged_bytes, base + usable);
        assert_equal(heap->count.large_bytes, usable);
        assert_equal(heap->count.large_blocks, 1);
        fi_large_free(heap, pool_of(block));
        assert_equal(heap->count.charged_bytes, base);
        assert_equal(heap->count.large_blocks, 0);
    }
}

Test(large, half_an_arena_is_the_border_to_huge) {
    assert_equal(pool_of(allocate(FI_HUGE_BYTES, false))->state, FI_POOL_LARGE);
    assert_equal(pool_of(allocate(FI_HUGE_BYTES + 1, false))->state, FI_POOL_HUGE);
}

Test(large, nothing_is_still_a_block) {
    const unsigned char *block = allocate(0, true);
    assert_equal(pool_of(block)->large_bytes, fi_os_page_bytes());
}

Test(large, any_alignment_is_met) {
    for (size_t alignment = 1; alignment <= 64 * MIB; alignment *= 2) {
        void *block = fi_large_alloc(heap, &(fi_large_request){20 * KIB, alignment, true, false});
        assert_equal((uintptr_t)block % alignment, 0);
        cr_assert(is_zeros(block, 20 * KIB));
    }
    cr_assert_null(fi_large_alloc(heap, &(fi_large_request){1, (size_t)1 << 63, false, false}));
}

Test(large, zeros_are_zeros_after_others_wrote_there) {
    static const size_t sizes[] = {20 * KIB, 200 * KIB, FI_HUGE_BYTES, 3 * MIB};
    for (unsigned turn = 0; turn < 20; turn++)
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *block = allocate(sizes[i], true);
            cr_assert(is_zeros(block, sizes[i]), "%zu bytes, turn %u", sizes[i], turn);
            memset(block, 0xEE, sizes[i]);
            if (turn % 2 == 0)
                block = resize(pool_of(block), sizes[i] / 2);
            fi_large_free(heap, pool_of(block));
        }
}

/* A pool that is given up after it has touched less than the block before it. */
Test(large, zeros_are_zeros_after_something_smaller_was_there_last) {
    for (unsigned turn = 0; turn < 20; turn++) {
        unsigned char *block = allocate(60 * KIB, false);
        memset(block, 0xE1, 60 * KIB);
        fi_large_free(heap, pool_of(block));
        void *smaller = turn % 2 == 0 ? fief_alloc(heap, 10000) : allocate(20 * KIB, false);
        fief_free(heap, smaller);
        fi_heap_flush_lists(heap);
        fi_heap_close_idle(heap);
        block = allocate(60 * KIB, true);
        cr_assert(is_zeros(block, 60 * KIB));
        fi_large_free(heap, pool_of(block));
    }
}

Test(large, a_hosts_memory_is_zeroed_when_zeros_are_asked_for) {
    static host h;
    fief_config config = named("hosted");
    config.provider = (fief_provider){&h, host_alloc, host_free};
    heap = create(config);
    cr_assert(is_zeros(allocate(100 * KIB, true), 100 * KIB));
    cr_assert(is_zeros(allocate(3 * MIB, true), 3 * MIB));
}

/* ---- in place ---- */

Test(large, a_block_grows_where_it_is_while_there_is_room_behind_it) {
    unsigned char *block = allocate(200 * KIB, false); /* too much for a small arena */
    fill(block, 200 * KIB);
    for (size_t bytes = 200 * KIB; bytes <= FI_HUGE_BYTES; bytes += 20 * KIB)
        cr_assert_eq(resize(pool_of(block), bytes), block);
    assert_filled(block, 200 * KIB);
}

Test(large, a_block_with_a_neighbour_stays_as_it_is) {
    unsigned char *block = allocate(64 * KIB, false), *neighbour = allocate(64 * KIB, false);
    cr_assert_eq(neighbour, block + 64 * KIB);
    fill(block, 64 * KIB);
    fi_counters before = heap->count;
    cr_assert_null(resize(pool_of(block), 65 * KIB));
    cr_assert_eq(heap->count.charged_bytes, before.charged_bytes);
    assert_equal(pool_of(block)->large_bytes, 64 * KIB);
    assert_filled(block, 64 * KIB);
    fi_large_free(heap, pool_of(neighbour));
    cr_assert_eq(resize(pool_of(block), 65 * KIB), block);
}

Test(large, a_shrunk_block_gives_back_its_pages_and_its_granules) {
    unsigned char *block = allocate(180 * KIB, false);
    const fi_arena *arena = pool_of(block)->arena;
    unsigned before = fi_count_bits(arena->free_granules);
    memset(block, 0xEE, 180 * KIB);
    cr_assert_eq(resize(pool_of(block), 20 * KIB), block);
    assert_equal(fi_count_bits(arena->free_granules), before + 2);
    assert_equal(heap->count.charged_bytes, base + 20 * KIB);
    cr_assert(is_zeros(block + 20 * KIB, 44 * KIB), "the pages of its last granule are the system's");
    assert_equal(block[20 * KIB - 1], 0xEE);
}

Test(large, a_shrunk_huge_block_gives_back_its_pages) {
    unsigned char *block = allocate(4 * MIB, false);
    memset(block, 0xEE, 4 * MIB);
    cr_assert_eq(resize(pool_of(block), MIB), block);
    assert_equal(heap->count.charged_bytes, base + MIB);
    cr_assert(is_zeros(block + MIB, 3 * MIB));
    cr_assert_eq(resize(pool_of(block), 4 * MIB), block);
}

/* ---- huge ones on the move ---- */

/* Each has a neighbour behind it, so that it can't grow where it is. */
Test(large, a_huge_block_moves_without_a_copy) {
    size_t bytes = MIB;
    unsigned char *block = allocate(bytes, false);
    if (!fi_os_move_pages(allocate(MIB, false), allocate(MIB, false), MIB))
        cr_skip_test("this system can't move pages");
    fill(block, bytes);
    for (unsigned turn = 0; turn < 8; turn++) {
        allocate(MIB, false);
        unsigned char *moved = resize(pool_of(block), 2 * bytes);
        cr_assert_not_null(moved, "move %u: only a copy is left", turn + 1);
        assert_filled(moved, bytes);
        cr_assert(is_zeros(moved + bytes, bytes));
        block = moved;
        bytes *= 2;
        fill(block, bytes);
    }
}

Test(large, what_a_huge_block_moved_away_from_is_given_back) {
    unsigned char *block = allocate(MIB, false);
    allocate(MIB, false);
    uint64_t arenas = heap->count.arenas;
    unsigned char *moved = resize(pool_of(block), 3 * MIB);
    if (moved == NULL)
        cr_skip_test("this system can't move pages");
    cr_assert_neq(moved, block);
    assert_equal(heap->count.arenas, arenas);
    cr_assert_null(pool_of(block));
    cr_assert_not(is_readable(block));
    assert_equal(heap->count.charged_bytes, base + 4 * MIB);
}

/* Grows a block whose neighbour stands in the way, with the nth request of it failing; false: there were not as
 * many. */
static bool grow_with_failure(unsigned nth) {
    unsigned char *block = allocate(MIB, false), *neighbour = allocate(MIB, false);
    fill(block, MIB);
    fi_counters before = heap->count;
    fi_os_fail_at(nth);
    unsigned char *moved = resize(pool_of(block), 3 * MIB);
    bool failed = fi_os_request_count() >= nth;
    fi_os_fail_at(0);
    if (moved == NULL) {
        assert_equal(heap->count.charged_bytes, before.charged_bytes);
        assert_equal(heap->count.reserved_bytes, before.reserved_bytes);
        assert_equal(heap->count.arenas, before.arenas);
        moved = block;
    }
    assert_filled(moved, MIB);
    fi_large_free(heap, pool_of(moved));
    fi_large_free(heap, pool_of(neighbour));
    assert_equal(heap->count.charged_bytes, base);
    fi_spare_release(); /* so that the next ones are neighbours again */
    return failed;
}

Test(large, a_growth_that_fails_anywhere_leaves_the_block_and_the_books_as_they_were) {
    unsigned nth = 1;
    while (grow_with_failure(nth))
        nth++;
    cr_assert_gt(nth, 2, "committing and moving can fail");
}

Test(large, the_limit_holds_for_growth) {
    unsigned char *block = allocate(MIB, false);
    fill(block, MIB);
    cr_assert_eq(fief_limit_set(heap, &(fief_limit){.hard_bytes = base + 2 * MIB}), FIEF_OK);
    cr_assert_null(resize(pool_of(block), 2 * MIB + 1));
    assert_filled(block, MIB);
    assert_equal(heap->count.limit_failures, 1);
    cr_assert_not_null(resize(pool_of(block), 2 * MIB));
}

/* ---- all of it ---- */

Test(large, content_survives_any_way_of_resizing) {
    random_source rng = random_seeded(1);
    unsigned char *blocks[16] = {NULL};
    size_t bytes[16] = {0};
    for (unsigned turn = 0; turn < 2000; turn++) {
        unsigned i = (unsigned)random_below(&rng, 16);
        size_t wanted = 1 + random_below(&rng, (size_t)1 << (15 + random_below(&rng, 7)));
        if (blocks[i] == NULL) {
            blocks[i] = allocate(wanted, false);
        } else {
            unsigned char *there = resize(pool_of(blocks[i]), wanted);
            assert_filled(there != NULL ? there : blocks[i], wanted < bytes[i] ? wanted : bytes[i]);
            if (there == NULL) {
                fi_large_free(heap, pool_of(blocks[i]));
                wanted = 0;
            }
            blocks[i] = there;
        }
        bytes[i] = wanted;
        fill(blocks[i], wanted);
    }
    for (unsigned i = 0; i < 16; i++)
        if (blocks[i] != NULL)
            fi_large_free(heap, pool_of(blocks[i]));
    assert_equal(heap->count.charged_bytes, base);
    assert_equal(heap->count.large_bytes, 0);
}
