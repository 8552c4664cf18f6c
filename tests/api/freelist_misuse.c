/* What is pushed to a list and does not belong there: at level off and above. */
#include "support/host.h"
#include "support/levels.h"
#include "support/lists.h"
#include "support/sound.h"

#include <fief/inline.h>

enum { BYTES = 64, CAPACITY = 8 };

static witness ann_heard, bob_heard;
static fief *ann, *bob; /* a neighbour, and the list's interpreter */
static fief_freelist *list;

static void meet(fief_debug level) {
    conf("");
    ann_heard = bob_heard = (witness){.count = 0};
    fief_config config = watched("ann", &ann_heard);
    config.debug = level;
    ann = create(config);
    config = watched("bob", &bob_heard);
    config.debug = level;
    bob = create(config);
    list = make_list(bob, BYTES, CAPACITY, 2);
}

static void part(void) {
    fief_destroy(ann);
    fief_destroy(bob);
}

static void assert_nothing_foreign(void) {
    for (unsigned i = 0; i <= CAPACITY; i++)
        assert_equal(fief_owner(fief_freelist_pop(list)), fief_id_of(bob));
}

/* The list has seen `seen` blocks of its own at once: so many slots know one. */
static void assert_foreign_push_is_noticed(unsigned seen) {
    void *own[CAPACITY], *block = fief_alloc(ann, BYTES);
    pop_many(list, own, seen);
    push_many(list, own, seen);
    for (unsigned i = 0; i < seen / 2; i++)
        (void)fief_freelist_pop(list);
    fief_freelist_push(list, block);
    assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 1);
    cr_assert_str_eq(bob_heard.operation, "fief_freelist_push");
    assert_equal(bob_heard.last.owner, fief_id_of(ann));
    assert_equal(bob_heard.last.caller, fief_id_of(bob));
    assert_equal(exact_stats(bob).foreign_out, 1);
    assert_equal(list_stats(list).refused, 1);
    fief_poll(ann);
    assert_equal(exact_stats(ann).live_blocks, 0); /* it went home */
    assert_nothing_foreign();
}

Test(freelist_misuse, a_foreign_block_is_never_taken_in) {
    FOR_LEVELS(level) {
        for (unsigned seen = 0; seen <= CAPACITY; seen++) {
            meet(level);
            assert_foreign_push_is_noticed(seen);
            part();
        }
    }
}

Test(freelist_misuse, a_foreign_block_does_not_refill_the_reserve) {
    meet(FIEF_DEBUG_OFF);
    fief_limit limit = {.hard_bytes = 64 * 1024};
    assert_equal(fief_limit_set(bob, &limit), FIEF_OK);
    void *taken = NULL;
    while (list_stats(list).from_reserve == 0)
        cr_assert_not_null(taken = fief_freelist_pop(list));
    fief_freelist_push(list, opaque(fief_alloc(ann, BYTES)));
    assert_equal(list_stats(list).reserve_held, 1);
    assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 1);
    fief_freelist_push(list, taken);
    assert_equal(list_stats(list).reserve_held, 2);
    part();
}

