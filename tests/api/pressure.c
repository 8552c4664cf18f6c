/* The pressure callback: when it is called, what it may do, and what its answer means. */
#include "support/compare.h"
#include "support/interpreter.h"

enum { KIB = 1024, MIB = 1024 * KIB, MOST = 4096 };

static fief *heap;
static void *blocks[MOST];
static unsigned block_count;

/* What it shall do, and what it saw. */
static struct {
    unsigned frees; /* blocks that each call frees */
    bool answer;
    bool allocates;
    unsigned calls, depth;
    size_t wanted;
    uint64_t first_charged; /* published when it was called first */
} collector;

static bool collect(fief *f, size_t wanted, void *arg) {
    fief_stats stats;
    cr_assert_eq(f, heap);
    cr_assert_eq(arg, &collector);
    assert_equal(collector.depth++, 0); /* it is not called from within itself */
    collector.wanted = wanted;
    fief_stats_read(f, &stats);
    if (collector.calls++ == 0)
        collector.first_charged = stats.charged_bytes;
    for (unsigned i = 0; i < collector.frees && block_count > 0; i++)
        fief_free(f, blocks[--block_count]);
    fief_poll(f);
    for (unsigned i = 0; collector.allocates && i < 100; i++)
        fief_free(f, opaque(fief_alloc(f, 1000 * i))); /* NULL now and then */
    collector.depth--;
    return collector.answer;
}

/* In two steps: the callback changes the count. */
static bool take(size_t size) {
    void *block = fief_alloc(heap, size);
    cr_assert_lt(block_count, MOST);
    blocks[block_count] = block;
    block_count += block != NULL;
    return block != NULL;
}

static void press(size_t hard, size_t soft) {
    fief_limit wanted = {.hard_bytes = hard, .soft_bytes = soft, .pressure = collect, .pressure_arg = &collector};
    assert_equal(fief_limit_set(heap, &wanted), FIEF_OK);
}

static void set_up(void) {
    heap = create(named("pressed"));
}

TestSuite(pressure, .init = set_up);

static void allocate_up_to(uint64_t charged, size_t size) {
    while (exact_stats(heap).charged_bytes < charged)
        cr_assert(take(size));
}

/* ---- soft ---- */

static void assert_once_an_eighth(size_t size) {
    press(0, 4 * MIB);
    allocate_up_to(4 * MIB - 128 * KIB, size);
    assert_equal(collector.calls, 0);
    allocate_up_to(4 * MIB + 64 * KIB, size);
    assert_equal(collector.calls, 1);
    assert_at_most(collector.first_charged, 4 * MIB);
    assert_at_least(collector.wanted, 1);
    for (unsigned eighths = 1; eighths < 8; eighths++) {
        unsigned before = collector.calls;
        allocate_up_to(4 * MIB + eighths * 600 * KIB, size); /* a step is rounded up to a whole block */
        assert_at_least(collector.calls, before + 1);
    }
    assert_at_most(collector.calls, 1 + 7 * 600 / 512);
    assert_equal(exact_stats(heap).pressure_calls, collector.calls);
    assert_equal(exact_stats(heap).limit_failures, 0);
}

Test(pressure, crossing_the_soft_limit_calls_once_and_again_for_each_eighth) {
    assert_once_an_eighth(16000);
}

Test(pressure, so_it_does_with_large_blocks) {
    assert_once_an_eighth(50000);
}

Test(pressure, of_a_small_soft_limit_an_eighth_is_an_eighth) {
    press(0, 256 * KIB);
    allocate_up_to(256 * KIB, 4096);
    unsigned before = collector.calls;
    allocate_up_to(512 * KIB, 4096);
    assert_at_least(collector.calls, before + 6); /* eight steps of 32 KiB and a page */
}

Test(pressure, back_below_the_soft_limit_the_next_crossing_calls_again) {
    press(0, 2 * MIB);
    for (unsigned turn = 1; turn <= 5; turn++) {
        allocate_up_to(2 * MIB + 100 * KIB, 50000);
        assert_equal(collector.calls, turn);
        while (block_count > 0)
            fief_free(heap, blocks[--block_count]);
        fief_trim(heap);
    }
}

Test(pressure, a_soft_limit_refuses_nothing) {
    press(0, MIB);
    collector.answer = false;
    allocate_up_to(10 * MIB, 50000);
    assert_equal(exact_stats(heap).limit_failures, 0);
}

Test(pressure, without_a_callback_a_soft_limit_is_nothing) {
    fief_limit wanted = {.hard_bytes = 0, .soft_bytes = MIB};
    assert_equal(fief_limit_set(heap, &wanted), FIEF_OK);
    allocate_up_to(10 * MIB, 50000);
    assert_equal(exact_stats(heap).pressure_calls, 0);
}

