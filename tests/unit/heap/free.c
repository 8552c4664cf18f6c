/* heap/free: which way a free goes - home, abroad, too late or nowhere - and what is counted on the way. */
#include "heap/free.h"

#include "heap/remote.h"
#include "support/compare.h"
#include "support/interpreter.h"

static witness told;
static fief *ann, *bob;

static void set_up(void) {
    ann = create(watched("ann", &told));
    bob = create(watched("bob", &told));
}

TestSuite(free, .init = set_up);

static const size_t sizes[] = {16, 100, 512, 3000, 16 * 1024, 40000, 2 << 20};

#define FOR_SIZES(i) for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)

Test(free, nothing_is_no_misuse) {
    fi_heap_free_slow(ann, NULL, "fief_free", NULL);
    fi_heap_free_slow(NULL, NULL, "fief_free_remote", NULL);
    assert_equal(told.count, 0);
}

Test(free, the_slow_way_frees_what_the_fast_one_would) {
    FOR_SIZES (i) {
        void *block = fief_alloc(ann, sizes[i]);
        fi_heap_free_slow(ann, block, "fief_free", NULL);
        assert_equal(exact_stats(ann).live_blocks, 0);
    }
    assert_equal(told.count, 0);
}

Test(free, a_foreign_block_is_counted_on_both_sides_and_goes_home) {
    FOR_SIZES (i) {
        fi_heap_free_slow(bob, fief_alloc(ann, sizes[i]), "fief_free", NULL);
        assert_equal(told.kinds[FIEF_MISUSE_FOREIGN_FREE], i + 1);
        assert_equal(bob->count.foreign_out, i + 1);
        assert_equal(ann->slot->foreign_in, i + 1);
        assert_equal(fi_remote_take_in(ann), 1);
    }
    assert_equal(exact_stats(ann).live_blocks, 0);
    assert_equal(bob->count.misuses, 0);
}

Test(free, without_a_handle_it_goes_home_uncounted) {
    FOR_SIZES (i) {
        fi_heap_free_slow(NULL, fief_alloc(ann, sizes[i]), "fief_free_remote", NULL);
        assert_equal(fi_remote_take_in(ann), 1);
    }
    assert_equal(ann->slot->foreign_in, 0);
    assert_equal(told.count, 0);
}

Test(free, a_late_block_is_counted_and_stays_dead) {
    void *block = fief_alloc(ann, 64);
    uint64_t before = fi_heap_late_frees();
    fief_destroy(ann);
    fi_heap_free_slow(bob, block, "fief_free", NULL);
    fi_heap_free_slow(NULL, block, "fief_free_remote", NULL);
    assert_equal(fi_heap_late_frees() - before, 2);
    assert_equal(bob->count.late_out, 1);
    assert_equal(told.kinds[FIEF_MISUSE_LATE_FREE], 2);
    cr_assert_str_eq(told.owner_name, "ann");
    cr_assert_str_eq(told.verdict, "the block stays dead");
}

Test(free, a_late_block_is_known_by_its_owners_id_when_all_else_is_forgotten) {
    while (((uintptr_t)create(named("neighbour")) >> FI_UNIT_SHIFT) % 64 != 63)
        continue; /* or what is known of these would keep what is known of the ended ones beside them */
    FOR_SIZES (i) {
        fief *ended = create(watched("ended", &told));
        fief_id id = fief_id_of(ended);
        void *block = fief_alloc(ended, sizes[i]);
        fief_destroy(ended);
        fief_trim(NULL);
        uint64_t before = fi_heap_late_frees();
        fi_heap_free_slow(bob, block, "fief_free", NULL);
        fi_heap_free_slow(NULL, block, "fief_free_remote", NULL); /* it concerns nobody who has a callback */
        assert_equal(fi_heap_late_frees() - before, 2);
        assert_equal(told.kinds[FIEF_MISUSE_LATE_FREE], i + 1);
        assert_equal(told.last.owner, id);
    }
    assert_equal(bob->count.misuses, 0);
}

Test(free, a_closing_interpreters_own_frees_are_not_late) {
    void *block = fief_alloc(ann, 20000);
    ann->state = FIEF_CLOSING;
    ann->slot->state = FIEF_CLOSING;
    fi_heap_free_slow(ann, block, "fief_free", NULL);
    assert_equal(told.count, 0);
    void *another = fief_alloc(ann, 20000);
    fi_heap_free_slow(bob, another, "fief_free", NULL);
    assert_equal(told.kinds[FIEF_MISUSE_LATE_FREE], 1);
}

Test(free, what_is_found_late_has_an_owner_that_does_not_live) {
    void *block = fief_alloc(ann, 64);
    fi_found found = fi_find(block), nobody = fi_find(&told);
    cr_assert_not(fi_found_is_late(bob, &found));
    cr_assert_not(fi_found_is_late(bob, &nobody));
    fief_destroy(ann);
    found = fi_find(block);
    cr_assert(fi_found_is_late(bob, &found));
}

Test(free, a_block_that_is_sent_home_twice_is_a_double_free) {
    void *block = fief_alloc(ann, 64);
    fi_found found = fi_find(block);
    fi_incident incident = fi_found_incident(&found, block, bob, "fief_free");
    fi_heap_send_home(bob, &found, incident);
    assert_equal(told.count, 0);
    fi_heap_send_home(bob, &found, incident);
    assert_equal(told.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
    assert_equal(bob->count.misuses, 1);
    assert_equal(fi_remote_take_in(ann), 1);
}

Test(free, a_block_whose_pool_went_meanwhile_is_late) {
    void *block = fief_alloc(ann, 20000);
    fi_found found = fi_find(block);
    fief_free(ann, block);
    fi_heap_send_home(bob, &found, fi_found_incident(&found, block, bob, "fief_free"));
    assert_equal(told.kinds[FIEF_MISUSE_LATE_FREE], 1);
    assert_equal(fi_remote_take_in(ann), 0);
}

Test(free, policy_says_whether_a_foreign_free_may_go_on) {
    void *block = fief_alloc(ann, 64);
    fi_found found = fi_find(block);
    fi_incident incident = fi_found_incident(&found, block, bob, "fief_free");
    incident.kind = FIEF_MISUSE_FOREIGN_FREE;
    bob->on_foreign = FIEF_FOREIGN_ROUTE;
    cr_assert(fi_heap_meet_foreign(bob, &found, &incident, "it goes home"));
    cr_assert_str_eq(told.verdict, "it goes home");
    bob->on_foreign = FIEF_FOREIGN_IGNORE;
    cr_assert_not(fi_heap_meet_foreign(bob, &found, &incident, "it goes home"));
    cr_assert_str_eq(told.verdict, "the call does nothing");
    assert_equal(bob->count.foreign_out, 2);
}