/* Memory of the list's interpreter that has become its neighbour's: no slot may know it as its own. */
Test(freelist_misuse, a_foreign_block_where_own_ones_were_is_foreign) {
    static host bobs, anns;
    conf("");
    fief_config config = watched("bob", &bob_heard);
    config.provider = (fief_provider){&bobs, host_alloc, host_free};
    bob = create(config);
    list = make_list(bob, BYTES, CAPACITY, 0);
    void *keep[20000], *popped[CAPACITY];
    for (unsigned i = 0; i < 20000; i++)
        keep[i] = fief_alloc(bob, BYTES);
    pop_many(list, popped, CAPACITY); /* from an arena that is not the first */
    push_many(list, popped, CAPACITY);
    for (unsigned i = 0; i < 20000; i++)
        fief_free(bob, keep[i]);
    host before = bobs;
    fief_trim(bob);
    config = watched("ann", &ann_heard);
    config.provider = (fief_provider){&anns, host_alloc, host_free};
    for (unsigned i = 0; i < HOST_MOST_SPANS; i++) {
        const host_span *gone = &before.spans[i];
        bool is_last = gone->start != NULL && bobs.spans[i].start == NULL &&
                       (uintptr_t)popped[0] - (uintptr_t)gone->start < gone->bytes;
        if (!is_last)
            continue;
        anns.next = mmap(gone->start, gone->bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        cr_assert_eq(anns.next, gone->start);
    }
    cr_assert_not_null(anns.next, "the arena of popped blocks was not given back");
    ann = create(config);
    for (unsigned i = 0; i < 1000; i++)
        fief_freelist_push(list, opaque(fief_alloc(ann, BYTES)));
    assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 1000);
    assert_equal(list_stats(list).held, 0);
    part();
}

/* Where a host's memory has no entry of its own in fief's map, each block is looked up the long way. */
Test(freelist_misuse, where_the_map_is_taken_lists_know_their_own_too) {
    static host bobs;
    conf("");
    ann = create(watched("ann", &ann_heard));
    bobs.next = host_map_colliding(ann, 256 * 1024, 1);
    if (bobs.next == NULL)
        cr_skip_test("the system gives no memory at that address");
    fief_config config = watched("bob", &bob_heard);
    config.provider = (fief_provider){&bobs, host_alloc, host_free};
    bob = create(config);
    list = make_list(bob, BYTES, CAPACITY, 2);
    void *popped[CAPACITY + 2];
    pop_many(list, popped, CAPACITY + 2);
    push_many(list, popped, CAPACITY + 2);
    assert_equal(list_stats(list).held, CAPACITY);
    assert_equal(list_stats(list).overflows, 2);
    fief_freelist_trim(list);
    fief_freelist_push(list, opaque(fief_alloc(ann, BYTES)));
    assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 1);
    assert_equal(bob_heard.count, 1);
    assert_equal(exact_stats(bob).live_blocks, 2);
    part();
}

Test(freelist_misuse, wild_and_interior_pointers_are_told_where_they_are_looked_at) {
    FOR_LEVELS(level) {
        meet(level);
        static uint64_t mine[20];
        char *block = fief_freelist_pop(list);
        fief_freelist_push(list, &mine[10]);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_WILD], 1);
        fief_freelist_push(list, block + 16);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_INTERIOR], 1);
        assert_equal(list_stats(list).refused, 2);
        fief_freelist_push(list, block);
        assert_equal(bob_heard.count, 2);
        part();
    }
}

Test(freelist_misuse, a_double_push_is_told_at_debug_levels) {
    FOR_DEBUG_LEVELS(level) {
        meet(level);
        void *block = fief_freelist_pop(list);
        fief_freelist_push(list, block);
        assert_equal(bob_heard.count, 0);
        fief_freelist_push(list, block);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
        assert_equal(list_stats(list).refused, 1);
        assert_books(list, 1, 2);
        part();
    }
}

Test(freelist_misuse, below_them_it_is_told_when_the_list_is_drained) {
    meet(FIEF_DEBUG_OFF);
    void *block = fief_freelist_pop(list);
    fief_freelist_push(list, block);
    fief_freelist_push(list, block);
    assert_equal(bob_heard.count, 0);
    fief_freelist_trim(list);
    assert_equal(bob_heard.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
    cr_assert(is_sound(bob));
    part();
}

Test(freelist_misuse, a_freed_block_is_not_taken_in_where_it_is_looked_at) {
    FOR_LEVELS(level) {
        meet(level);
        void *block = fief_freelist_pop(list);
        fief_free(bob, block);
        fief_freelist_push(list, block);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
        assert_equal(list_stats(list).held, 0);
        part();
    }
}

Test(freelist_misuse, another_size_is_told_at_debug_levels) {
    FOR_DEBUG_LEVELS(level) {
        meet(level);
        void *block = fief_alloc(bob, BYTES + 8);
        fief_freelist_push(list, block);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_WRONG_SIZE], 1);
        fief_free(bob, block);
        assert_equal(bob_heard.count, 1);
        part();
    }
}