/* ---- hard ---- */

static const size_t sizes[] = {3000, 16384, 50000, 600000};

Test(pressure, what_the_callback_frees_lets_the_allocation_succeed) {
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        set_up();
        block_count = collector.calls = 0;
        press(4 * MIB, 0);
        allocate_up_to(4 * MIB - sizes[i] - 64 * KIB, sizes[i]);
        collector.answer = true;
        collector.frees = 64 * KIB / (unsigned)sizes[i] * 2 + 2;
        for (unsigned more = 0; more < 1000; more++)
            cr_assert(take(sizes[i]), "%zu bytes, %u", sizes[i], more);
        assert_at_least(collector.calls, 5);
        assert_equal(exact_stats(heap).pressure_calls, collector.calls);
        assert_equal(exact_stats(heap).limit_failures, 0);
        assert_at_most(exact_stats(heap).charged_peak_bytes, 4 * MIB);
    }
}

Test(pressure, a_callback_that_can_do_nothing_is_called_once_and_the_allocation_fails) {
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        set_up();
        block_count = 0;
        press(2 * MIB, 0);
        while (take(sizes[i]))
            continue;
        unsigned before = collector.calls;
        for (unsigned times = 1; times <= 10; times++) {
            collector.answer = times % 2 == 0; /* even where it says that it could */
            cr_assert_null(opaque(fief_alloc(heap, sizes[i])));
            assert_equal(collector.calls, before + times);
        }
        assert_equal(exact_stats(heap).limit_failures, 11);
        assert_equal(exact_stats(heap).live_blocks, block_count);
    }
}

Test(pressure, a_realloc_presses_too) {
    press(2 * MIB, 0);
    unsigned char *growing = memset(fief_alloc(heap, 100000), 0x5A, 100000);
    allocate_up_to(2 * MIB - 64 * KIB, 50000);
    collector.answer = true;
    collector.frees = 10;
    growing = fief_realloc(heap, growing, 300000);
    cr_assert_not_null(growing);
    assert_at_least(collector.calls, 1);
    for (size_t i = 0; i < 100000; i++)
        assert_equal(growing[i], 0x5A);
}

/* ---- inside ---- */

Test(pressure, the_callback_may_allocate_and_is_not_called_from_within_itself) {
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        set_up();
        block_count = 0;
        press(2 * MIB, MIB);
        collector.allocates = true;
        collector.answer = i % 2 == 0;
        while (take(sizes[i]))
            continue;
        assert_equal(exact_stats(heap).live_blocks, block_count);
        assert_at_least(collector.calls, 2);
    }
}

static bool trim_and_go_on(fief *f, size_t wanted, void *arg) {
    (void)wanted, (void)arg;
    for (unsigned i = 0; i < 30 && block_count > 0; i++)
        fief_free(f, blocks[--block_count]);
    return fief_trim(f) > 0;
}

Test(pressure, the_callback_may_trim) {
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        set_up();
        block_count = 0;
        fief_limit wanted = {.hard_bytes = 2 * MIB, .soft_bytes = MIB, .pressure = trim_and_go_on};
        fief_limit_set(heap, &wanted);
        for (unsigned k = 0; k < 2000; k++)
            take(sizes[i]);
        assert_equal(exact_stats(heap).live_blocks, block_count);
    }
}

/* A callback that frees a little, allocates of the very same size, and says that it could do nothing. */
static bool shuffle(fief *f, size_t wanted, void *arg) {
    (void)wanted;
    const size_t *size = arg;
    for (unsigned i = 0; i < 40 && block_count > 40; i++) {
        unsigned far = i * (block_count / 40);
        fief_free(f, blocks[far]);
        blocks[far] = blocks[--block_count];
    }
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(f, heap);
        take(*size);
    }
    return false;
}

Test(pressure, a_callback_that_shuffles_loses_no_block) {
    static const size_t small[] = {100, 200, 512, 1000, 3000};
    for (unsigned i = 0; i < sizeof small / sizeof *small; i++) {
        set_up();
        block_count = 0;
        size_t size = small[i];
        fief_limit wanted = {.hard_bytes = 256 * KIB, .pressure = shuffle, .pressure_arg = &size};
        fief_limit_set(heap, &wanted);
        for (unsigned k = 0; k < 20000; k++)
            take(small[i]);
        assert_equal(exact_stats(heap).live_blocks, block_count);
        while (block_count > 0)
            fief_free(heap, blocks[--block_count]);
        assert_equal(exact_stats(heap).live_blocks, 0);
    }
}
