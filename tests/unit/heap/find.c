/* heap/find: what any address means - a block, a place in one, memory given back, or nothing at all. */
#include "heap/find.h"

#include "heap/pools.h"
#include "support/compare.h"
#include "support/interpreter.h"

static fief *heap;

static void set_up(void) {
    heap = create(named("find"));
}

TestSuite(find, .init = set_up);

static const size_t sizes[] = {16, 48, 64, 512, 1000, 16 * 1024, 20000, 300000, 5 << 20};

#define FOR_SIZES(i) for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)

static void assert_found(const char *p, fi_place place, const void *block) {
    fi_found found = fi_find(p);
    cr_assert_eq(found.place, place, "place %d, not %d, %zu bytes into a block of %zu", (int)found.place,
                 (int)place, block != NULL ? (size_t)(p - (const char *)block) : 0, found.block_bytes);
    cr_assert_eq((const void *)found.block, block);
    cr_assert_eq(found.owner, heap);
    assert_equal(found.owner_id, fief_id_of(heap));
    assert_equal(found.owner_state, FIEF_LIVE);
}

Test(find, a_blocks_start_is_the_block) {
    FOR_SIZES (i) {
        const char *block = fief_alloc(heap, sizes[i]);
        assert_found(block, FI_PLACE_BLOCK, block);
        assert_at_least(fi_find(block).block_bytes, sizes[i]);
    }
}

Test(find, inside_a_block_it_is_told_which_and_whether_it_is_aligned) {
    FOR_SIZES (i) {
        const char *block = fief_alloc(heap, sizes[i]);
        size_t bytes = fi_find(block).block_bytes;
        for (size_t at = 1; at < bytes; at += 1 + at / 9)
            assert_found(block + at, at % 8 == 0 ? FI_PLACE_INTERIOR : FI_PLACE_MISALIGNED, block);
        assert_found(block + bytes - 1, FI_PLACE_MISALIGNED, block);
    }
}

Test(find, the_nth_block_of_a_pool_is_told_by_its_number) {
    const fi_pool *pool = NULL;
    for (unsigned i = 0; i < 500; i++) {
        const char *block = fief_alloc(heap, 96);
        pool = fi_heap_pool_of(heap, block);
        assert_equal(fi_find(block).index,
                     (size_t)(block - fi_pool_start(pool, heap)) / fi_find(block).block_bytes);
        cr_assert_eq(fi_find(block).pool, pool);
    }
}

Test(find, every_part_of_a_large_block_leads_to_its_first_granule) {
    const char *block = fief_alloc(heap, 300000);
    for (size_t at = 0; at < 300000; at += 4096)
        cr_assert_eq(fi_find(block + at).pool, fi_heap_pool_of(heap, block));
}

/* ---- where no block is ---- */

Test(find, what_was_never_handed_out_is_wild) {
    const char *block = fief_alloc(heap, 1024), *large = fief_alloc(heap, 20000);
    const fi_pool *pool = fi_heap_pool_of(heap, block);
    const char *end = fi_pool_start(pool, heap) + pool->carved * 1024;
    assert_found(end, FI_PLACE_WILD, NULL);
    assert_found(end + 5, FI_PLACE_WILD, NULL);
    assert_found(large + fi_find(large).block_bytes, FI_PLACE_WILD, NULL);
    assert_found(heap->arenas[0]->start + heap->arenas[0]->bytes - 1, FI_PLACE_WILD, NULL);
}

Test(find, the_handle_is_no_block) {
    cr_assert_not_null(fief_alloc(heap, 64)); /* its neighbour in the granule */
    assert_found((const char *)heap, FI_PLACE_WILD, NULL);
    assert_found((const char *)heap + sizeof *heap - 1, FI_PLACE_WILD, NULL);
}

Test(find, a_block_that_was_freed_is_still_its_place) {
    char *block = fief_alloc(heap, 64);
    fief_free(heap, block);
    assert_found(block, FI_PLACE_BLOCK, block);
}

