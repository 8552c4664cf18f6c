/* Adaptive lists: as long as proves useful. */
#include "support/levels.h"
#include "support/lists.h"

enum { BYTES = 48, FIRST = 16, MOST = 1000, MANY = 10000 };

static fief *heap;
static fief_freelist *list;
static void *blocks[MANY];

static fief_freelist *make_adaptive(fief *f, size_t capacity) {
    fief_freelist_config config = list_config(BYTES, capacity, 3);
    config.adaptive = true;
    return create_list(f, config);
}

static void set_up(void) {
    conf("");
    heap = create(named("adaptive"));
    list = make_adaptive(heap, MOST);
}

TestSuite(freelist_adaptive, .init = set_up);

static void bursts(unsigned count, size_t objects) {
    for (unsigned i = 0; i < count; i++) {
        pop_many(list, blocks, objects);
        push_many(list, blocks, objects);
    }
}

Test(freelist_adaptive, it_begins_short) {
    assert_equal(list_stats(list).capacity, FIRST);
    assert_equal(list_stats(make_adaptive(heap, 5)).capacity, 5);
    assert_equal(list_stats(make_adaptive(heap, 0)).capacity, 0);
    bursts(100, FIRST);
    assert_equal(list_stats(list).capacity, FIRST);
    assert_equal(list_stats(list).overflows, 0);
}

Test(freelist_adaptive, it_grows_to_what_comes_and_goes) {
    uint64_t pops = 0;
    for (size_t objects = 20; objects <= 500; objects += 60) {
        bursts(190, objects); /* a few that are missing are few regrets */
        fief_freelist_stats before = list_stats(list);
        assert_at_least(before.capacity, objects);
        assert_at_most(before.capacity, 2 * objects);
        bursts(10, objects);
        assert_equal(list_stats(list).overflows, before.overflows);
        assert_equal(list_stats(list).allocated, before.allocated);
        pops += 200 * objects;
        assert_books(list, pops, pops);
    }
}

Test(freelist_adaptive, its_capacity_is_the_most) {
    bursts(100, 3000);
    assert_equal(list_stats(list).capacity, MOST);
    assert_equal(list_stats(list).held, MOST);
    assert_equal(list_stats(list).high_water, MOST);
}

Test(freelist_adaptive, one_wave_does_not_make_it_long) {
    bursts(1, MANY);
    assert_equal(list_stats(list).capacity, FIRST);
    bursts(1, MANY); /* nor do a few blocks that might have been kept */
    assert_equal(list_stats(list).capacity, FIRST);
    assert_equal(list_stats(list).held, FIRST);
}

Test(freelist_adaptive, what_is_not_needed_any_more_is_given_up) {
    bursts(100, 500);
    size_t longest = list_stats(list).capacity;
    assert_at_least(longest, 500);
    fief_trim(heap); /* until here it was needed */
    assert_equal(list_stats(list).capacity, longest);
    for (size_t wanted = longest / 2; wanted > FIRST; wanted /= 2) {
        bursts(10, 5);
        fief_trim(heap);
        assert_equal(list_stats(list).capacity, wanted);
        assert_at_least(list_stats(list).high_water, 500);
    }
    fief_trim(heap);
    assert_equal(list_stats(list).capacity, FIRST);
    bursts(1, 100);
    assert_equal(list_stats(list).held, FIRST);
    bursts(100, 500); /* and grows again */
    assert_at_least(list_stats(list).capacity, 500);
}

Test(freelist_adaptive, others_stay_as_they_are) {
    fief_freelist *fixed = make_list(heap, BYTES, 20, 0);
    list = fixed;
    bursts(100, 200);
    assert_equal(list_stats(fixed).capacity, 20);
    fief_trim(heap);
    assert_equal(list_stats(fixed).capacity, 20);
}

Test(freelist_adaptive, at_debug_levels_it_is_bypassed_like_any) {
    FOR_DEBUG_LEVELS(level) {
        static witness heard;
        fief *f = create(at_level(level, &heard));
        list = make_adaptive(f, MOST);
        bursts(5, 100);
        fief_trim(f);
        assert_equal(list_stats(list).capacity, 0);
        assert_equal(list_stats(list).hits, 0);
        fief_destroy(f);
        assert_equal(heard.count, 0);
    }
}
