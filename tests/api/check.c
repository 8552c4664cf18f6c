/* fief_check: it finds what is wrong, tells it once, never aborts, and finds nothing where nothing is. */
#include "support/kinds.h"
#include "support/levels.h"

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(check, .init = set_up);

Test(check, a_sound_heap_has_nothing_to_tell) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        assert_equal(fief_check(f), 0);
        void *blocks[KINDS];
        for (unsigned i = 0; i < KINDS; i++)
            blocks[i] = allocate_kind(f, kind_number(i));
        assert_equal(fief_check(f), 0);
        for (unsigned i = 0; i < KINDS; i += 2)
            fief_free(f, blocks[i]);
        assert_equal(fief_check(f), 0);
        fief_free_remote(blocks[1]);
        assert_equal(fief_check(f), 0);
        fief_trim(f);
        assert_equal(fief_check(f), 0);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

/* Even if the policy is to abort. */
Test(check, a_byte_behind_a_block_is_found_and_told_once) {
    for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_FULL; level++) {
        fief_config config = at_level(level, &heard);
        config.on_misuse = FIEF_MISUSE_ABORT;
        config.policies[FIEF_MISUSE_OVERFLOW] = FIEF_POLICY_ABORT;
        fief *f = create(config);
        FOR_KINDS (kind) {
            unsigned char *block = allocate_kind(f, kind);
            unsigned before = heard.kinds[FIEF_MISUSE_OVERFLOW];
            *(unsigned char *)opaque(block + kind.size) ^= 1;
            assert_equal(fief_check(f), 1);
            assert_equal(heard.kinds[FIEF_MISUSE_OVERFLOW], before + 1);
            cr_assert(heard.last.block == block && heard.last.damage == (ptrdiff_t)kind.size);
            assert_equal(heard.last.damaged_bytes, 1);
            assert_equal(fief_check(f), 0);
            fief_free(f, block);
            assert_equal(heard.kinds[FIEF_MISUSE_OVERFLOW], before + 1);
        }
        fief_destroy(f);
    }
}

Test(check, a_byte_before_a_block_is_found) {
    for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_FULL; level++) {
        fief *f = create(at_level(level, &heard));
        FOR_KINDS (kind) {
            unsigned char *block = allocate_kind(f, kind);
            unsigned before = heard.count;
            *(unsigned char *)opaque(block - 1) ^= 0x80;
            assert_equal(fief_check(f), 1);
            assert_equal(heard.count, before + 1);
            cr_assert(heard.last.kind == FIEF_MISUSE_UNDERFLOW || heard.last.kind == FIEF_MISUSE_OVERFLOW);
            assert_equal(fief_check(f), 0);
        }
        fief_destroy(f);
    }
}

Test(check, a_write_to_freed_memory_is_found) {
    for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_FULL; level++) {
        fief_config config = at_level(level, &heard);
        config.quarantine_bytes = (size_t)64 << 20;
        fief *f = create(config);
        FOR_KINDS (kind) {
            unsigned char *block = allocate_kind(f, kind);
            fief_free(f, block);
            if (kind.size == 0)
                continue;
            unsigned before = heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE];
            *(unsigned char *)opaque(block + kind.size - 1) = 7;
            assert_equal(fief_check(f), 1);
            assert_equal(heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], before + 1);
            assert_equal(heard.last.damage, kind.size - 1);
            cr_assert(heard.last.is_freed);
            assert_equal(fief_check(f), 0);
        }
        fief_destroy(f);
    }
}

Test(check, all_that_is_wrong_is_counted) {
    fief *f = create(at_level(FIEF_DEBUG_CHECK, &heard));
    for (unsigned i = 0; i < 10; i++) {
        unsigned char *block = opaque(fief_alloc(f, 100));
        if (i % 2 == 0)
            block[100 + i] = 1;
    }
    unsigned char *freed = opaque(fief_alloc(f, 100));
    fief_free(f, freed);
    freed[3] = 1;
    assert_equal(fief_check(f), 6);
    assert_equal(heard.count, 6);
    assert_equal(exact_stats(f).misuses, 6);
    fief_destroy(f);
}

/* Below FIEF_DEBUG_CHECK there are lists to look at. */
Test(check, a_free_blocks_mark_is_looked_at_at_every_level) {
    fief *f = create(at_level(FIEF_DEBUG_OFF, &heard));
    uintptr_t *block = opaque(fief_alloc(f, 64));
    fief_free(f, block);
    cr_assert_not_null(fief_alloc(f, 64)); /* the block is in a list, wherever that is */
    ((uintptr_t *)opaque(block))[1] ^= 64;
    cr_assert_geq(fief_check(f), 1);
    cr_assert_geq(heard.kinds[FIEF_MISUSE_CORRUPTION], 1);
    ((uintptr_t *)opaque(block))[1] ^= 64;
    fief_destroy(f);
}

Test(check, a_dead_handle_is_not_looked_into) {
    fief *f = create(at_level(FIEF_DEBUG_CHECK, &heard));
    fief_destroy(f);
    assert_equal(fief_check(f), 0);
    assert_equal(heard.kinds[FIEF_MISUSE_DEAD_HANDLE], 1);
}

/* A guarded block's page has room between the block and its end, or not: what there is is looked at. */
Test(check, what_is_left_of_a_guarded_page_is_looked_at) {
    fief *f = create(at_level(FIEF_DEBUG_GUARD, &heard));
    unsigned char *block = opaque(fief_alloc(f, 20));
    block[20] = 1;
    assert_equal(fief_check(f), 1);
    assert_equal(heard.last.kind, FIEF_MISUSE_OVERFLOW);
    block[-1] = 1;
    assert_equal(fief_check(f), 1);
    assert_equal(heard.last.kind, FIEF_MISUSE_UNDERFLOW);
    fief_free(f, block);
    assert_equal(heard.count, 2);
    fief_destroy(f);
}
