/* Limits: the hard one, which gives NULL and leaves all as it was, and the reserve for unwinding. The soft one:
 * pressure.c. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/random.h"

enum { KIB = 1024, MIB = 1024 * KIB, MOST = 4096 };

static fief *heap;
static unsigned char *blocks[MOST];
static unsigned block_count;

static void set_up(void) {
    heap = create(named("limited"));
}

TestSuite(limits, .init = set_up);

static void limit(fief_limit wanted) {
    assert_equal(fief_limit_set(heap, &wanted), FIEF_OK);
}

static uint64_t charged(void) {
    return exact_stats(heap).charged_bytes;
}

/* Allocates until it is refused, all blocks filled with their number. */
static void fill_up(size_t size) {
    unsigned char *block;
    while (block_count < MOST && (block = fief_alloc(heap, size)) != NULL) {
        memset(block, (int)(block_count % 251), size);
        blocks[block_count++] = block;
    }
    cr_assert_lt(block_count, MOST, "it was never refused");
}

static void assert_all_filled(size_t size) {
    for (unsigned i = 0; i < block_count; i++)
        for (size_t k = 0; k < size; k += 1 + k / 64)
            assert_equal(blocks[i][k], i % 251);
}

static void free_all(void) {
    while (block_count > 0)
        fief_free(heap, blocks[--block_count]);
}

/* ---- hard ---- */

Test(limits, beyond_the_hard_limit_there_is_nothing_and_all_blocks_stay) {
    static const size_t sizes[] = {600, 3000, 16384, 20000, 100000, 600000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        limit((fief_limit){.hard_bytes = 2 * MIB});
        uint64_t failures = exact_stats(heap).limit_failures;
        fill_up(sizes[i]);
        assert_equal(exact_stats(heap).limit_failures, failures + 1);
        assert_equal(exact_stats(heap).live_blocks, block_count);
        assert_at_most(charged(), 2 * MIB);
        assert_at_least(charged() + 2 * sizes[i] + 16 * KIB, 2 * MIB); /* and it could be used up */
        assert_all_filled(sizes[i]);
        free_all();
        cr_assert_not_null(opaque(fief_alloc(heap, sizes[i])));
        set_up();
    }
}

Test(limits, at_the_hard_limit_every_verb_gives_nothing) {
    limit((fief_limit){.hard_bytes = MIB});
    fill_up(3000);
    uint64_t live = exact_stats(heap).live_blocks;
    cr_assert_null(fief_alloc(heap, 50000));
    cr_assert_null(fief_zalloc(heap, 50000));
    cr_assert_null(fief_calloc(heap, 100, 500));
    cr_assert_null(fief_alloc_aligned(heap, 100, 65536));
    cr_assert_null(fief_realloc(heap, NULL, 50000));
    cr_assert_null(fief_alloc(heap, 5 * MIB));
    assert_equal(exact_stats(heap).live_blocks, live);
    assert_equal(exact_stats(heap).limit_failures, 7);
}

Test(limits, a_realloc_that_is_refused_leaves_the_block_as_it_was) {
    FOR_KINDS (kind) {
        limit((fief_limit){.hard_bytes = 0});
        unsigned char *block = allocate_kind(heap, kind);
        size_t usable = fief_usable_size(block);
        memset(block, 0x5A, usable);
        limit((fief_limit){.hard_bytes = charged()});
        cr_assert_null(opaque(fief_realloc(heap, block, usable + MIB)));
        cr_assert_null(opaque(fief_realloc_sized(heap, block, kind.size, 2 * usable + MIB)));
        assert_equal(fief_usable_size(block), usable);
        for (size_t k = 0; k < usable; k += 1 + k / 64)
            assert_equal(block[k], 0x5A);
        assert_equal(exact_stats(heap).live_blocks, 1);
        fief_free(heap, block);
    }
}

Test(limits, what_is_freed_can_be_used_again) {
    limit((fief_limit){.hard_bytes = MIB});
    for (unsigned turn = 0; turn < 20; turn++) {
        fill_up(500 + 700 * turn);
        cr_assert_gt(block_count, 20);
        free_all();
        fief_trim(heap);
    }
}

Test(limits, blocks_that_others_freed_make_room) {
    limit((fief_limit){.hard_bytes = MIB});
    fill_up(50000);
    unsigned count = block_count;
    while (block_count > 0)
        fief_free_remote(blocks[--block_count]);
    fill_up(50000); /* without a poll */
    assert_equal(block_count, count);
}