Test(find, memory_that_was_given_back_is_told_as_such) {
    char *small = fief_alloc(heap, 1024), *large = fief_alloc(heap, 20000);
    fief_free(heap, small);
    fief_free(heap, large);
    fief_trim(heap);
    assert_found(small, FI_PLACE_GIVEN_BACK, NULL);
    assert_found(large, FI_PLACE_GIVEN_BACK, NULL);
}

Test(find, a_huge_block_that_was_given_back_leaves_its_owners_name) {
    char *huge = fief_alloc(heap, 5 << 20);
    fief_free(heap, huge);
    fi_found found = fi_find(huge);
    assert_equal(found.place, FI_PLACE_GIVEN_BACK);
    assert_equal(found.owner_id, fief_id_of(heap));
    assert_equal(found.owner_state, FIEF_LIVE);
    cr_assert_null(found.owner);
}

Test(find, an_ended_interpreters_blocks_leave_its_name) {
    fief_id id = fief_id_of(heap);
    char *block = fief_alloc(heap, 64);
    fief_destroy(heap);
    fi_found found = fi_find(block);
    assert_equal(found.place, FI_PLACE_GIVEN_BACK);
    assert_equal(found.owner_id, id);
    assert_equal(found.owner_state, FIEF_DEAD);
    cr_assert_str_eq(fi_slot_identify(found.slot, id).name.text, "find");
}

Test(find, elsewhere_nobody_is_found) {
    int local;
    const uintptr_t addresses[] = {
        0, 8, (uintptr_t)&local, (uintptr_t)fief_create, UINTPTR_MAX, (uintptr_t)0xffff800000000000};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        fi_found found = fi_find((const void *)addresses[i]);
        assert_equal(found.place, FI_PLACE_WILD);
        cr_assert(found.arena == NULL && found.owner == NULL && found.slot == NULL && found.block == NULL);
        assert_equal(found.owner_id, FIEF_ID_NONE);
    }
}

/* ---- free or not ---- */

Test(find, a_block_is_free_from_its_free_to_its_next_life) {
    FOR_SIZES (i) {
        if (sizes[i] > FI_SMALL_BYTES)
            continue; /* these are given back at once */
        char *block = fief_alloc(heap, sizes[i]);
        fi_found found = fi_find(block);
        cr_assert_not(fi_found_is_free(heap, &found));
        fief_free(heap, block);
        cr_assert(fi_found_is_free(heap, &found));
    }
}

Test(find, a_live_block_may_hold_its_own_address) {
    fi_block *block = fief_alloc(heap, 64);
    block->mark = (uintptr_t)block;
    fi_found found = fi_find(block);
    cr_assert_not(fi_found_is_free(heap, &found));
}

/* ---- what it means ---- */

Test(find, each_place_is_a_misuse_of_its_own) {
    assert_equal(fi_place_misuse(FI_PLACE_BLOCK), 0);
    assert_equal(fi_place_misuse(FI_PLACE_GIVEN_BACK), FIEF_MISUSE_DOUBLE_FREE);
    assert_equal(fi_place_misuse(FI_PLACE_INTERIOR), FIEF_MISUSE_INTERIOR);
    assert_equal(fi_place_misuse(FI_PLACE_MISALIGNED), FIEF_MISUSE_MISALIGNED);
    assert_equal(fi_place_misuse(FI_PLACE_WILD), FIEF_MISUSE_WILD);
}

Test(find, an_incident_has_all_that_was_found) {
    fief *caller = create(named("caller"));
    const char *block = fief_alloc(heap, 1000);
    fi_found found = fi_find(block + 24);
    fi_incident incident = fi_found_incident(&found, block + 24, caller, "fief_free");
    assert_equal(incident.kind, FIEF_MISUSE_INTERIOR);
    cr_assert_str_eq(incident.operation, "fief_free");
    cr_assert(incident.pointer == block + 24 && incident.block == block);
    assert_equal(incident.block_bytes, found.block_bytes);
    assert_equal(incident.owner_id, fief_id_of(heap));
    cr_assert(incident.owner_slot == heap->slot && incident.caller == caller);
}
