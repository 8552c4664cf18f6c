/* Typed freelists: what a pop and a push do, what is kept and for how long, and that every block is accounted
 * for. */
#include "support/levels.h"
#include "support/lists.h"
#include "support/random.h"
#include "support/sound.h"

#include <fief/parcel.h>

enum { BYTES = 64, CAPACITY = 10 };

static fief *heap;
static fief_freelist *list;

static void set_up(void) {
    conf("");
    heap = create(named("lists"));
    list = make_list(heap, BYTES, CAPACITY, 0);
}

TestSuite(freelist, .init = set_up);

/* ---- pop and push ---- */

Test(freelist, the_last_pushed_is_the_first_popped) {
    void *blocks[CAPACITY];
    pop_many(list, blocks, CAPACITY);
    push_many(list, blocks, CAPACITY);
    for (unsigned i = CAPACITY; i-- > 0;)
        cr_assert_eq(fief_freelist_pop(list), blocks[i]);
    assert_books(list, 2 * CAPACITY, CAPACITY);
    assert_equal(list_stats(list).hits, CAPACITY);
    assert_equal(list_stats(list).allocated, CAPACITY);
}

Test(freelist, content_stays_as_it_was_pushed) {
    unsigned char *block = fief_freelist_pop(list);
    memset(block, 0x5A, BYTES);
    fief_freelist_push(list, block);
    cr_assert_eq(fief_freelist_pop(list), block);
    for (unsigned i = 0; i < BYTES; i++)
        assert_equal(block[i], 0x5A);
}

Test(freelist, what_does_not_fit_goes_to_the_heap) {
    void *blocks[CAPACITY + 3];
    pop_many(list, blocks, CAPACITY + 3);
    assert_equal(exact_stats(heap).live_blocks, CAPACITY + 3);
    push_many(list, blocks, CAPACITY + 3);
    fief_freelist_stats stats = list_stats(list);
    assert_equal(stats.held, CAPACITY);
    assert_equal(stats.overflows, 3);
    assert_equal(stats.high_water, CAPACITY);
    assert_equal(exact_stats(heap).live_blocks, CAPACITY);
    for (unsigned i = CAPACITY; i-- > 0;)
        cr_assert_eq(fief_freelist_pop(list), blocks[i]);
    assert_books(list, 2 * CAPACITY + 3, CAPACITY + 3);
}

Test(freelist, a_list_of_capacity_0_passes_on) {
    fief_freelist *none = make_list(heap, BYTES, 0, 0);
    for (unsigned i = 0; i < 100; i++)
        fief_freelist_push(none, opaque(fief_freelist_pop(none)));
    assert_equal(list_stats(none).allocated, 100);
    assert_equal(list_stats(none).overflows, 100);
    assert_equal(exact_stats(heap).live_blocks, 0);
    assert_books(none, 100, 100);
}

Test(freelist, pushing_NULL_is_nothing) {
    for (unsigned i = 0; i <= CAPACITY; i++)
        fief_freelist_push(list, opaque(NULL));
    assert_books(list, 0, 0);
    assert_equal(exact_stats(heap).misuses, 0);
    void *block = fief_freelist_pop(list);
    fief_freelist_push(list, block);
    fief_freelist_push(list, opaque(NULL)); /* beside a slot that knows a block */
    cr_assert_eq(fief_freelist_pop(list), block);
    cr_assert_neq(fief_freelist_pop(list), NULL);
}

Test(freelist, blocks_of_the_heap_may_be_pushed_and_popped_ones_freed) {
    void *block = fief_alloc(heap, BYTES);
    fief_freelist_push(list, block);
    cr_assert_eq(fief_freelist_pop(list), block);
    fief_free(heap, block);
    assert_equal(exact_stats(heap).live_blocks, 0);
    assert_equal(exact_stats(heap).misuses, 0);
}

