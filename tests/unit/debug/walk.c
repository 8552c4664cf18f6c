/* debug/walk: every place that a block may be in. */
#include "debug/walk.h"

#include "heap.h"
#include "support/kinds.h"

static void set_up(void) {
    conf("");
}

TestSuite(walk, .init = set_up);

typedef struct tally {
    unsigned live, others, left;
} tally;

static bool count(fief *f, const fi_spot *spot, void *arg) {
    tally *t = arg;
    cr_assert(fi_record_of(spot->pool, spot->index) == spot->record);
    cr_assert_eq(fief_owner(spot->block), fief_id_of(f));
    bool live = fi_record_state_of(spot->record) == FI_RECORD_LIVE;
    t->live += live;
    t->others += !live;
    return t->left == 0 || --t->left > 0;
}

Test(walk, every_block_is_seen_once) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        FOR_KINDS (kind) {
            cr_assert_not_null(allocate_kind(f, kind));
            fief_free(f, allocate_kind(f, kind));
        }
        tally t = {0, 0, 0};
        fi_walk(f, count, &t);
        assert_equal(t.live, KINDS);
        fief_destroy(f);
    }
}

Test(walk, it_ends_where_it_is_told_to) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        for (unsigned i = 0; i < 100; i++)
            cr_assert_not_null(fief_alloc(f, i * 100));
        tally t = {0, 0, 7};
        fi_walk(f, count, &t);
        assert_equal(t.live, 7);
        fief_destroy(f);
    }
}

Test(walk, of_a_heap_that_samples_guarded_blocks_are_seen) {
    fief_config config = at_level(FIEF_DEBUG_OFF, &heard);
    config.sample = 1;
    fief *f = create(config);
    unsigned guarded = 0;
    for (unsigned i = 0; i < 200; i++)
        guarded += fi_find(fief_alloc(f, 10)).view.state == FI_POOL_GUARDED;
    tally t = {0, 0, 0};
    fi_walk(f, count, &t);
    cr_assert(guarded > 0 && t.live == guarded);
    fief_destroy(f);
}

Test(walk, an_unwatched_heap_has_no_place) {
    fief *f = heap_at(FIEF_DEBUG_OFF);
    cr_assert_not_null(fief_alloc(f, 10));
    tally t = {0, 0, 0};
    fi_walk(f, count, &t);
    assert_equal(t.live + t.others, 0);
    fief_destroy(f);
}
