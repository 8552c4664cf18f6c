/* Blocks that are free already, freed or resized once more: found whatever has happened to them since, reported
 * exactly, and followed by what the caller's policy says. */
#include "support/wrong.h"

static bool is_small(block_kind kind) {
    return kind.size <= 16 * 1024 && kind.alignment <= 4096;
}

/* A free small block is still a block; a large one's pages are nothing any more. */
static wrong freed(fief *f, block_kind kind, void *block, size_t usable) {
    bool known = is_small(kind);
    return (wrong){block, FIEF_MISUSE_DOUBLE_FREE, known ? block : NULL, known ? usable : 0, f, f};
}

/* ---- the owner twice ---- */

static wrong just_freed(fief *f, block_kind kind) {
    void *block = allocate_kind(f, kind);
    size_t usable = fief_usable_size(block);
    fief_free(f, block);
    return freed(f, kind, block, usable);
}

Test(double_free, a_block_that_was_just_freed) {
    assert_by_every_policy(just_freed);
}

/* Every other one stays, so that the pool does. */
static wrong freed_before_others(fief *f, block_kind kind) {
    enum { OTHERS = 20 };
    void *others[OTHERS], *block = allocate_kind(f, kind);
    size_t usable = fief_usable_size(block);
    for (unsigned i = 0; i < OTHERS; i++)
        others[i] = allocate_kind(f, kind);
    fief_free(f, block);
    for (unsigned i = 1; i < OTHERS; i += 2)
        fief_free(f, others[i]);
    return freed(f, kind, block, usable);
}

Test(double_free, a_block_that_was_freed_before_others) {
    assert_by_every_policy(freed_before_others);
}

/* One of two was handed out again: so the other one was taken from its pool, too, and is going to be the next. */
static wrong freed_before_a_refill(fief *f, block_kind kind) {
    enum { MOST = 5000 };
    void *block = allocate_kind(f, kind), *later = allocate_kind(f, kind), *next = NULL;
    size_t usable = fief_usable_size(block);
    fief_free(f, block);
    fief_free(f, later);
    for (unsigned i = 0; is_small(kind) && next != block && next != later && i < MOST; i++) {
        next = opaque(allocate_kind(f, kind));
        cr_assert_not_null(next);
    }
    return freed(f, kind, next == block ? later : block, usable);
}

Test(double_free, a_block_that_waits_to_be_handed_out_again) {
    assert_by_every_policy(freed_before_a_refill);
}

static wrong freed_and_trimmed(fief *f, block_kind kind) {
    wrong made = just_freed(f, kind);
    fief_trim(f);
    made.block = NULL;
    made.block_size = 0;
    return made;
}

Test(double_free, a_block_whose_memory_was_given_back) {
    FOR_KINDS (kind) {
        assert_goes_on(freed_and_trimmed, kind, 16, FIEF_MISUSE_REPORT);
        assert_goes_on(freed_and_trimmed, kind, 8, FIEF_MISUSE_IGNORE);
    }
    for (unsigned i = 0; i < sizeof wrong_few / sizeof *wrong_few; i++)
        assert_fatal_wrong(freed_and_trimmed, wrong_few[i], do_free, "fief_free");
    assert_stays_sound(freed_and_trimmed, FIEF_MISUSE_REPORT);
}

static wrong moved_away(fief *f, block_kind kind) {
    void *block = allocate_kind(f, kind), *neighbour = allocate_kind(f, kind);
    size_t usable = fief_usable_size(block);
    if (opaque(fief_realloc(f, block, 4 * usable + 100)) == block)
        fief_free(f, block); /* it grew where it was */
    fief_free(f, neighbour);
    return freed(f, kind, block, usable);
}

Test(double_free, a_block_that_a_realloc_has_moved) {
    assert_by_every_policy(moved_away);
}

/* ---- inside a free block ---- */

Test(double_free, inside_a_block_that_is_free) {
    fief *f = wrong_heap("the heap", FIEF_MISUSE_REPORT, 16);
    FOR_KINDS (kind) {
        wrong made = just_freed(f, kind);
        made.pointer = (char *)made.pointer + 8;
        made.kind = made.block != NULL ? FIEF_MISUSE_INTERIOR : FIEF_MISUSE_DOUBLE_FREE;
        fief_free(f, made.pointer);
        assert_reported(&wrong_witness, &made, "fief_free");
    }
    cr_assert(is_sound(f));
}

/* ---- others ---- */

Test(double_free, a_remote_free_of_what_was_sent_home_already) {
    fief *owner = wrong_heap("owner", FIEF_MISUSE_REPORT, 16);
    FOR_KINDS (kind) {
        void *block = allocate_kind(owner, kind);
        wrong made = {block, FIEF_MISUSE_DOUBLE_FREE, block, fief_usable_size(block), owner, NULL};
        unsigned told = wrong_witness.count;
        fief_free_remote(block);
        assert_equal(wrong_witness.count, told);
        fief_free_remote(block);
        assert_equal(wrong_witness.count, told + 1);
        assert_reported(&wrong_witness, &made, "fief_free_remote");
        assert_equal(fief_poll(owner), 1);
        assert_equal(exact_stats(owner).live_blocks, 0);
    }
    cr_assert(is_sound(owner));
}