/* Whatever happens in whatever order, no block is handed out twice, none is lost, and the counters add up. */
Test(freelist, at_random_every_block_is_somewhere) {
    enum { MOST = 300, TURNS = 200000 };
    fief_freelist *lists[] = {list, make_list(heap, 24, 1, 0), make_list(heap, 600, 50, 5),
                              make_list(heap, 5000, 20, 0)};
    static unsigned char *live[4][MOST];
    unsigned count[4] = {0};
    uint64_t pops[4] = {0}, pushes[4] = {0};
    random_source r = random_seeded(7);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned which = (unsigned)random_below(&r, 4);
        bool pop = count[which] == 0 || (count[which] < MOST && random_below(&r, 2) == 0);
        if (pop) {
            unsigned char *block = fief_freelist_pop(lists[which]);
            cr_assert_not_null(block);
            block[0] = (unsigned char)which;
            block[list_stats(lists[which]).block_bytes - 1] = (unsigned char)which;
            live[which][count[which]++] = block;
            pops[which]++;
            continue;
        }
        unsigned char **at = &live[which][random_below(&r, count[which])], *block = *at;
        assert_equal(block[0], which);
        assert_equal(block[list_stats(lists[which]).block_bytes - 1], which);
        *at = live[which][--count[which]];
        block[0] = 0xEE;
        fief_freelist_push(lists[which], block);
        pushes[which]++;
        if (random_below(&r, 1000) == 0)
            fief_freelist_trim(lists[which]);
    }
    uint64_t held = 0, out = 0;
    for (unsigned which = 0; which < 4; which++) {
        assert_books(lists[which], pops[which], pushes[which]);
        held += list_stats(lists[which]).held + list_stats(lists[which]).reserve_held;
        out += count[which];
    }
    assert_equal(exact_stats(heap).live_blocks, held + out);
    cr_assert(is_sound(heap));
}

/* ---- statistics ---- */

Test(freelist, the_high_water_is_the_most_there_ever_were) {
    void *blocks[CAPACITY];
    assert_equal(list_stats(list).high_water, 0);
    for (unsigned most = 1; most <= CAPACITY; most++) {
        pop_many(list, blocks, most);
        push_many(list, blocks, most);
        assert_equal(list_stats(list).high_water, most);
        fief_freelist_pop(list);
        assert_equal(list_stats(list).high_water, most);
        fief_freelist_trim(list);
        assert_equal(list_stats(list).high_water, most);
    }
}

Test(freelist, statistics_say_what_was_asked_for) {
    fief_freelist *other = make_list(heap, 100, 7, 3);
    fief_freelist_stats stats = list_stats(other);
    cr_assert_str_eq(stats.name, "list");
    assert_equal(stats.block_bytes, 100);
    assert_equal(stats.capacity, 7);
    assert_equal(stats.reserve, 3);
    assert_equal(stats.reserve_held, 3);
}

Test(freelist, a_long_name_is_cut) {
    fief_freelist_config config = list_config(BYTES, 1, 0);
    fief_freelist *other;
    config.name = "a name that is much longer than thirty-one bytes";
    assert_equal(fief_freelist_create(heap, &config, &other), FIEF_OK);
    cr_assert_str_eq(list_stats(other).name, "a name that is much longer than");
}

/* ---- back to the heap ---- */

Test(freelist, a_trim_of_the_list_drains_it) {
    void *blocks[CAPACITY];
    pop_many(list, blocks, CAPACITY);
    push_many(list, blocks, 6);
    assert_equal(fief_freelist_trim(list), 6);
    assert_equal(fief_freelist_trim(list), 0);
    assert_equal(list_stats(list).drained, 6);
    assert_equal(exact_stats(heap).live_blocks, CAPACITY - 6);
    push_many(list, blocks + 6, CAPACITY - 6);
    assert_equal(list_stats(list).held, CAPACITY - 6);
    assert_books(list, CAPACITY, CAPACITY);
}

Test(freelist, a_trim_of_the_heap_drains_all_lists) {
    fief_freelist *other = make_list(heap, 200, 3, 0);
    void *blocks[CAPACITY];
    pop_many(list, blocks, CAPACITY);
    push_many(list, blocks, CAPACITY);
    fief_freelist_push(other, opaque(fief_freelist_pop(other)));
    fief_trim(heap);
    assert_equal(exact_stats(heap).live_blocks, 0);
    assert_equal(exact_stats(heap).pools, 0);
    assert_equal(list_stats(list).held + list_stats(other).held, 0);
}