Test(freelist_misuse, below_them_too_small_a_block_is_freed_where_it_is_looked_at) {
    meet(FIEF_DEBUG_OFF);
    void *small = fief_alloc(bob, 16), *large = fief_alloc(bob, 100000);
    uint64_t live = exact_stats(bob).live_blocks;
    fief_freelist_push(list, small);
    fief_freelist_push(list, large);
    assert_equal(list_stats(list).held, 0);
    assert_equal(list_stats(list).refused, 2);
    assert_equal(exact_stats(bob).live_blocks, live - 2);
    assert_equal(bob_heard.count, 0);
    part();
}

Test(freelist_misuse, at_debug_levels_a_use_after_the_push_is_seen) {
    FOR_DEBUG_LEVELS(level) {
        if (level == FIEF_DEBUG_GUARD) /* a fault, which ends the program */
            continue;
        meet(level);
        char *block = fief_freelist_pop(list);
        fief_freelist_push(list, block);
        block[20] = 1;
        fief_check(bob);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], 1);
        part();
    }
}

/* Not a reserve's block either, however often it is filled up. */
Test(freelist_misuse, at_debug_levels_the_reserve_is_filled_with_new_blocks) {
    FOR_DEBUG_LEVELS(level) {
        meet(level);
        fief_limit limit = {.hard_bytes = 1024 * 1024}, none = {.hard_bytes = 0};
        assert_equal(fief_limit_set(bob, &limit), FIEF_OK);
        char *block = NULL;
        while (list_stats(list).from_reserve == 0)
            cr_assert_not_null(block = fief_freelist_pop(list));
        assert_equal(fief_limit_set(bob, &none), FIEF_OK);
        assert_equal(list_stats(list).reserve_held, 1);
        fief_freelist_push(list, block);
        assert_equal(list_stats(list).reserve_held, 2);
        fief_freelist_push(list, block);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
        part();
    }
}

/* One allocation in so many lies beside a guard page: it goes back there, and is not kept. */
Test(freelist_misuse, a_sampled_block_is_not_kept) {
    conf("");
    fief_config config = watched("sampled", &bob_heard);
    config.sample = 1;
    bob = create(config);
    list = make_list(bob, BYTES, 1000, 0);
    static void *popped[1000];
    for (unsigned turn = 0; turn < 10; turn++) {
        pop_many(list, popped, 1000);
        push_many(list, popped, 1000);
    }
    assert_books(list, 10000, 10000);
    assert_at_least(list_stats(list).overflows, 1);
    assert_at_least(list_stats(list).hits, 1);
    assert_equal(list_stats(list).refused, 0);
    assert_equal(bob_heard.count, 0);
    fief_destroy(bob);
}

static const char *tag_told;

static void note_tag(const fief_report *report, void *arg) {
    static char copy[32];
    (void)arg;
    snprintf(copy, sizeof copy, "%s", report->tag);
    tag_told = copy;
}

Test(freelist_misuse, reports_know_the_tag) {
    FOR_DEBUG_LEVELS(level) {
        conf("");
        fief_config config = at_level(level, &bob_heard);
        config.report = note_tag;
        bob = create(config);
        fief_freelist_config tagged = list_config(BYTES, 2, 0);
        assert_equal(fief_tag_register("float", &tagged.tag), FIEF_OK);
        list = create_list(bob, tagged);
        char *block = fief_freelist_pop(list);
        fief_freelist_push(list, block);
        tag_told = "";
        fief_free(bob, block);
        cr_assert_str_eq(tag_told, "float");
        fief_destroy(bob);
    }
}