Test(double_free, a_foreign_free_of_what_was_sent_home_already) {
    fief *owner = wrong_heap("owner", FIEF_MISUSE_ABORT, 16);
    fief *caller = wrong_heap("caller", FIEF_MISUSE_REPORT, 16);
    FOR_KINDS (kind) {
        void *block = allocate_kind(owner, kind);
        wrong made = {block, FIEF_MISUSE_DOUBLE_FREE, block, fief_usable_size(block), owner, caller};
        fief_free(caller, block);
        fief_free(caller, block);
        assert_reported(&wrong_witness, &made, "fief_free");
        do_realloc(caller, block);
        assert_reported(&wrong_witness, &made, "fief_realloc");
        assert_equal(fief_poll(owner), 1);
    }
    assert_equal(wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE], 2 * KINDS);
    assert_equal(exact_stats(caller).misuses, 2 * KINDS);
    assert_equal(exact_stats(caller).live_blocks + exact_stats(owner).live_blocks, 0);
    cr_assert(is_sound(owner) && is_sound(caller));
}

/* A small block's bit is looked at when it comes home, a large one's at once. */
Test(double_free, a_free_by_the_owner_of_what_another_sent_home) {
    fief *owner = wrong_heap("owner", FIEF_MISUSE_REPORT, 16);
    FOR_KINDS (kind) {
        void *block = allocate_kind(owner, kind);
        unsigned before = wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE];
        fief_free_remote(block);
        fief_free(owner, block);
        assert_equal(wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE], before + !is_small(kind));
        assert_equal(fief_poll(owner), !is_small(kind));
        assert_equal(wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE], before + 1);
        cr_assert_eq(wrong_witness.last.pointer, block);
        cr_assert_str_eq(wrong_witness.owner_name, "owner");
        assert_equal(exact_stats(owner).live_blocks, 0);
    }
    cr_assert(is_sound(owner));
}

Test(double_free, a_remote_free_of_what_the_owner_freed) {
    fief *owner = wrong_heap("owner", FIEF_MISUSE_REPORT, 16);
    FOR_KINDS (kind) {
        void *block = allocate_kind(owner, kind);
        unsigned before = wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE];
        fief_free(owner, block);
        fief_free_remote(block);
        assert_equal(wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE], before + !is_small(kind));
        assert_equal(fief_poll(owner), 0);
        assert_equal(wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE], before + 1);
        cr_assert_eq(wrong_witness.last.pointer, block);
        assert_equal(exact_stats(owner).live_blocks, 0);
    }
    cr_assert(is_sound(owner));
}

Test(double_free, who_sent_home_what_the_owner_freed_is_named) {
    fief *owner = wrong_heap("owner", FIEF_MISUSE_REPORT, 16);
    fief *caller = wrong_heap("caller", FIEF_MISUSE_REPORT, 16);
    void *block = fief_alloc(owner, 64);
    fief_free(owner, block);
    fief_free(caller, block);
    fief_poll(owner);
    assert_equal(wrong_witness.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
    cr_assert_str_eq(wrong_witness.owner_name, "owner");
    cr_assert_str_eq(wrong_witness.caller_name, "caller");
    assert_equal(wrong_witness.last.caller, fief_id_of(caller));
    cr_assert_str_eq(wrong_witness.operation, "a remote free that its owner took in");
}

/* By default it ends the process, whoever is the second one. */
static int free_remotely_twice(void *arg) {
    fief_free_remote(arg);
    fief_free_remote(arg);
    return 0;
}

Test(double_free, by_default_a_second_remote_free_aborts) {
    fief *owner = wrong_heap("owner", FIEF_MISUSE_ABORT, 16);
    for (unsigned i = 0; i < sizeof wrong_few / sizeof *wrong_few; i++) {
        void *block = allocate_kind(owner, wrong_few[i]);
        wrong made = {block, FIEF_MISUSE_DOUBLE_FREE, block, fief_usable_size(block), owner, NULL};
        child_end end = run_in_child(free_remotely_twice, block);
        assert_aborted(end);
        assert_written(end.said, &made, "fief_free_remote", "  verdict  abort\n");
    }
}

/* ---- memory that serves something else by now ---- */

Test(double_free, what_lies_in_a_pool_of_other_blocks_by_now_harms_none_of_them) {
    fief *f = wrong_heap("the heap", FIEF_MISUSE_REPORT, 16);
    enum { COUNT = 1000 };
    static char *old[COUNT], *fresh[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        old[i] = fief_alloc(f, 48);
    for (unsigned i = 0; i < COUNT; i++)
        fief_free(f, old[i]);
    fief_trim(f);
    for (unsigned i = 0; i < COUNT; i++)
        fresh[i] = memset(fief_alloc(f, 1000), (int)(i % 251), 1000);
    for (unsigned i = 0; i < COUNT; i++)
        if (fief_usable_size(old[i]) == 0)
            fief_free(f, old[i]);
    assert_equal(exact_stats(f).live_blocks, COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned k = 0; k < 1000; k++)
            assert_equal((unsigned char)fresh[i][k], i % 251);
    cr_assert(is_sound(f));
}