Test(freelist, a_destroyed_list_leaves_nothing_behind) {
    void *blocks[CAPACITY];
    fief_freelist *other = make_list(heap, 200, 3, 4), *third = make_list(heap, 40, 3, 1);
    pop_many(list, blocks, CAPACITY);
    push_many(list, blocks, 5);
    fief_freelist_destroy(list);
    fief_freelist_destroy(third);
    fief_freelist_destroy(other);
    fief_freelist_destroy(NULL);
    for (unsigned i = 5; i < CAPACITY; i++)
        fief_free(heap, blocks[i]);
    assert_equal(exact_stats(heap).live_blocks, 0);
    fief_trim(heap); /* there are none to be drained */
}

static bool free_seen(void *block, size_t usable, void *arg) {
    (void)usable;
    ++*(unsigned *)arg;
    fief_free(heap, block);
    return true;
}

Test(freelist, a_visit_shows_what_the_program_has) {
    FOR_LEVELS(level) {
        static witness heard;
        void *blocks[CAPACITY];
        unsigned seen = 0;
        heap = create(at_level(level, &heard));
        list = make_list(heap, BYTES, CAPACITY, 3);
        pop_many(list, blocks, CAPACITY);
        push_many(list, blocks, CAPACITY - 2);
        assert_equal(fief_visit(heap, free_seen, &seen), FIEF_OK);
        assert_equal(seen, 2);
        assert_equal(exact_stats(heap).live_blocks, 3);
        assert_equal(list_stats(list).reserve_held, 3);
        fief_freelist_push(list, opaque(fief_freelist_pop(list)));
        fief_destroy(heap);
        assert_equal(heard.count, 0);
    }
}

static fief_leaks leaks(void) {
    fief_leaks now;
    fief_leaks_read(&now);
    return now;
}

Test(freelist, what_lists_hold_at_the_end_is_no_leak) {
    void *blocks[CAPACITY];
    uint64_t before = leaks().blocks;
    make_list(heap, 500, 5, 5);
    pop_many(list, blocks, CAPACITY);
    push_many(list, blocks, CAPACITY - 1);
    fief_destroy(heap);
    assert_equal(leaks().blocks, before + 1);
}

Test(freelist, an_interpreter_in_the_place_of_an_ended_one_has_no_lists) {
    for (unsigned i = 0; i < 10; i++) {
        fief *f = create(named("next"));
        assert_equal(exact_stats(f).live_blocks, 0);
        fief_trim(f);
        fief_freelist *own = make_list(f, BYTES, 3, i);
        fief_freelist_push(own, opaque(fief_freelist_pop(own)));
        fief_destroy(f);
    }
}

/* ---- the end ---- */

static unsigned exits;

static void use_while_closing(fief *f, void *arg) {
    fief_freelist *closed = arg, *new;
    fief_freelist_config config = list_config(BYTES, 1, 0);
    fief_freelist_stats before = list_stats(closed);
    assert_equal(before.capacity, 0);
    assert_equal(before.held, 0);
    assert_equal(before.high_water, 4);
    uint64_t live = exact_stats(f).live_blocks;
    for (unsigned i = 0; i < 20; i++)
        fief_freelist_push(closed, opaque(fief_freelist_pop(closed)));
    assert_equal(list_stats(closed).allocated, before.allocated + 20);
    assert_equal(list_stats(closed).overflows, before.overflows + 20);
    assert_equal(exact_stats(f).live_blocks, live);
    assert_equal(fief_freelist_create(f, &config, &new), FIEF_BAD_STATE);
    cr_assert_null(new);
    exits++;
}

Test(freelist, once_closing_nothing_is_kept) {
    void *blocks[4];
    fief_at_exit(heap, use_while_closing, list); /* before and behind the callback of the lists themselves */
    pop_many(list, blocks, 4);
    push_many(list, blocks, 4);
    make_list(heap, 100, 5, 5);
    fief_at_exit(heap, use_while_closing, list);
    fief_destroy(heap);
    assert_equal(exits, 2);
}

