/* heap/stats: the counters are exact when they are published, and a reader never sees half of a publication. */
#include "heap/stats.h"

#include "heap/large.h"
#include "heap/pools.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/random.h"

#include <pthread.h>

enum { SLOTS = 500, PUBLICATIONS = 20000 };

static fief *heap;

static void set_up(void) {
    heap = create(named("stats"));
}

TestSuite(stats, .init = set_up);

/* ---- counting ---- */

static const size_t sizes[] = {8, 24, 40, 64, 500, 3000, 16 * 1024, 50000, 1 << 20};

static size_t some_size(random_source *rng) {
    return sizes[random_below(rng, sizeof sizes / sizeof *sizes)];
}

Test(stats, blocks_bytes_allocations_and_frees_are_exact) {
    static void *held[SLOTS];
    random_source rng = random_seeded(1);
    uint64_t live = 0, bytes = 0, allocations = 0, frees = 0;
    for (unsigned turn = 0; turn < 20000; turn++) {
        void **at = &held[random_below(&rng, SLOTS)];
        if (*at == NULL) {
            *at = fief_alloc(heap, some_size(&rng));
            live++, allocations++, bytes += fief_usable_size(*at);
        } else {
            live--, frees++, bytes -= fief_usable_size(*at);
            fief_free(heap, *at);
            *at = NULL;
        }
        if (turn % 100 != 0)
            continue;
        fief_stats stats = exact_stats(heap);
        assert_equal(stats.live_blocks, live);
        assert_equal(stats.live_bytes, bytes);
        assert_equal(stats.allocations, allocations);
        assert_equal(stats.frees, frees);
    }
}

Test(stats, live_blocks_are_counted_without_those_in_lists) {
    for (unsigned i = 0; i < 10; i++)
        cr_assert_not_null(fief_alloc(heap, 64));
    fi_live live = fi_stats_count_live(heap);
    assert_equal(live.blocks, 10);
    assert_equal(live.bytes, 640);
    assert_equal(live.listed, fi_heap_count_listed(heap).blocks);
}

Test(stats, memory_is_noted_without_counting_blocks) {
    fief_stats stats;
    cr_assert_not_null(fief_alloc(heap, 100000));
    fi_stats_read(heap, &stats);
    assert_equal(stats.charged_bytes, heap->count.charged_bytes);
    assert_equal(stats.committed_bytes, heap->count.charged_bytes + heap->count.dirty_bytes);
    assert_equal(stats.reserved_bytes, heap->count.reserved_bytes);
    assert_equal(stats.large_blocks, 1);
    assert_equal(stats.allocations, 0);
}

Test(stats, a_fresh_heap_has_published_itself) {
    fief_stats stats;
    fi_stats_read(heap, &stats);
    assert_equal(stats.id, fief_id_of(heap));
    assert_equal(stats.state, FIEF_LIVE);
    assert_equal(stats.live_blocks, 0);
    assert_equal(stats.charged_bytes, fi_os_page_bytes());
    assert_equal(stats.arenas, 1);
}

/* ---- readers ---- */

typedef struct reader {
    bool stop;
    uint64_t snapshots, torn;
} reader;

/* Each publication makes these two equal. */
static void *read_on(void *arg) {
    reader *r = arg;
    fief_stats stats;
    while (!fi_load_acquire(&r->stop)) {
        fi_stats_read(heap, &stats);
        r->torn += stats.misuses != stats.pressure_calls;
        fi_store_relaxed(&r->snapshots, r->snapshots + 1);
    }
    return NULL;
}

Test(stats, a_reader_sees_whole_publications_only) {
    reader r = {.stop = false};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, read_on, &r), 0);
    for (uint64_t i = 0; i < PUBLICATIONS || fi_load_relaxed(&r.snapshots) < 100; i++) {
        heap->count.misuses = heap->count.pressure_calls = i;
        fi_stats_publish(heap);
    }
    fi_store_release(&r.stop, true);
    pthread_join(thread, NULL);
    assert_equal(r.torn, 0);
}
