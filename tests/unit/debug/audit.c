/* debug/audit: all of a heap is looked at, and policies that abort wait. */
#include "debug/audit.h"

#include "heap.h"
#include "heap/pools.h"

static void set_up(void) {
    conf("");
}

TestSuite(audit, .init = set_up);

Test(audit, policies_are_as_they_were) {
    fief_config config = at_level(FIEF_DEBUG_CHECK, &heard);
    config.on_misuse = FIEF_MISUSE_ABORT;
    for (int kind = 1; kind < FIEF_MISUSE_COUNT; kind++)
        config.policies[kind] = FIEF_POLICY_ABORT;
    fief *f = create(config);
    *(char *)opaque((char *)fief_alloc(f, 10) + 10) = 1;
    assert_equal(fi_audit(f, NULL), 1);
    assert_equal(f->on_misuse, FIEF_MISUSE_ABORT);
    for (int kind = 1; kind < FIEF_MISUSE_COUNT; kind++)
        assert_equal(f->policies[kind], FIEF_POLICY_ABORT);
    fief_destroy(f);
}

Test(audit, what_is_ignored_is_counted_still) {
    fief_config config = at_level(FIEF_DEBUG_CHECK, &heard);
    config.on_misuse = FIEF_MISUSE_IGNORE;
    fief *f = create(config);
    *(char *)opaque((char *)fief_alloc(f, 10) + 10) = 1;
    assert_equal(fi_audit(f, NULL), 1);
    assert_equal(heard.count, 0);
    fief_destroy(f);
}

Test(audit, a_size_that_can_not_be_is_told_and_not_used) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        fi_spot spot = spot_at(f, fief_alloc(f, 100));
        spot.record->size = SIZE_MAX / 2;
        assert_equal(fi_audit(f, NULL), 1);
        cr_assert_not_null(strstr(heard.text, "no size that fits its slot"));
        spot.record->size = 100;
        assert_equal(fi_audit(f, NULL), 0);
        fief_destroy(f);
    }
}

Test(audit, counts_that_differ_are_told) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_spot spot = spot_at(f, fief_alloc(f, 100));
    f->count.watched_blocks++;
    assert_equal(fi_audit(f, NULL), 1);
    f->count.watched_blocks--;
    spot.pool->count++;
    assert_equal(fi_audit(f, NULL), 1);
    spot.pool->count--;
    assert_equal(fi_audit(f, NULL), 0);
    fief_destroy(f);
}

/* A circle, a way out, a mark: of free blocks in a list of the pool's. */
Test(audit, lists_that_can_not_be_are_told) {
    FOR_LEVELS(level) {
        fief *f = heap_at(level);
        fi_block *blocks[4];
        for (unsigned i = 0; i < 4; i++)
            blocks[i] = fief_alloc(f, 64);
        for (unsigned i = 1; i < 4; i++)
            fief_free(f, blocks[i]);
        fief_trim(f);
        fi_pool *pool = fi_heap_pool_of(f, blocks[0]);
        if (level == FIEF_DEBUG_GUARD || pool->free == fi_heap_sentinel(f)) {
            fief_destroy(f);
            continue;
        }
        fi_block *first = pool->free, before = *first;
        unsigned before_that = heard.kinds[FIEF_MISUSE_CORRUPTION];
        fi_block *const wrong[] = {first, (fi_block *)(uintptr_t)8, (fi_block *)UINTPTR_MAX, NULL};
        for (unsigned i = 0; i < 4; i++) {
            first->next = wrong[i];
            cr_assert_geq(fi_audit(f, NULL), 1);
        }
        *first = before;
        first->mark ^= 1;
        cr_assert_geq(fi_audit(f, NULL), 1);
        *first = before;
        cr_assert_geq(heard.kinds[FIEF_MISUSE_CORRUPTION], before_that + 5);
        assert_equal(fi_audit(f, NULL), 0);
        fief_destroy(f);
    }
}
