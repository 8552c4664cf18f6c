/* interp/subheap: a heap that nobody finds, that is known by any address, sealed and unsealed, and that ends as no
 * interpreter does. */
#include "interp/subheap.h"

#include "heap/pools.h"
#include "interp/registry.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/interpreter.h"

#include <fief/xi.h>

static fief *begin(void) {
    static witness heard;
    fief_config config = watched("part", &heard);
    fief *f = NULL;
    assert_equal(fi_subheap_begin(&f, &config), FIEF_OK);
    return f;
}

static fief_leaks leaks_now(void) {
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    return leaks;
}

Test(subheap, works_and_is_not_to_be_found) {
    fief *f = begin();
    cr_assert_not_null(fief_alloc(f, 100));
    cr_assert_null(fief_find(f->id));
    assert_equal(fief_destroy(f), FIEF_BAD_STATE);
    assert_equal(f->state, FIEF_CLOSING);
    assert_equal(fi_load_relaxed(&f->slot->state), FIEF_LIVE);
    fi_subheap_end(f, true);
}

Test(subheap, is_known_by_the_address_of_its_notes_alone) {
    fief *f = begin(), *other = create(named("other"));
    char *notes = fi_subheap_notes(f);
    memset(notes, 0xFF, FI_SUBHEAP_NOTES_BYTES);
    char *block = fief_alloc(f, 64);
    cr_assert(notes >= (char *)f + sizeof *f && notes + FI_SUBHEAP_NOTES_BYTES <= block);
    cr_assert_eq(fi_subheap_at(notes), f);
    cr_assert_null(fi_subheap_at(notes + 1));
    cr_assert_null(fi_subheap_at(NULL));
    cr_assert_null(fi_subheap_at(fi_subheap_notes(other)), "it is no part of any");
    cr_assert_null(fi_subheap_at(notes + FI_UNIT_BYTES));
    fi_subheap_end(f, true);
    cr_assert_null(fi_subheap_at(notes));
}

Test(subheap, unsealed_it_is_as_it_was) {
    fief *f = begin();
    fief_fast before = f->fast;
    char *block = fief_alloc(f, 64);
    fi_subheap_seal(f);
    cr_assert_eq(f->fast.pools, (char *)(uintptr_t)&fi_no_pool);
    cr_assert_null(fief_alloc(f, 64));
    cr_assert(fi_subheap_unseal(f));
    cr_assert_eq(f->fast.pools, before.pools);
    assert_equal(f->fast.pool_mask, before.pool_mask);
    fief_free(f, block);
    cr_assert_not_null(fief_alloc(f, 64));
    fi_subheap_end(f, true);
}

Test(subheap, its_end_counts_as_no_interpreters) {
    fief_leaks before = leaks_now();
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        fief *f = begin();
        cr_assert_not_null(fief_alloc(f, 64));
        fi_subheap_end(f, wanted != 0);
    }
    fief_leaks after = leaks_now();
    assert_equal(after.interpreters, before.interpreters);
    assert_equal(after.blocks, before.blocks + 1);
    assert_equal(after.bytes, before.bytes + 64);
}

Test(subheap, its_slot_is_an_interpreters_next) {
    for (unsigned i = 0; i < 100; i++)
        fi_subheap_end(begin(), true);
    for (unsigned i = 0; i < 100; i++) {
        fief *f = create(named("next"));
        cr_assert_eq(fief_find(fief_id_of(f)), f);
        assert_equal(fi_load_relaxed(&f->slot->hidden), 0);
        assert_equal(fief_xi_call(NULL, fief_id_of(f), NULL, NULL), FIEF_XI_BAD_ARGUMENT);
    }
}

/* Read-only pages that stay so must not be the next interpreter's. */
Test(subheap, what_cant_be_made_writable_is_nobodys) {
    fief_config config = named("part");
    config.debug = FIEF_DEBUG_CHECK;
    fief *f = NULL;
    assert_equal(fi_subheap_begin(&f, &config), FIEF_OK);
    char *block = fief_alloc(f, 5000);
    fi_subheap_seal(f);
    fi_arena *home = f->arenas[0];
    fi_os_fail_at(1);
    cr_assert_not(fi_subheap_unseal(f));
    fi_os_fail_at(1); /* once: the second try does it */
    fi_subheap_end(f, true);
    fi_os_fail_at(0);
    assert_equal(home->state, FI_ARENA_WARM);
    cr_assert_eq(fi_map_find(block), home);
    cr_assert(fief_owner(block) == FIEF_ID_NONE);
}
