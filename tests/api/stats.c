/* What is counted: fief_stats_publish and _read, fief_leaks_read, and what fief_trim says it gave back. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/memory.h"
#include "support/pages.h"
#include "support/random.h"
#include "support/sound.h"

#include <stdlib.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static fief *heap;

static void set_up(void) {
    heap = create(named("counted"));
}

TestSuite(stats, .init = set_up);

/* ---- counts ---- */

Test(stats, a_fresh_interpreter_has_nothing) {
    fief_stats stats;
    fief_stats_read(heap, &stats);
    assert_equal(stats.id, fief_id_of(heap));
    assert_equal(stats.state, FIEF_LIVE);
    assert_equal(stats.live_blocks + stats.live_bytes + stats.allocations + stats.frees, 0);
    assert_equal(stats.foreign_in + stats.foreign_out + stats.remote_in + stats.late_out + stats.misuses, 0);
    assert_equal(stats.limit_failures + stats.pressure_calls + stats.large_blocks + stats.pools, 0);
    assert_equal(stats.immortal_frees + stats.frozen_failures, 0);
    assert_equal(stats.arenas, 1);
    assert_at_least(stats.committed_bytes, stats.charged_bytes);
    assert_at_least(stats.reserved_bytes, stats.committed_bytes);
    for (unsigned i = 0; i < 6; i++)
        assert_equal(stats.reserved[i], 0);
}

/* What ought to be counted. */
typedef struct tally {
    uint64_t blocks, bytes, allocations, frees;
} tally;

static void assert_tally(const tally *wanted) {
    fief_stats stats = exact_stats(heap);
    assert_equal(stats.live_blocks, wanted->blocks);
    assert_equal(stats.live_bytes, wanted->bytes);
    assert_equal(stats.allocations, wanted->allocations);
    assert_equal(stats.frees, wanted->frees);
    assert_equal(stats.allocations - stats.frees, stats.live_blocks);
    assert_at_least(stats.charged_bytes, stats.live_bytes);
    assert_at_least(stats.committed_bytes, stats.charged_bytes);
    assert_at_least(stats.charged_peak_bytes, stats.charged_bytes);
    assert_at_least(stats.reserved_bytes, stats.committed_bytes);
}

static void add(tally *t, const void *block, int sign) {
    size_t usable = fief_usable_size(block);
    t->blocks += (uint64_t)sign;
    t->bytes += (uint64_t)sign * usable;
    if (sign > 0)
        t->allocations++;
    else
        t->frees++;
}

Test(stats, every_kind_of_block_is_counted_exactly) {
    tally t = {0};
    static void *blocks[3 * KINDS];
    for (unsigned i = 0; i < 3 * KINDS; i++) {
        blocks[i] = allocate_kind(heap, kind_number(i % KINDS));
        add(&t, blocks[i], 1);
        assert_tally(&t);
    }
    for (unsigned i = 0; i < 3 * KINDS; i++) {
        void *block = blocks[i * 11 % (3 * KINDS)];
        add(&t, block, -1);
        fief_free(heap, block);
        assert_tally(&t);
    }
}

Test(stats, blocks_of_whole_pages_are_large) {
    FOR_KINDS (kind) {
        void *block = allocate_kind(heap, kind);
        bool large = kind.size > 16 * KIB || kind.alignment > 4096;
        assert_equal(exact_stats(heap).large_blocks, large);
        fief_free(heap, block);
        assert_equal(exact_stats(heap).large_blocks, 0);
    }
}

/* A realloc: what it counts as must follow from whether the block moved. */
static void *resize(tally *t, void *block, size_t size) {
    size_t usable = block != NULL ? fief_usable_size(block) : 0;
    tally without = *t;
    if (block != NULL)
        add(&without, block, -1);
    void *to = fief_realloc(heap, block, size);
    cr_assert_not_null(to);
    if (opaque(to) != block) {
        *t = without;
        add(t, to, 1);
    } else {
        t->bytes += fief_usable_size(to) - usable;
    }
    return to;
}

Test(stats, a_realloc_that_moves_is_an_allocation_and_a_free) {
    tally t = {0};
    FOR_KINDS (from) {
        void *block = allocate_kind(heap, from);
        add(&t, block, 1);
        for (unsigned to = 0; to < KINDS; to += 13) {
            if (kind_number(to).size > 507904)
                continue; /* see the next one */
            block = resize(&t, block, kind_number(to).size);
            assert_tally(&t);
        }
        add(&t, block, -1);
        fief_free(heap, block);
    }
}

Test(stats, a_huge_block_that_moves_is_counted_as_any_other) {
    tally t = {0};
    void *block = resize(&t, NULL, MIB), *behind = fief_alloc(heap, MIB);
    add(&t, behind, 1);
    for (size_t size = 2 * MIB; size <= 64 * MIB; size *= 2) {
        block = resize(&t, block, size);
        behind = fief_alloc(heap, MIB); /* so that the next one has to move */
        add(&t, behind, 1);
        assert_tally(&t);
    }
    assert_tally(&t);
}

static void *any_block(random_source *rng, unsigned verb, size_t size) {
    size_t alignment = (size_t)16 << random_below(rng, 10);
    return verb == 0   ? fief_alloc(heap, size)
           : verb == 1 ? fief_zalloc(heap, size)
           : verb == 2 ? fief_calloc(heap, 1, size)
                       : fief_alloc_aligned(heap, size, alignment);
}

