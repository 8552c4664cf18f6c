/* debug/blocks: a block's way from one state to the next, and what stops it. */
#include "debug/blocks.h"

#include "heap.h"
#include "heap/remote.h"
#include "os/os.h"

static void set_up(void) {
    conf("");
}

TestSuite(blocks, .init = set_up);

Test(blocks, live_held_free) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    unsigned char *block = fief_alloc(f, 100);
    assert_equal(state_at(f, block), FI_RECORD_LIVE);
    assert_equal(block[0], FI_FRESH);
    fief_free(f, opaque(block));
    assert_equal(state_at(f, block), FI_RECORD_HELD);
    assert_equal(*(unsigned char *)opaque(block), FI_FREED);
    fi_spot spot = spot_at(f, block);
    assert_equal(spot.record->freed_by, fief_id_of(f));
    cr_assert(spot.record->freed.trace != 0 && spot.record->freed.thread == spot.record->made.thread);
    void *neighbour = fief_alloc(f, 100); /* keeps the pool */
    fief_trim(f);
    assert_equal(fi_record_state_of(spot.record), FI_RECORD_FREE);
    fief_free(f, neighbour);
    fief_destroy(f);
}

Test(blocks, live_sent_held) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        void *block = fief_alloc(f, 100);
        fief_free_remote(block);
        assert_equal(state_at(f, block), FI_RECORD_SENT);
        assert_equal(spot_at(f, block).record->freed_by, FIEF_ID_NONE);
        assert_equal(fief_poll(f), 1);
        assert_equal(state_at(f, block), FI_RECORD_HELD);
        fief_destroy(f);
    }
}

Test(blocks, a_block_is_claimed_once) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        void *block = fief_alloc(f, 100);
        fi_found found = fi_find(block);
        cr_assert(fi_watched_claim(&found, 4711, NULL));
        cr_assert_not(fi_watched_claim(&found, 4712, NULL));
        assert_equal(spot_at(f, block).record->freed_by, 4711);
        fief_free(f, block);
        assert_equal(heard.kinds[FIEF_MISUSE_DOUBLE_FREE], (unsigned)level);
        fief_destroy(f);
    }
}

Test(blocks, one_that_came_home_without_being_sent_is_told) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        fi_spot spot = spot_at(f, fief_alloc(f, 100));
        cr_assert(fi_watched_home(f, spot.pool, spot.index));
        assert_equal(heard.kinds[FIEF_MISUSE_DOUBLE_FREE], (unsigned)level);
        assert_equal(fi_record_state_of(spot.record), FI_RECORD_LIVE);
        fief_destroy(f);
    }
}

Test(blocks, an_unwatched_heaps_blocks_are_not_its_business) {
    fief *f = heap_at(FIEF_DEBUG_OFF);
    void *block = fief_alloc(f, 100), *result;
    fi_found found = fi_find(block);
    cr_assert_not(fi_watched_free(f, &found, &FI_RELEASE("a free", NULL)));
    cr_assert_not(fi_watched_resize(f, &found, 10, &FI_RELEASE("a realloc", NULL), &result));
    cr_assert_not(fi_watched_home(f, found.pool, found.index));
    fief_destroy(f);
}

Test(blocks, a_realloc_stays_where_it_wastes_little) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    unsigned char *block = fief_alloc(f, 1000);
    size_t slot = spot_at(f, block).slot_bytes;
    cr_assert_eq(opaque(fief_realloc(f, block, slot - FI_FENCE_BYTES)), block);
    cr_assert_eq(opaque(fief_realloc(f, block, slot / 2)), block);
    assert_equal(f->count.watched_bytes, slot / 2);
    cr_assert_neq(opaque(fief_realloc(f, block, 10)), block);
    assert_equal(f->count.watched_bytes, 10);
    assert_equal(fief_check(f), 0);
    fief_destroy(f);
}

Test(blocks, exhaustion_is_null_and_counts_nothing) {
    FOR_DEBUG_LEVELS(level)
    for (size_t size = 100; size < 1000000; size *= 30)
        for (unsigned k = 1; k < 12; k++) {
            fief *f = heap_at(level);
            fi_os_fail_at(k);
            void *block = fief_alloc_tagged(f, size, 0);
            fi_os_fail_at(0);
            assert_equal(f->count.watched_blocks, block != NULL);
            assert_equal(f->count.watched_bytes, block != NULL ? size : 0);
            assert_equal(fief_check(f), 0);
            fief_destroy(f);
        }
    assert_equal(heard.count, 0);
}
