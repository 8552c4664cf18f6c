/* heap/visit: every live block is seen once, whatever the visitor frees; and trimming gives back what is not
 * needed. */
#include "heap/visit.h"

#include "heap/pools.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/random.h"

enum { BLOCKS = 4000 };

static fief *heap;

static void set_up(void) {
    heap = create(named("visit"));
}

TestSuite(visit, .init = set_up);

/* Each block holds its own number, and the visitor notes it. */
static uint32_t *blocks[BLOCKS];
static unsigned seen[BLOCKS];

static void allocate_all(void) {
    random_source rng = random_seeded(1);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        blocks[i] = fief_alloc(heap, 4 + random_below(&rng, i % 100 == 0 ? 1 << 20 : 900));
        *blocks[i] = i;
    }
}

typedef struct walk {
    unsigned frees; /* of each so many blocks it frees one; 0: none */
    unsigned stop;  /* after so many blocks; 0: never */
    unsigned count;
} walk;

static bool note(void *block, size_t usable, void *arg) {
    walk *w = arg;
    uint32_t number = *(uint32_t *)block;
    assert_equal(usable, fief_usable_size(block));
    cr_assert_eq((void *)blocks[number], block);
    seen[number]++;
    w->count++;
    if (w->frees != 0 && w->count % w->frees == 0) {
        fief_free(heap, block);
        blocks[number] = NULL;
    }
    return w->count != w->stop;
}

static void assert_each_seen(unsigned times) {
    for (unsigned i = 0; i < BLOCKS; i++)
        assert_equal(seen[i], blocks[i] != NULL ? times : seen[i]);
}

Test(visit, each_live_block_is_seen_once) {
    allocate_all();
    for (unsigned i = 0; i < BLOCKS; i += 3) {
        fief_free(heap, blocks[i]);
        blocks[i] = NULL;
    }
    walk w = {.count = 0};
    fi_heap_visit(heap, note, &w);
    assert_equal(w.count, exact_stats(heap).live_blocks);
    assert_each_seen(1);
}

Test(visit, an_empty_heap_has_nothing_to_show) {
    walk w = {.count = 0};
    fief_free(heap, fief_alloc(heap, 64));
    fi_heap_visit(heap, note, &w);
    assert_equal(w.count, 0);
}

Test(visit, the_visitor_may_free_some_of_what_it_sees) {
    allocate_all();
    for (unsigned frees = 7; frees > 1; frees--) {
        walk w = {.frees = frees};
        uint64_t live = exact_stats(heap).live_blocks;
        fi_heap_visit(heap, note, &w);
        assert_equal(w.count, live);
        assert_equal(exact_stats(heap).live_blocks, live - live / frees);
    }
}

Test(visit, the_visitor_may_free_all_that_it_sees) {
    allocate_all();
    walk w = {.frees = 1};
    fi_heap_visit(heap, note, &w);
    assert_equal(w.count, BLOCKS);
    assert_equal(exact_stats(heap).live_blocks, 0);
}

Test(visit, the_visitor_may_stop_it_anywhere) {
    allocate_all();
    for (unsigned stop = 1; stop <= BLOCKS; stop = stop * 2 + 1) {
        walk w = {.stop = stop};
        fi_heap_visit(heap, note, &w);
        assert_equal(w.count, stop);
    }
}

static bool note_order(void *block, size_t usable, void *arg) {
    char **last = arg;
    bool same_arena = fi_map_find(*last) == fi_map_find(block);
    cr_assert(!same_arena || (char *)block > *last, "%zu bytes at %p after %p", usable, block, (void *)*last);
    *last = block;
    return true;
}

Test(visit, within_an_arena_addresses_rise) {
    char *last = NULL;
    allocate_all();
    fi_heap_visit(heap, note_order, &last);
    cr_assert_not_null(last);
}

Test(visit, what_others_freed_is_taken_in_first) {
    walk w = {.count = 0};
    allocate_all();
    fief_free_remote(blocks[5]);
    fi_heap_visit(heap, note, &w);
    assert_equal(w.count, BLOCKS - 1);
    assert_equal(seen[5], 0);
}

/* ---- trimming ---- */

Test(visit, a_trimmed_empty_heap_is_its_handles_page) {
    allocate_all();
    for (unsigned i = 0; i < BLOCKS; i++)
        fief_free(heap, blocks[i]);
    size_t committed = heap->count.charged_bytes + heap->count.dirty_bytes;
    size_t given = fi_heap_trim(heap);
    assert_equal(heap->count.pools, 0);
    assert_equal(heap->count.arenas, 1);
    assert_equal(heap->count.dirty_bytes, 0);
    assert_equal(heap->count.charged_bytes, fi_os_page_bytes());
    assert_equal(given, committed - fi_os_page_bytes());
    assert_equal(fi_heap_trim(heap), 0);
}

Test(visit, a_trim_leaves_what_lives) {
    allocate_all();
    for (unsigned i = 0; i < BLOCKS; i++)
        if (i % 10 != 0)
            fief_free(heap, blocks[i]);
    fi_heap_trim(heap);
    for (uint32_t i = 0; i < BLOCKS; i += 10)
        assert_equal(*blocks[i], i);
    assert_equal(exact_stats(heap).live_blocks, BLOCKS / 10);
}
