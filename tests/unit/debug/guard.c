/* debug/guard: pages that nobody may touch, and places that rest. */
#include "debug/guard.h"

#include "heap.h"
#include "os/os.h"
#include "support/host.h"
#include "support/pages.h"

static void set_up(void) {
    conf("");
}

TestSuite(guard, .init = set_up);

Test(guard, a_block_ends_with_its_page_and_the_next_is_forbidden) {
    fief *f = heap_at(FIEF_DEBUG_GUARD);
    size_t page = fi_os_page_bytes();
    for (size_t size = 1; size < 20000; size = 2 * size + 15) {
        char *block = fief_alloc(f, size);
        char *end = (char *)fi_round_up((uintptr_t)block + size, page);
        cr_assert((size_t)(end - block) < size + 16);
        cr_assert(is_readable(block) && is_writable(block + size - 1));
        cr_assert_not(is_readable(end));
        cr_assert_not(is_readable((char *)fi_round_down((uintptr_t)block, page) - 1));
        fief_free(f, block);
        cr_assert_not(is_readable(block));
    }
    assert_equal(heard.count, 0);
    fief_destroy(f);
}

Test(guard, the_environment_may_have_blocks_begin_with_their_page) {
    conf("debug:guard,guard_align:left");
    fief *f = heap_at(FIEF_DEBUG_GUARD);
    char *block = opaque(fief_alloc(f, 100));
    assert_equal((uintptr_t)block % fi_os_page_bytes(), 0);
    cr_assert_not(is_readable(block - 1));
    fief_destroy(f);
}

Test(guard, freed_places_are_used_again_oldest_first_and_late) {
    fief *f = heap_at(FIEF_DEBUG_GUARD);
    char *first = fief_alloc(f, 100);
    fief_free(f, first);
    unsigned others = 0;
    for (char *block; (block = fief_alloc(f, 100)) != first; others++)
        fief_free(f, block);
    assert_at_least(others, 1000);
    fief_destroy(f);
}

Test(guard, what_is_too_large_or_too_much_is_not_guarded) {
    conf("debug:guard,guarded:10");
    fief *f = heap_at(FIEF_DEBUG_GUARD);
    for (unsigned i = 0; i < 10; i++)
        assert_equal(fi_find(fief_alloc(f, 10)).view.state, FI_POOL_GUARDED);
    assert_equal(f->debug->guards.live, 10);
    cr_assert_neq(fi_find(fief_alloc(f, 10)).view.state, FI_POOL_GUARDED);
    fief_destroy(f);
    f = heap_at(FIEF_DEBUG_GUARD);
    cr_assert_neq(fi_find(fief_alloc(f, (size_t)20 << 20)).view.state, FI_POOL_GUARDED);
    cr_assert_neq(fi_find(fief_alloc_aligned(f, 10, 2 * fi_os_page_bytes())).view.state, FI_POOL_GUARDED);
    fief_destroy(f);
}

static unsigned guard_all(fief *f, unsigned count) {
    unsigned guarded = 0;
    for (unsigned i = 0; i < count; i++) {
        const char *block = fief_alloc(f, 100);
        cr_assert_not_null(block);
        guarded += !is_readable((const char *)fi_round_up((uintptr_t)block + 100, fi_os_page_bytes()));
    }
    return guarded;
}

/* The system has a limit for the process; what one heap leaves, the next one has. */
Test(guard, all_heaps_together_guard_no_more_than_the_system_allows) {
    enum { HEAPS = 5, EACH = 8192 };
    fief *heaps[HEAPS];
    unsigned guarded = 0;
    for (unsigned i = 0; i < HEAPS; i++) {
        heaps[i] = heap_at(FIEF_DEBUG_GUARD);
        guarded += guard_all(heaps[i], EACH);
    }
    assert_equal(guarded, 3 * EACH);
    fief_destroy(heaps[0]);
    heaps[0] = heap_at(FIEF_DEBUG_GUARD);
    assert_equal(guard_all(heaps[0], EACH), EACH);
    for (unsigned i = 0; i < HEAPS; i++)
        fief_destroy(heaps[i]);
}

Test(guard, a_hosts_memory_is_not_guarded) {
    static host h;
    fief_config config = at_level(FIEF_DEBUG_GUARD, &heard);
    config.provider = (fief_provider){&h, host_alloc, host_free};
    fief *f = create(config);
    cr_assert_neq(fi_find(fief_alloc(f, 10)).view.state, FI_POOL_GUARDED);
    fief_destroy(f);
}

Test(guard, draining_gives_back_what_rests) {
    fief *f = heap_at(FIEF_DEBUG_GUARD);
    void *small = fief_alloc(f, 100), *large = fief_alloc(f, 10000), *resting = fief_alloc(f, 10000);
    fief_free(f, resting);
    assert_equal(f->debug->guards.arenas.count, 1);
    fi_guard_drain(f);
    assert_equal(f->debug->guards.arenas.count, 0);
    cr_assert(is_writable(small) && is_writable(large));
    fief_free(f, small);
    fief_free(f, large);
    fi_guard_drain(f);
    assert_equal(f->debug->guards.places.count, 0);
    assert_equal(f->count.arenas, 1);
    cr_assert_not_null(fief_alloc(f, 100));
    fief_destroy(f);
}

Test(guard, an_address_leads_to_its_place) {
    fief *f = heap_at(FIEF_DEBUG_GUARD);
    char *block = fief_alloc(f, 100), *start;
    fi_spot spot = spot_at(f, block);
    fi_pool_view view = fi_find(block).view;
    unsigned index;
    for (ptrdiff_t at = -100; at < 112; at++) {
        cr_assert(fi_guard_locate(spot.pool, &view, block + at, &index, &start));
        cr_assert(index == spot.index && start == block);
    }
    cr_assert_not(fi_guard_locate(spot.pool, &view, view.start - 1, &index, &start));
    cr_assert_not(fi_guard_locate(spot.pool, &view, view.start + view.large_bytes, &index, &start));
    spot.record->offset = UINT16_MAX; /* what can't be is not believed */
    cr_assert(fi_guard_locate(spot.pool, &view, block, &index, &start));
    cr_assert(start >= view.start && start < view.start + view.large_bytes);
}

/* What can't be guarded is allocated as any other. */
Test(guard, exhaustion_takes_another_way) {
    for (size_t size = 100; size <= 10000; size += 9900)
        for (unsigned k = 1; k < 12; k++) {
            fief *f = heap_at(FIEF_DEBUG_GUARD);
            uint64_t charged = f->count.charged_bytes;
            fi_os_fail_at(k);
            void *block = fief_alloc(f, size);
            fi_os_fail_at(0);
            if (block == NULL)
                cr_assert_eq(f->count.charged_bytes, charged);
            else
                memset(block, 1, size);
            fief_free(f, block);
            assert_equal(fief_check(f), 0);
            fief_trim(f);
            assert_equal(f->count.arenas, 1);
            fief_destroy(f);
        }
    assert_equal(heard.count, 0);
}