static void destroy_list(fief *f, void *arg) {
    (void)f;
    fief_freelist_destroy(arg);
    exits++;
}

Test(freelist, an_at_exit_callback_may_destroy_a_list) {
    uint64_t before = leaks().blocks;
    fief_freelist *other = make_list(heap, 100, 5, 5);
    fief_at_exit(heap, destroy_list, list);
    fief_at_exit(heap, destroy_list, other);
    fief_destroy(heap);
    assert_equal(exits, 2);
    assert_equal(leaks().blocks, before);
}

/* ---- arguments ---- */

Test(freelist, arguments_are_checked) {
    const fief_freelist_config good = list_config(BYTES, 1, 1);
    fief_freelist_config bad[] = {good, good, good, good, good};
    fief_freelist *out;
    bad[0].size--;
    bad[1].block_bytes = 0;
    bad[2].block_bytes = FIEF_FREELIST_MOST_BYTES + 1;
    bad[3].capacity = FIEF_FREELIST_MOST_BLOCKS + 1;
    bad[4].reserve = SIZE_MAX;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        out = list;
        assert_equal(fief_freelist_create(heap, &bad[i], &out), FIEF_BAD_ARGUMENT);
        cr_assert_null(out);
    }
    assert_equal(fief_freelist_create(heap, NULL, &out), FIEF_BAD_ARGUMENT);
    assert_equal(fief_freelist_create(heap, &good, NULL), FIEF_BAD_ARGUMENT);
    assert_equal(exact_stats(heap).live_blocks, 0);
}

Test(freelist, sizes_at_the_bounds_work) {
    const size_t sizes[] = {1, 8, 16, 512, 513, FIEF_FREELIST_MOST_BYTES};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t alignment = 8; alignment <= 16; alignment += 8) {
            fief_config config = named("bounds");
            config.alignment = alignment;
            fief *f = create(config);
            fief_freelist *own = make_list(f, sizes[i], 5, 5);
            void *block = fief_freelist_pop(own);
            memset(block, 0xFF, sizes[i]);
            fief_freelist_push(own, block);
            cr_assert_eq(fief_freelist_pop(own), block);
            assert_at_least(fief_usable_size(block), sizes[i]);
            fief_destroy(f);
        }
    }
}

Test(freelist, the_longest_list_works) {
    fief_freelist *longest = make_list(heap, 16, FIEF_FREELIST_MOST_BLOCKS, 0);
    static void *blocks[FIEF_FREELIST_MOST_BLOCKS + 1];
    pop_many(longest, blocks, FIEF_FREELIST_MOST_BLOCKS + 1);
    push_many(longest, blocks, FIEF_FREELIST_MOST_BLOCKS + 1);
    assert_equal(list_stats(longest).held, FIEF_FREELIST_MOST_BLOCKS);
    assert_equal(list_stats(longest).overflows, 1);
    for (unsigned i = FIEF_FREELIST_MOST_BLOCKS; i-- > 0;)
        cr_assert_eq(fief_freelist_pop(longest), blocks[i]);
}

/* Nothing of an immortal heap comes back, and a parcel's handle does not stay. */
Test(freelist, some_heaps_have_none) {
    const fief_freelist_config config = list_config(64, 4, 2);
    fief_freelist *none = NULL;
    fief_config eternal = named("eternal");
    eternal.immortal = true;
    fief *f = create(eternal), *maker = create(named("maker"));
    assert_equal(fief_freelist_create(f, &config, &none), FIEF_BAD_STATE);
    cr_assert_null(none);
    fief_parcel *parcel;
    assert_equal(fief_parcel_create(maker, NULL, &parcel), FIEF_OK);
    assert_equal(fief_freelist_create(fief_parcel_heap(parcel), &config, &none), FIEF_BAD_STATE);
    fief_destroy(maker);
    fief_destroy(f);
}
