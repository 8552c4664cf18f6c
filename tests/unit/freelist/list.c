/* freelist/list: what slots say, and when they say nothing. */
#include "freelist/list.h"

#include "heap/features.h"
#include "support/levels.h"
#include "support/lists.h"

enum { BYTES = 64, CAPACITY = 6 };

static fief *heap;
static fief_freelist *list;

static void revive(fief *f, void *block, bool kept, void *arg) {
    (void)f, (void)block, (void)kept, (void)arg;
}

static fief_freelist *make_hooked(void) {
    fief_freelist_config config = list_config(BYTES, CAPACITY, 2);
    config.revive = revive;
    return create_list(heap, config);
}

static void set_up(void) {
    conf("");
    heap = create(named("slots"));
    list = make_list(heap, BYTES, CAPACITY, 2);
}

TestSuite(list, .init = set_up);

static bool vouches_for(uintptr_t slot, const void *block) {
    return (slot ^ (uintptr_t)block) >> FI_UNIT_SHIFT == 0;
}

static void assert_asks(const fief_freelist *l, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        assert_equal(l->slots[i], FI_SLOT_ASK);
}

Test(list, a_new_list_asks_of_every_block) {
    assert_asks(list, 0, CAPACITY + 1);
    cr_assert(!vouches_for(FI_SLOT_ASK, NULL));
    cr_assert(!vouches_for(FI_SLOT_ASK, (void *)UINTPTR_MAX));
    assert_equal(fi_list_high_water(list), 0);
}

Test(list, a_block_vouches_for_its_own_place_and_for_the_next) {
    void *blocks[CAPACITY];
    pop_many(list, blocks, CAPACITY);
    for (unsigned i = 0; i < CAPACITY; i++) {
        fief_freelist_push(list, blocks[i]);
        assert_equal(list->slots[i], (uintptr_t)blocks[i]);
        for (unsigned next = i + 1; next < CAPACITY; next++)
            cr_assert(vouches_for(list->slots[next], blocks[0]) && list->slots[next] % 2 == 1);
        assert_equal(list->slots[CAPACITY], FI_SLOT_ASK);
        assert_equal(fi_list_high_water(list), i + 1); /* what is vouched for was not there */
    }
    (void)fief_freelist_pop(list);
    assert_equal(list->slots[CAPACITY - 1], (uintptr_t)blocks[CAPACITY - 1]);
}

Test(list, the_inlined_paths_see_nothing_of_a_hooked_list) {
    fief_freelist *hooked = make_hooked();
    void *blocks[CAPACITY];
    pop_many(hooked, blocks, CAPACITY);
    for (unsigned i = 0; i < CAPACITY; i++) {
        fief_freelist_push(hooked, blocks[i]);
        assert_equal(hooked->fast.count, 0);
        assert_equal(hooked->first_slots[0], FI_SLOT_ASK);
        assert_equal(hooked->hooked_count, i + 1);
    }
    assert_equal(hooked->slots[CAPACITY], FI_SLOT_ASK);
}

static void assert_dipping_asks(fief_freelist *l) {
    void *blocks[CAPACITY];
    pop_many(l, blocks, CAPACITY);
    push_many(l, blocks, CAPACITY);
    pop_many(l, blocks, CAPACITY);
    cr_assert(vouches_for(l->slots[0], blocks[0]));
    fief_limit limit = {.hard_bytes = 1};
    assert_equal(fief_limit_set(heap, &limit), FIEF_OK);
    while (l->reserve_held == 2)
        cr_assert_not_null(fief_freelist_pop(l));
    assert_equal(l->slots[0], FI_SLOT_ASK);
    push_many(l, blocks, 2);
    assert_equal(l->reserve_held, 2);
    assert_equal(*l->count, 1);
    assert_equal(l->slots[0], (uintptr_t)blocks[1]);
}

Test(list, the_first_slot_asks_while_the_reserve_is_short) {
    assert_dipping_asks(list);
}

Test(list, of_a_hooked_list_too) {
    assert_dipping_asks(make_hooked());
}

Test(list, a_list_that_is_closed_or_bypassed_asks) {
    fief_freelist_push(list, opaque(fief_freelist_pop(list)));
    fi_list_close(list);
    assert_equal(list->slots[0], FI_SLOT_ASK);
    assert_equal(list->limit, 0);
    assert_equal(fi_list_high_water(list), 1);
    FOR_DEBUG_LEVELS (level) {
        static witness heard;
        fief *f = create(at_level(level, &heard));
        fief_freelist *bypassed = make_list(f, BYTES, CAPACITY, 0);
        for (unsigned i = 0; i < 10; i++)
            fief_freelist_push(bypassed, opaque(fief_freelist_pop(bypassed)));
        assert_equal(bypassed->slots[0], FI_SLOT_ASK);
        assert_equal(bypassed->fast.count, 0);
        fief_destroy(f);
    }
}

/* ---- arenas that go ---- */

static const fi_arena *arena_of(const void *block) {
    return fi_map_find(block);
}

Test(list, what_was_in_an_arena_is_forgotten_but_that_it_was) {
    void *blocks[CAPACITY];
    pop_many(list, blocks, CAPACITY);
    push_many(list, blocks, CAPACITY);
    pop_many(list, blocks, CAPACITY - 2);
    fi_the_freelists.forget(heap, arena_of(blocks[0]));
    assert_asks(list, 2, CAPACITY + 1);
    assert_equal(*list->count, 2);
    assert_equal(fi_list_high_water(list), CAPACITY);
    push_many(list, blocks, CAPACITY - 2);
    assert_equal(list_stats(list).refused + list_stats(list).overflows, 0);
}

Test(list, what_was_in_another_arena_is_not) {
    void *blocks[2];
    fief *other = create(named("other"));
    pop_many(list, blocks, 2);
    push_many(list, blocks, 2);
    pop_many(list, blocks, 2);
    fi_the_freelists.forget(heap, arena_of(other));
    cr_assert(vouches_for(list->slots[0], blocks[0]) && vouches_for(list->slots[1], blocks[0]));
    fi_the_freelists.forget(other, arena_of(other)); /* which has no lists */
    fief_destroy(other);
}

Test(list, the_reserve_is_known_as_such) {
    assert_equal(list->reserve_held, 2);
    cr_assert(fi_the_freelists.holds_back(heap, list->reserve[0]));
    cr_assert(fi_the_freelists.holds_back(heap, list->reserve[1]));
    void *block = fief_freelist_pop(list);
    cr_assert(!fi_the_freelists.holds_back(heap, block));
}
