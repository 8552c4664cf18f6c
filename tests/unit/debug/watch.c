/* debug/watch: what the layers below are given: from preparing a handle to its end. */
#include "heap/watch.h"

#include "arena/space.h"
#include "heap.h"
#include "os/os.h"

static void set_up(void) {
    conf("");
}

TestSuite(watch, .init = set_up);

Test(watch, a_handle_that_nobody_watches_has_nothing) {
    fief_config config = FIEF_CONFIG_INIT;
    fi_debug *debug = (fi_debug *)8;
    cr_assert(fi_the_watch.prepare(&config, &debug));
    cr_assert_null(debug);
    fief *f = heap_at(FIEF_DEBUG_OFF);
    cr_assert(f->debug == NULL && f->own_lists == NULL && f->slot->watched == 0);
    fief_destroy(f);
}

Test(watch, a_watched_handles_fast_paths_find_nothing) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        cr_assert(f->own_lists != NULL && f->debug->level == level && f->slot->watched == level);
        for (unsigned i = 0; i < 100; i++)
            fief_free(f, fief_alloc(f, i));
        for (unsigned c = 0; c < FI_CLASSES; c++)
            cr_assert_eq(*fi_heap_fast_list(f, c), fi_heap_sentinel(f));
        cr_assert(fi_watch_wants(f));
        fief_destroy(f);
    }
}

Test(watch, exhaustion_prepares_nothing) {
    for (unsigned k = 1; k < 4; k++) {
        fief_config config = FIEF_CONFIG_INIT;
        config.debug = FIEF_DEBUG_GUARD;
        fi_debug *debug;
        fi_os_fail_at(k);
        bool prepared = fi_the_watch.prepare(&config, &debug);
        fi_os_fail_at(0);
        cr_assert_eq(prepared, debug != NULL);
        if (prepared)
            fi_the_watch.discard(debug);
    }
}

/* Regions of guarded places, and large ones that rest, hold no blocks of the program's. */
Test(watch, a_heap_that_keeps_leaks_and_has_none_leaves_no_address_space) {
    FOR_LEVELS(level)
    for (uint32_t sample = 0; sample < 4; sample += 3) {
        fief_config config = at_level(level, &heard);
        config.on_leak = FIEF_LEAK_KEEP;
        config.sample = sample;
        fief_trim(NULL);
        size_t before = fi_space_used_units();
        fief *f = create(config);
        for (size_t i = 0; i < 50; i++)
            fief_free(f, fief_alloc(f, i * i * 10));
        fief_destroy(f);
        fief_trim(NULL);
        cr_assert_eq(fi_space_used_units(), before, "level %d, sample %u", (int)level, sample);
    }
}

Test(watch, a_visitors_view_is_the_records) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        char *block = fief_alloc(f, 100);
        fi_spot spot = spot_at(f, block);
        fi_seen seen = {block, 0};
        cr_assert(fi_the_watch.is_live(f, spot.pool, spot.index, &seen));
        cr_assert(seen.block == block && seen.bytes == 100);
        fief_free(f, block);
        cr_assert_not(fi_the_watch.is_live(f, spot.pool, spot.index, &seen));
        fief_destroy(f);
    }
}
