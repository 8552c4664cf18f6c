/* heap/immortal: where blocks begin, what a frozen heap's fields say, and each refusal of the system's on the way
 * into the frost and out of it. */
#include "heap/immortal.h"

#include "os/os.h"
#include "support/kinds.h"
#include "support/levels.h"
#include "support/pages.h"

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(immortal, .init = set_up);

static fief *immortal_at(fief_debug level) {
    fief_config config = at_level(level, &heard);
    config.immortal = true;
    return create(config);
}

Test(immortal, the_handles_granule_has_no_blocks) {
    FOR_LEVELS(level) {
        fief *f = immortal_at(level);
        FOR_KINDS (kind) {
            char *block = allocate_kind(f, kind);
            cr_assert((size_t)(block - (char *)f) >= FI_GRANULE_BYTES);
        }
        cr_assert_eq(fi_map_pools(f->arenas[0])->state, FI_POOL_NONE);
        fief_destroy(f);
    }
}

Test(immortal, an_end_leaves_a_handle_as_it_was_found) {
    fief *plain = create(named("plain"));
    uint64_t dirty = plain->count.dirty_bytes;
    uint64_t granules = plain->arenas[0]->free_granules;
    fief_destroy(plain);
    fief_destroy(immortal_at(FIEF_DEBUG_OFF));
    fief *next = create(named("plain"));
    cr_assert(!next->immortal && next->obstacles == 0 && next->attention_at == UINT64_MAX);
    cr_assert(next->slot->watched == 0 && next->fast.pool_mask != 0);
    assert_equal(next->arenas[0]->free_granules, granules);
    assert_equal(next->count.dirty_bytes, dirty);
    fief_destroy(next);
}

Test(immortal, the_slot_says_level_and_immortality) {
    FOR_LEVELS(level) {
        fief *f = immortal_at(level);
        assert_equal(fi_slot_level(f->slot), level);
        assert_equal(f->slot->watched, level | FI_SLOT_IMMORTAL);
        fief_destroy(f);
    }
}

/* ---- refusals ---- */

enum { BLOCKS = 40 };

typedef struct herd {
    fief *f;
    unsigned char *blocks[BLOCKS];
} herd;

/* Small and large ones, some in arenas of their own. */
static size_t size_of(unsigned number) {
    return number < 36 ? 40 + number : number * 40000;
}

static herd gather(fief_debug level) {
    herd all = {.f = immortal_at(level)};
    for (unsigned i = 0; i < BLOCKS; i++) {
        all.blocks[i] = fief_alloc(all.f, size_of(i));
        cr_assert_not_null(all.blocks[i]);
        memset(all.blocks[i], (int)i + 1, size_of(i));
    }
    return all;
}

static bool is_as_it_was(const herd *all) {
    for (unsigned i = 0; i < BLOCKS; i++)
        for (size_t at = 0; at < size_of(i); at += 1 + at / 32)
            if (all->blocks[i][at] != i + 1)
                return false;
    return true;
}

static void write_anew(const herd *all) {
    for (unsigned i = 0; i < BLOCKS; i++)
        memset(all->blocks[i], (int)i + 1, size_of(i));
}

/* Whether a verb whose kth request is refused has failed. */
static bool fails_at(uint64_t k, fief_status (*verb)(fief *f), fief *f) {
    fi_os_fail_at(k);
    fief_status status = verb(f);
    bool refused = fi_os_request_count() >= k;
    fi_os_fail_at(0);
    assert_equal(status, refused ? FIEF_NO_MEMORY : FIEF_OK);
    return refused;
}

Test(immortal, a_heap_that_can_not_be_frozen_is_as_it_was) {
    FOR_LEVELS(level) {
        herd all = gather(level);
        uint64_t k = 1;
        for (; fails_at(k, fief_freeze, all.f); k++) {
            cr_assert(!fi_heap_is_frozen(all.f));
            cr_assert(is_as_it_was(&all));
            write_anew(&all);
            cr_assert(k > 1 || opaque(fief_alloc(all.f, 40)) != NULL);
            cr_assert_eq(all.f->attention_at, level == FIEF_DEBUG_OFF ? UINT64_MAX : 0);
        }
        assert_at_least(k, 3);
        cr_assert_null(opaque(fief_alloc(all.f, 40)));
        assert_equal(fief_check(all.f), 0);
        fief_destroy(all.f);
    }
    assert_equal(heard.count, 0);
}

Test(immortal, a_heap_that_can_not_be_thawed_stays_frozen) {
    FOR_LEVELS(level) {
        herd all = gather(level);
        assert_equal(fief_freeze(all.f), FIEF_OK);
        uint64_t k = 1;
        for (; fails_at(k, fief_thaw, all.f); k++) {
            cr_assert(fi_heap_is_frozen(all.f));
            cr_assert_null(opaque(fief_alloc(all.f, 40)));
            cr_assert(is_as_it_was(&all));
            assert_equal(fief_check(all.f), 0);
            assert_equal(fief_freeze(all.f), FIEF_OK); /* as a whole again */
            cr_assert(!is_writable(all.blocks[0]) && !is_writable(all.blocks[BLOCKS - 1]));
        }
        assert_at_least(k, 3);
        write_anew(&all);
        cr_assert_not_null(opaque(fief_alloc(all.f, 40)));
        fief_destroy(all.f);
    }
    assert_equal(heard.count, 0);
}

static unsigned exits;

static void count_exit(fief *f, void *arg) {
    (void)f, (void)arg;
    exits++;
}

Test(immortal, a_heap_that_can_not_be_thawed_does_not_end) {
    FOR_LEVELS(level) {
        herd all = gather(level);
        fief_id id = fief_id_of(all.f);
        exits = 0;
        fief_at_exit(all.f, count_exit, NULL);
        fief_freeze(all.f);
        fi_os_fail_at(2);
        assert_equal(fief_destroy(all.f), FIEF_NO_MEMORY);
        fi_os_fail_at(0);
        cr_assert(exits == 0 && fief_find(id) == all.f && is_as_it_was(&all));
        assert_equal(fief_destroy(all.f), FIEF_OK);
        cr_assert(exits == 1 && fief_find(id) == NULL);
    }
    assert_equal(heard.count, 0);
}