Test(limits, a_limit_below_what_is_in_use_takes_nothing_away) {
    for (unsigned i = 0; i < 500; i++)
        blocks[block_count++] = memset(fief_alloc(heap, 3000), (int)(i % 251), 3000);
    limit((fief_limit){.hard_bytes = 64 * KIB});
    assert_all_filled(3000);
    cr_assert_null(opaque(fief_alloc(heap, 100000)));
    assert_at_least(charged(), 1400 * KIB);
    for (unsigned i = 0; i < 500; i++)
        cr_assert_not_null(blocks[i] = fief_realloc(heap, blocks[i], 2000));
    assert_all_filled(2000);
    free_all();
    fief_trim(heap);
    cr_assert_not_null(opaque(fief_alloc(heap, 20000)));
}

Test(limits, the_charge_never_passes_the_hard_limit) {
    random_source rng = random_seeded(7);
    const size_t hard = 3 * MIB;
    limit((fief_limit){.hard_bytes = hard});
    for (unsigned turn = 0; turn < 200000; turn++) {
        unsigned i = (unsigned)random_below(&rng, 1000);
        size_t size = random_below(&rng, (size_t)1 << (3 + random_below(&rng, 18)));
        if (random_below(&rng, 3) == 0) {
            fief_free(heap, blocks[i]);
            blocks[i] = NULL;
        } else {
            unsigned char *block = fief_realloc(heap, blocks[i], size);
            blocks[i] = block != NULL ? block : blocks[i];
        }
        fief_stats stats;
        fief_stats_read(heap, &stats);
        assert_at_most(stats.charged_bytes, hard);
        assert_at_most(stats.charged_peak_bytes, hard);
    }
    assert_at_least(exact_stats(heap).limit_failures, 100);
    assert_at_least(exact_stats(heap).charged_peak_bytes, hard - 256 * KIB);
}

/* ---- the reserve ---- */

Test(limits, the_reserve_is_for_unwinding) {
    limit((fief_limit){.hard_bytes = 2 * MIB, .reserve_bytes = MIB});
    fill_up(20000);
    assert_at_most(charged(), MIB);
    fief_unwind_begin(heap);
    fief_unwind_begin(heap);
    unsigned without = block_count;
    cr_assert_not_null(blocks[block_count++] = fief_alloc(heap, 20000));
    fief_unwind_end(heap);
    cr_assert_not_null(blocks[block_count++] = fief_alloc(heap, 20000), "they nest");
    fief_unwind_end(heap);
    cr_assert_null(opaque(fief_alloc(heap, 20000)));
    fief_unwind_begin(heap);
    for (unsigned i = without; i < block_count; i++)
        memset(blocks[i], (int)(i % 251), 20000);
    fill_up(20000);
    assert_at_least(charged(), 2 * MIB - 24 * KIB);
    assert_at_most(charged(), 2 * MIB);
    fief_unwind_end(heap);
    assert_all_filled(20000);
}

/* ---- what is accepted ---- */

Test(limits, limits_that_do_not_fit_each_other_are_refused_and_change_nothing) {
    static const fief_limit wrong[] = {
        {.hard_bytes = MIB, .soft_bytes = MIB + 1},
        {.hard_bytes = MIB, .reserve_bytes = MIB + 1},
        {.hard_bytes = 1, .soft_bytes = SIZE_MAX, .reserve_bytes = SIZE_MAX},
    };
    limit((fief_limit){.hard_bytes = MIB});
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_equal(fief_limit_set(heap, &wrong[i]), FIEF_BAD_ARGUMENT);
    assert_equal(fief_limit_set(heap, NULL), FIEF_BAD_ARGUMENT);
    fill_up(10000);
    assert_at_most(charged(), MIB);
    assert_at_least(charged(), MIB / 2);
}

Test(limits, limits_that_fit_are_accepted) {
    limit((fief_limit){.hard_bytes = MIB, .soft_bytes = MIB, .reserve_bytes = MIB});
    limit((fief_limit){.hard_bytes = 0, .soft_bytes = MIB});
    limit((fief_limit){.hard_bytes = 0});
    cr_assert_not_null(opaque(fief_alloc(heap, 10 * MIB)));
}

Test(limits, a_limit_may_be_there_from_the_beginning) {
    fief_config config = named("limited");
    config.limit.hard_bytes = MIB;
    heap = create(config);
    fill_up(10000);
    assert_at_most(charged(), MIB);
}
