/* Limits, the quarantine and trimming of watched heaps; and heaps that guard one allocation in so many. */
#include "support/kinds.h"
#include "support/levels.h"

#include <time.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(debug_limits, .init = set_up);

/* ---- at the limit ---- */

Test(debug_limits, what_is_held_back_is_let_go_before_an_allocation_fails) {
    FOR_DEBUG_LEVELS(level) {
        fief_config config = at_level(level, &heard);
        config.limit.hard_bytes = (size_t)4 << 20;
        config.quarantine_bytes = (size_t)64 << 20;
        fief *f = create(config);
        for (unsigned i = 0; i < 5000; i++)
            fief_free(f, fief_alloc(f, 20000 + i % 100000));
        void *large = fief_alloc(f, (size_t)3 << 20);
        cr_assert_not_null(large);
        fief_free(f, large);
        assert_at_most(exact_stats(f).charged_peak_bytes, (size_t)4 << 20);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

Test(debug_limits, exhaustion_is_null_and_leaves_blocks_as_they_were) {
    FOR_DEBUG_LEVELS(level) {
        fief_config config = at_level(level, &heard);
        config.limit.hard_bytes = (size_t)1 << 20;
        fief *f = create(config);
        unsigned char *block = fief_alloc(f, 5000);
        memset(block, 0x3C, 5000);
        while (fief_alloc(f, 2000) != NULL)
            continue;
        while (fief_alloc(f, 16) != NULL)
            continue;
        cr_assert_null(opaque(fief_realloc(f, block, 600000)));
        for (unsigned i = 0; i < 5000; i++)
            cr_assert_eq(block[i], 0x3C);
        assert_equal(fief_usable_size(block), 5000);
        assert_equal(fief_check(f), 0);
        fief_destroy(f);
    }
}

/* To whatever size, of whatever kind. */
Test(debug_limits, a_shrink_never_fails) {
    static const size_t sizes[] = {3000, 1000, 513, 100, 16, 1, 0};
    FOR_LEVELS(level) {
        fief_config config = at_level(level, &heard);
        config.limit.hard_bytes = (size_t)1 << 20;
        fief *f = create(config);
        unsigned char *large = fief_alloc(f, 100000), *small = fief_alloc(f, 4000);
        memset(large, 0x77, 100000);
        memset(small, 0x77, 4000);
        for (size_t size = 4096; size > 0; size /= 2)
            while (fief_alloc(f, size) != NULL)
                continue;
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            large = fief_realloc(f, large, sizes[i]);
            small = fief_realloc_sized(f, small, i == 0 ? 4000 : sizes[i - 1], sizes[i]);
            cr_assert(large != NULL && small != NULL);
            for (size_t byte = 0; byte < sizes[i]; byte++)
                cr_assert(large[byte] == 0x77 && small[byte] == 0x77);
            assert_equal(fief_check(f), 0);
        }
        fief_free_sized(f, large, 0);
        fief_free_sized(f, small, 0);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

/* ---- the quarantine ---- */

Test(debug_limits, a_trim_lets_go_of_all_that_is_held_back) {
    FOR_DEBUG_LEVELS(level) {
        fief_config config = at_level(level, &heard);
        config.quarantine_bytes = (size_t)64 << 20;
        fief *f = create(config);
        FOR_KINDS (kind)
            fief_free(f, allocate_kind(f, kind));
        uint64_t before = exact_stats(f).charged_bytes;
        if (level != FIEF_DEBUG_GUARD) { /* there most of it rests without memory */
            assert_at_least(before, 1 << 20);
            cr_assert_gt(fief_trim(f), 0);
        }
        fief_trim(f);
        fief_stats stats = exact_stats(f);
        cr_assert(stats.pools == 0 && stats.large_blocks == 0 && stats.arenas == 1);
        fief_destroy(f);
    }
}

/* A freed block is not handed out again before so many bytes have been freed behind it. */
static size_t frees_until_reuse(size_t quarantine_bytes) {
    fief_config config = at_level(FIEF_DEBUG_CHECK, &heard);
    config.quarantine_bytes = quarantine_bytes;
    fief *f = create(config);
    void *first = fief_alloc(f, 100);
    fief_free(f, first);
    size_t frees = 1;
    for (void *block; (block = fief_alloc(f, 100)) != first; frees++)
        fief_free(f, block);
    fief_destroy(f);
    return frees;
}

Test(debug_limits, the_quarantine_holds_the_bytes_that_were_asked_for) {
    for (size_t kilobytes = 4; kilobytes <= 1024; kilobytes *= 4) {
        size_t frees = frees_until_reuse(kilobytes << 10);
        assert_at_least(frees * 128, kilobytes << 10);
        assert_at_most(frees * 128, (kilobytes << 10) + (256 << 10));
    }
    assert_at_least(frees_until_reuse(0) * 128, 256 << 10);
}

/* ---- sampling ---- */

/* A guarded block is as large as was asked for; others of this size have more. */
static unsigned count_guarded(fief *f, unsigned allocations) {
    unsigned guarded = 0;
    for (unsigned i = 0; i < allocations; i++) {
        size_t size = 1 + i * 48 % 600 / 16 * 16;
        void *block = fief_alloc(f, size);
        cr_assert_not_null(block);
        guarded += fief_usable_size(block) == size;
        fief_free(f, block);
    }
    return guarded;
}

/* The lists of blocks that are ready are counted at once: so it is a few less, and a good deal less where one in a
 * few is asked for. */
Test(debug_limits, one_allocation_in_so_many_is_guarded) {
    for (uint32_t sample = 10; sample <= 10000; sample *= 10) {
        fief_config config = at_level(FIEF_DEBUG_OFF, &heard);
        config.sample = sample;
        fief *f = create(config);
        unsigned guarded = count_guarded(f, 50 * sample);
        assert_at_least(guarded, sample <= 100 ? 10 : 30);
        assert_at_most(guarded, 80);
        fief_stats stats = exact_stats(f);
        cr_assert(stats.live_blocks == 0 && stats.allocations == 50 * sample);
        fief_destroy(f);
    }
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

Test(debug_limits, samples_in_a_row_are_followed_by_one_each_four_milliseconds) {
    fief_config config = at_level(FIEF_DEBUG_OFF, &heard);
    config.sample = 10;
    fief *f = create(config);
    uint64_t start = now_ms();
    unsigned guarded = count_guarded(f, 100000);
    assert_at_least(guarded, 64);
    assert_at_most(guarded, 64 + 2 + (now_ms() - start) / 4);
    fief_destroy(f);
}

Test(debug_limits, a_heap_that_samples_counts_all_of_its_blocks) {
    fief_config config = at_level(FIEF_DEBUG_OFF, &heard);
    config.sample = 3;
    fief *f = create(config);
    static void *blocks[1000];
    for (unsigned i = 0; i < 1000; i++)
        blocks[i] = fief_alloc(f, i);
    fief_stats stats = exact_stats(f);
    cr_assert(stats.live_blocks == 1000 && stats.allocations == 1000 && stats.frees == 0);
    for (unsigned i = 0; i < 1000; i += 2)
        fief_free(f, blocks[i]);
    for (unsigned i = 1; i < 1000; i += 2)
        blocks[i] = fief_realloc(f, blocks[i], 2 * i);
    assert_equal(exact_stats(f).live_blocks, 500);
    for (unsigned i = 1; i < 1000; i += 2)
        fief_free_remote(blocks[i]);
    fief_poll(f);
    assert_equal(exact_stats(f).live_blocks, 0);
    fief_trim(f);
    stats = exact_stats(f);
    cr_assert(stats.pools == 0 && stats.arenas == 1 && stats.misuses == 0);
    fief_destroy(f);
}

Test(debug_limits, the_environment_samples_any_heap) {
    conf("sample:2");
    fief *f = create(at_level(FIEF_DEBUG_OFF, &heard));
    assert_at_least(count_guarded(f, 1000), 50);
    fief_destroy(f);
}
