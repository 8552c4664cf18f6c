/* heap/purge: a heap that breathes keeps its memory, one that shrinks gives it back at once, and what stays unused
 * goes in time. */
#include "heap/purge.h"

#include "support/compare.h"
#include "support/interpreter.h"

enum { KIB = 1024, MIB = 1024 * KIB, BLOCK = 4 * KIB, MOST_BLOCKS = 64 * MIB / BLOCK, TICK_EVENTS = 64 };

static fief *heap;
static char *blocks[MOST_BLOCKS];

static void set_up(void) {
    heap = create(named("purge"));
}

TestSuite(purge, .init = set_up);

static void allocate(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        blocks[i] = fief_alloc(heap, BLOCK);
        blocks[i][0] = 1;
    }
}

static void release(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++)
        fief_free(heap, blocks[i]);
}

static size_t committed(void) {
    return heap->count.charged_bytes + heap->count.dirty_bytes;
}

Test(purge, a_heap_that_breathes_pays_for_its_pages_once) {
    allocate(0, 2 * MIB / BLOCK);
    size_t peak = committed();
    for (unsigned turn = 0; turn < 10; turn++) {
        release(0, 2 * MIB / BLOCK);
        assert_at_least(committed(), peak * 9 / 10);
        allocate(0, 2 * MIB / BLOCK);
    }
}

Test(purge, a_heap_that_shrinks_gives_back_at_once) {
    allocate(0, 64 * MIB / BLOCK);
    release(0, 60 * MIB / BLOCK);
    assert_at_most(committed(), 9 * MIB);
}

Test(purge, a_heap_that_grows_again_keeps_again) {
    allocate(0, 64 * MIB / BLOCK);
    release(0, 60 * MIB / BLOCK);
    allocate(0, 30 * MIB / BLOCK);
    size_t peak = committed();
    release(0, 2 * MIB / BLOCK);
    assert_at_least(committed(), peak - MIB / 2);
}

Test(purge, asked_to_it_gives_back_all_that_is_free) {
    allocate(0, 3 * MIB / BLOCK);
    release(MIB / BLOCK, 3 * MIB / BLOCK);
    assert_at_least(heap->count.dirty_bytes, MIB);
    fi_heap_purge(heap);
    assert_equal(heap->count.dirty_bytes, 0);
}

Test(purge, arenas_that_hold_nothing_go_whole) {
    allocate(0, 8 * MIB / BLOCK);
    uint64_t before = heap->count.arenas;
    release(0, 8 * MIB / BLOCK);
    fi_heap_purge(heap);
    assert_at_most(heap->count.arenas, 2);
    cr_assert_gt(before, 8);
}

/* The clock is looked at now and then; here it always says that a second has gone. */
static void let_time_pass(void) {
    heap->last_tick_ms = 0;
    for (unsigned i = 0; i < TICK_EVENTS; i++)
        fi_heap_settle(heap);
}

Test(purge, what_is_free_for_two_ticks_goes) {
    allocate(0, 2 * MIB / BLOCK);
    release(0, 2 * MIB / BLOCK);
    size_t dirty = heap->count.dirty_bytes;
    let_time_pass();
    assert_equal(heap->count.dirty_bytes, dirty);
    let_time_pass();
    assert_equal(heap->count.dirty_bytes, 0);
    assert_at_most(heap->count.arenas, 2);
}

Test(purge, what_is_used_between_two_ticks_stays) {
    allocate(0, 2 * MIB / BLOCK);
    release(0, 2 * MIB / BLOCK);
    size_t dirty = heap->count.dirty_bytes;
    let_time_pass();
    allocate(0, 2 * MIB / BLOCK);
    release(0, 2 * MIB / BLOCK);
    let_time_pass();
    assert_at_least(heap->count.dirty_bytes, dirty * 9 / 10);
}
