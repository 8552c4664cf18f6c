/* What becomes of blocks that are live when their watched interpreter ends. */
#include "support/child.h"
#include "support/kinds.h"
#include "support/levels.h"
#include "support/pages.h"

#include <signal.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(teardown, .init = set_up);

/* ---- FORCE ---- */

Test(teardown, all_memory_is_taken_back) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        FOR_KINDS (kind)
            cr_assert_not_null(allocate_kind(f, kind));
        fief_leaks before, after;
        fief_leaks_read(&before);
        assert_equal(fief_destroy(f), FIEF_OK);
        fief_leaks_read(&after);
        assert_equal(after.blocks - before.blocks, KINDS);
        assert_equal(after.interpreters - before.interpreters, 1);
    }
    assert_equal(heard.count, 0);
}

/* A block of the dead, freed by a living one, is told of with all that was known of it. */
Test(teardown, a_late_free_is_told_with_its_history) {
    FOR_DEBUG_LEVELS(level) {
        fief_config config = at_level(level, &heard);
        config.name = "the late one";
        fief *f = create(config);
        void *block = fief_alloc(f, 40);
        fief_id id = fief_id_of(f);
        fief_destroy(f);
        fief *other = create(at_level(level, &heard));
        void *first = fief_owner(block) == FIEF_ID_NONE ? block : NULL;
        unsigned before = heard.kinds[FIEF_MISUSE_LATE_FREE];
        if (first != NULL) {
            fief_free(other, first);
            assert_equal(heard.kinds[FIEF_MISUSE_LATE_FREE], before + 1);
            assert_equal(heard.last.owner, id);
            cr_assert_str_eq(heard.owner_name, "the late one");
        }
        fief_destroy(other);
    }
}

static int free_inside_the_dead(void *arg) {
    fief_debug level = *(const fief_debug *)arg;
    conf("");
    fief_config config = FIEF_CONFIG_INIT;
    config.debug = level;
    config.on_misuse = FIEF_MISUSE_REPORT;
    fief *f, *other;
    char *blocks[KINDS];
    if (fief_create(&f, &config) != FIEF_OK || fief_create(&other, &config) != FIEF_OK)
        return 1;
    unsigned n = 0;
    FOR_KINDS (kind)
        blocks[n++] = allocate_kind(f, kind);
    fief_destroy(f);
    n = 0;
    FOR_KINDS (kind) {
        for (size_t into = 0; into < kind.size; into += kind.size / 5 + 8)
            fief_free(other, blocks[n] + into);
        fief_free_remote(blocks[n++]);
    }
    fief_destroy(other);
    return 0;
}

Test(teardown, any_address_in_an_ended_heap_can_be_asked_about) {
    FOR_LEVELS(level) {
        child_end end = run_in_child(free_inside_the_dead, &level);
        assert_returned(end);
        assert_says(end, "fief: late free in fief_free\n");
    }
}

/* ---- KEEP ---- */

static void use_many(void) {
    fief *f = create(named("others"));
    for (unsigned i = 0; i < 2000; i++)
        memset(fief_alloc(f, i * 20), 0xEE, i * 20);
    fief_destroy(f);
}

static void keep(fief_debug level, block_kind kind) {
    fief_config config = at_level(level, &heard);
    config.on_leak = FIEF_LEAK_KEEP;
    fief *f = create(config);
    unsigned char *blocks[20];
    for (unsigned i = 0; i < 20; i++) {
        blocks[i] = allocate_kind(f, kind);
        memset(blocks[i], (int)i, kind.size);
        fief_free(f, allocate_kind(f, kind));
    }
    assert_equal(fief_destroy(f), FIEF_OK);
    use_many();
    fief_trim(NULL);
    use_many();
    for (unsigned i = 0; i < 20; i++)
        for (size_t byte = 0; byte < kind.size; byte++) {
            cr_assert_eq(blocks[i][byte], i);
            blocks[i][byte] = 0x77;
        }
    fief *late = create(at_level(level, &heard));
    unsigned before = heard.kinds[FIEF_MISUSE_LATE_FREE];
    fief_free(late, blocks[0]);
    assert_equal(heard.kinds[FIEF_MISUSE_LATE_FREE], before + 1);
    fief_destroy(late);
}

