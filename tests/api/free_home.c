/* fief_free_home: a block goes to whoever owns it, the caller itself or another, sooner or later and once. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/random.h"

#include <fief/inline.h>

static witness told;
static fief *alice, *bob; /* who owns, and who frees */

static void set_up(void) {
    alice = create(watched("alice", &told));
    bob = create(watched("bob", &told));
}

TestSuite(free_home, .init = set_up);

/* What bob still has is sent, and alice takes in what came. */
static uint64_t alices_live_blocks(void) {
    fief_poll(bob);
    fief_poll(alice);
    return exact_stats(alice).live_blocks;
}

Test(free_home, a_block_of_ones_own_of_any_kind_is_freed_at_once) {
    FOR_KINDS (kind) {
        void *block = allocate_kind(bob, kind);
        fief_free_home(bob, block);
        assert_equal(exact_stats(bob).live_blocks, 0);
    }
    assert_equal(told.count, 0);
}

Test(free_home, anothers_block_of_any_kind_comes_home) {
    uint64_t home = 0;
    FOR_KINDS (kind) {
        void *block = allocate_kind(alice, kind);
        fief_inline_free_home(bob, block);
        assert_equal(alices_live_blocks(), 0);
        assert_equal(exact_stats(alice).remote_in, ++home);
    }
    assert_equal(told.count, 0);
    fief_stats bobs = exact_stats(bob);
    assert_equal(bobs.foreign_out + bobs.misuses + bobs.late_out, 0);
}

Test(free_home, null_is_nothing) {
    fief_free_home(bob, NULL);
    assert_equal(exact_stats(bob).misuses + told.count, 0);
}

/* More blocks, in more pools and words, than any batch has room for. */
Test(free_home, any_number_in_any_order_comes_home_once) {
    enum { BLOCKS = 5000 };
    static void *blocks[BLOCKS];
    random_source rng = random_seeded(1);
    for (unsigned turn = 0; turn < 5; turn++) {
        for (unsigned i = 0; i < BLOCKS; i++)
            blocks[i] = fief_alloc(i % 5 == 0 ? bob : alice, 1 + random_below(&rng, 2000));
        for (unsigned left = BLOCKS; left > 0; left--) {
            unsigned i = (unsigned)random_below(&rng, left);
            fief_free_home(bob, blocks[i]);
            blocks[i] = blocks[left - 1];
        }
        assert_equal(alices_live_blocks(), 0);
        assert_equal(exact_stats(bob).live_blocks, 0);
    }
    assert_equal(exact_stats(alice).remote_in, 5 * (BLOCKS - BLOCKS / 5));
    assert_equal(told.count, 0);
}

/* bob never looks for anything himself. */
Test(free_home, a_batch_is_sent_when_it_is_full) {
    enum { BLOCKS = 1000, MOST_WAITING = 64 };
    for (unsigned i = 0; i < BLOCKS; i++)
        fief_free_home(bob, fief_alloc(alice, 64));
    fief_poll(alice);
    cr_assert_leq(exact_stats(alice).live_blocks, MOST_WAITING);
}

Test(free_home, an_ending_caller_sends_what_waits) {
    fief_free_home(bob, fief_alloc(alice, 64));
    fief_destroy(bob);
    fief_poll(alice);
    assert_equal(exact_stats(alice).live_blocks, 0);
}

Test(free_home, an_owner_that_ends_first_has_them_live) {
    fief_leaks before, after;
    fief_leaks_read(&before);
    fief_free_home(bob, fief_alloc(alice, 64));
    fief_destroy(alice);
    fief_leaks_read(&after);
    assert_equal(after.blocks - before.blocks, 1);
    fief_poll(bob);
    assert_equal(exact_stats(bob).late_out, 1);
    assert_equal(told.count, 0);
}

static void assert_told(fief_misuse kind, const void *block, const fief *caller) {
    assert_equal(told.count, 1);
    assert_equal(told.last.kind, kind);
    cr_assert_eq(told.last.pointer, block);
    assert_equal(told.last.caller, caller != NULL ? fief_id_of(caller) : FIEF_ID_NONE);
    cr_assert_str_eq(told.operation, "fief_free_home");
}

Test(free_home, a_second_free_of_what_waits_is_told) {
    void *block = fief_alloc(alice, 64);
    fief_free_home(bob, block);
    fief_free_home(bob, opaque(block));
    assert_told(FIEF_MISUSE_DOUBLE_FREE, block, NULL);
    assert_equal(alices_live_blocks(), 0);
    assert_equal(exact_stats(alice).remote_in, 1);
}

Test(free_home, a_second_free_by_somebody_else_is_told_when_the_first_is_sent) {
    void *block = fief_alloc(alice, 64);
    void *neighbour = fief_alloc(alice, 64);
    fief_free_home(bob, block);
    fief_free_home(bob, neighbour);
    fief_free_remote(opaque(block));
    assert_equal(told.count, 0);
    assert_equal(alices_live_blocks(), 0);
    assert_told(FIEF_MISUSE_DOUBLE_FREE, block, NULL);
    assert_equal(exact_stats(alice).remote_in, 2);
}

Test(free_home, a_second_free_of_ones_own_is_told) {
    void *block = fief_alloc(bob, 64);
    fief_free_home(bob, block);
    fief_free_home(bob, opaque(block));
    assert_told(FIEF_MISUSE_DOUBLE_FREE, block, bob);
}

Test(free_home, what_is_no_block_is_told) {
    char *block = fief_alloc(alice, 64);
    fief_free_home(bob, block + 16);
    assert_told(FIEF_MISUSE_INTERIOR, block + 16, NULL);
    told.count = 0;
    int local;
    fief_free_home(bob, opaque(&local));
    assert_told(FIEF_MISUSE_WILD, &local, bob);
    assert_equal(alices_live_blocks(), 1);
}

Test(free_home, a_dead_ones_block_is_a_late_free) {
    void *block = fief_alloc(alice, 64);
    fief_destroy(alice);
    fief_free_home(bob, block);
    assert_told(FIEF_MISUSE_LATE_FREE, block, bob);
}

Test(free_home, a_watched_heaps_block_comes_home_with_its_record) {
    fief_config config = watched("checked", &told);
    config.debug = FIEF_DEBUG_CHECK;
    fief *checked = create(config);
    FOR_KINDS (kind) {
        fief_free_home(bob, allocate_kind(checked, kind));
        fief_free_home(checked, allocate_kind(alice, kind));
    }
    fief_poll(checked);
    assert_equal(exact_stats(checked).live_blocks, 0);
    assert_equal(alices_live_blocks(), 0);
    assert_equal(told.count, 0);
}