Test(stats, mixed_work_is_counted_exactly) {
    tally t = {0};
    static void *blocks[2000];
    random_source rng = random_seeded(3);
    for (unsigned turn = 0; turn < 100000; turn++) {
        void **slot = &blocks[random_below(&rng, sizeof blocks / sizeof *blocks)];
        size_t size = random_below(&rng, (size_t)1 << (3 + random_below(&rng, 15)));
        if (*slot == NULL) {
            *slot = any_block(&rng, (unsigned)random_below(&rng, 4), size);
            add(&t, *slot, 1);
        } else if (random_below(&rng, 4) == 0) {
            *slot = resize(&t, *slot, size);
        } else {
            add(&t, *slot, -1);
            fief_free_sized(heap, *slot, size);
            *slot = NULL;
        }
        if (turn % 1000 == 0)
            assert_tally(&t);
    }
    fief_trim(heap);
    assert_tally(&t);
}

Test(stats, what_is_read_is_what_was_published) {
    fief_stats before = exact_stats(heap), later;
    cr_assert_not_null(opaque(fief_alloc(heap, 10)));
    cr_assert_not_null(opaque(fief_alloc(heap, 10)));
    fief_stats_read(heap, &later);
    assert_equal(later.live_blocks, before.live_blocks);
    fief_trim(heap);
    fief_stats_read(heap, &later);
    assert_equal(later.live_blocks, 2);
    cr_assert_not_null(opaque(fief_alloc(heap, 10)));
    fief_free_remote(fief_alloc(heap, 1000));
    fief_stats_read(heap, &later);
    assert_equal(later.live_blocks, 2);
    assert_equal(fief_poll(heap), 1);
    fief_stats_read(heap, &later);
    assert_equal(later.live_blocks, 3);
    assert_equal(later.remote_in, 1);
}

/* ---- what is left ---- */

static fief_leaks leaks(void) {
    fief_leaks now;
    fief_leaks_read(&now);
    return now;
}

Test(stats, what_is_left_at_the_end_adds_up) {
    fief_leaks before = leaks();
    uint64_t blocks = 0, bytes = 0;
    for (unsigned i = 0; i < 20; i++) {
        fief *f = create(named("leaking"));
        for (unsigned k = 0; k < i * 10; k++) {
            void *block = allocate_kind(f, kind_number((k * 7 + i) % KINDS));
            if (k % 3 == 0) {
                fief_free(f, block);
                continue;
            }
            blocks++;
            bytes += fief_usable_size(block);
        }
        fief_destroy(f);
        fief_leaks now = leaks();
        assert_equal(now.interpreters - before.interpreters, i + 1);
        assert_equal(now.blocks - before.blocks, blocks);
        assert_equal(now.bytes - before.bytes, bytes);
        assert_equal(now.late_frees, before.late_frees);
    }
}

/* ---- trimming ---- */

Test(stats, trimming_gives_back_what_is_free) {
    enum { COUNT = 4000 };
    static void *blocks[COUNT];
    cr_assert(is_sound(heap)); /* so that whatever is touched once has been */
    fief_trim(heap);
    fief_trim(NULL);
    size_t resident = resident_bytes();
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = memset(fief_alloc(heap, 10000), 0xEE, 10000);
    assert_at_least(exact_stats(heap).committed_bytes, COUNT * 10000);
    for (unsigned i = 0; i < COUNT; i++)
        fief_free(heap, blocks[i]);
    uint64_t committed = exact_stats(heap).committed_bytes;
    size_t given = fief_trim(heap);
    fief_stats stats = exact_stats(heap);
    assert_equal(committed - stats.committed_bytes, given);
    assert_at_most(stats.committed_bytes, 256 * KIB);
    assert_equal(fief_trim(heap), 0);
    skip_unless_memory_is_measured();
    assert_at_most(resident_bytes(), resident + MIB);
}

Test(stats, trimming_leaves_live_blocks_alone) {
    enum { COUNT = 3000 };
    static unsigned char *blocks[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = memset(fief_alloc(heap, 10 * (i % 300)), (int)(i % 251), 10 * (i % 300));
    for (unsigned i = 0; i < COUNT; i++)
        if (i % 10 != 0)
            fief_free(heap, blocks[i]);
    fief_trim(heap);
    for (unsigned i = 0; i < COUNT; i += 10)
        for (unsigned k = 0; k < 10 * (i % 300); k++)
            assert_equal(blocks[i][k], i % 251);
    assert_equal(exact_stats(heap).live_blocks, COUNT / 10);
    cr_assert(is_sound(heap));
}

/* ---- totals ---- */

Test(stats, the_totals_are_the_sum_of_what_the_living_have_published) {
    fief_totals before, after;
    fief *other = create(named("other")), *ended = create(named("ended"));
    fief_totals_read(&before);
    assert_equal(before.interpreters, 3);
    cr_assert_not_null(fief_alloc(ended, 100));
    fief_stats_publish(ended);
    for (unsigned i = 0; i < 10; i++)
        cr_assert(fief_alloc(heap, 64) != NULL && fief_alloc(other, 100 * KIB) != NULL);
    fief_stats_publish(other);
    fief_totals_read(&after);
    assert_equal(after.live_blocks - before.live_blocks, 11); /* `heap` has not published */
    fief_stats_publish(heap);
    fief_destroy(ended);
    fief_totals_read(&after);
    assert_equal(after.interpreters, 2);
    assert_equal(after.live_blocks - before.live_blocks, 20);
    fief_stats one = exact_stats(heap), two = exact_stats(other);
    assert_equal(after.live_bytes, one.live_bytes + two.live_bytes);
    assert_equal(after.committed_bytes, one.committed_bytes + two.committed_bytes);
}