Test(teardown, kept_blocks_stay_readable_and_writable_for_ever) {
    FOR_LEVELS(level) {
        keep(level, (block_kind){40, 0});
        keep(level, (block_kind){3000, 0});
        keep(level, (block_kind){100000, 0});
        keep(level, (block_kind){700000, 0});
        keep(level, (block_kind){100, 4096});
    }
}

/* As long as nothing is live, nothing is kept: an interpreter's end costs no address space. */
Test(teardown, a_heap_without_blocks_keeps_nothing) {
    FOR_LEVELS(level) {
        const void *places[2];
        for (unsigned turn = 0; turn < 2; turn++) {
            fief_config config = at_level(level, &heard);
            config.on_leak = FIEF_LEAK_KEEP;
            fief *f = create(config);
            void *block = fief_alloc(f, 300000);
            fief_free(f, block);
            fief_free(f, fief_alloc(f, 40));
            places[turn] = f;
            fief_destroy(f);
            fief_trim(NULL);
            cr_assert_not(is_readable(block), "level %d", (int)level);
        }
        (void)places;
    }
}

/* ---- STRICT ---- */

typedef struct strict {
    fief_debug level;
    unsigned blocks;
    const char *suppression;
    const char *tag;
} strict;

static int end_strictly(void *arg) {
    const strict *s = arg;
    conf("leaks:1");
    fief_config config = FIEF_CONFIG_INIT;
    config.debug = s->level;
    config.on_leak = FIEF_LEAK_STRICT;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    fief_tag tag = 0;
    if (s->suppression != NULL && fief_leaks_suppress(s->suppression) != FIEF_OK)
        return 2;
    if (s->tag != NULL && fief_tag_register(s->tag, &tag) != FIEF_OK)
        return 3;
    for (unsigned i = 0; i < s->blocks; i++)
        if (fief_alloc_tagged(f, 40, tag) == NULL)
            return 4;
    fief_free(f, fief_alloc(f, 100));
    return fief_destroy(f) == FIEF_OK ? 0 : 5;
}

Test(teardown, a_strict_end_aborts_where_blocks_are_live) {
    FOR_LEVELS(level) {
        child_end end = run_in_child(end_strictly, &(strict){level, 3, NULL, NULL});
        assert_aborted(end);
        assert_says(end, "fief: leak in fief_destroy\n");
        assert_says(end, "  verdict  abort\n");
        if (level != FIEF_DEBUG_OFF)
            assert_says(end, "120 bytes in 3 blocks");
    }
}

Test(teardown, a_strict_end_without_leaks_is_silent) {
    FOR_LEVELS(level) {
        child_end end = run_in_child(end_strictly, &(strict){level, 0, NULL, NULL});
        assert_returned(end);
        assert_equal(end.said_bytes, 0);
    }
}

Test(teardown, suppressed_leaks_do_not_count) {
    FOR_DEBUG_LEVELS(level) {
        child_end end = run_in_child(end_strictly, &(strict){level, 3, "tag:known", "known one"});
        assert_returned(end);
        end = run_in_child(end_strictly, &(strict){level, 3, "tag:other", "known one"});
        assert_aborted(end);
    }
}

Test(teardown, a_policy_may_make_a_strict_end_go_on) {
    FOR_LEVELS(level) {
        fief_config config = at_level(level, &heard);
        config.on_leak = FIEF_LEAK_STRICT;
        config.policies[FIEF_MISUSE_LEAK] = FIEF_POLICY_REPORT;
        fief *f = create(config);
        cr_assert_not_null(fief_alloc(f, 10));
        unsigned before = heard.kinds[FIEF_MISUSE_LEAK];
        assert_equal(fief_destroy(f), FIEF_OK);
        assert_equal(heard.kinds[FIEF_MISUSE_LEAK], before + 1);
    }
}

/* What was written to after its free is found at the end, at the latest. */
Test(teardown, the_end_looks_at_what_is_held_back) {
    for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_FULL; level++) {
        fief *f = create(at_level(level, &heard));
        unsigned char *block = opaque(fief_alloc(f, 100));
        fief_free(f, block);
        *(unsigned char *)opaque(block + 50) = 1;
        unsigned before = heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE];
        fief_destroy(f);
        assert_equal(heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], before + 1);
        assert_equal(heard.last.damage, 50);
        assert_equal(heard.last.damaged_bytes, 1);
    }
}
