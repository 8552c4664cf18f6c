/* Immortal heaps: no free of their blocks is one, whoever calls; frozen, nobody writes to them and everything that
 * looks still works; they end like any other heap, and what they held was no leak. */
#include "support/child.h"
#include "support/host.h"
#include "support/kinds.h"
#include "support/levels.h"
#include "support/pages.h"
#include "support/sanitizer.h"
#include "support/sound.h"

#include <fief/inline.h>
#include <fief/xi.h>
#include <pthread.h>
#include <signal.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(immortal, .init = set_up);

static fief_config immortal_at(fief_debug level) {
    fief_config config = at_level(level, &heard);
    config.name = "immortals";
    config.immortal = true;
    return config;
}

/* ---- blocks of every kind ---- */

typedef struct crowd {
    unsigned char *blocks[KINDS];
} crowd;

static unsigned char filler(unsigned number) {
    return (unsigned char)(number % 251 + 1);
}

static crowd populate(fief *f) {
    crowd all;
    unsigned number = 0;
    FOR_KINDS (kind) {
        all.blocks[number] = allocate_kind(f, kind);
        cr_assert_not_null(all.blocks[number]);
        memset(all.blocks[number], filler(number), kind.size);
        number++;
    }
    return all;
}

static bool is_filled(const unsigned char *block, unsigned number, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 1 + i / 64)
        if (block[i] != filler(number))
            return false;
    return true;
}

static bool is_unchanged(const crowd *all) {
    unsigned number = 0;
    FOR_KINDS (kind) {
        if (!is_filled(all->blocks[number], number, kind.size))
            return false;
        number++;
    }
    return true;
}

/* ---- frees ---- */

/* Each is a free of a block of 40 bytes, with a handle. */
typedef void releaser(fief *f, void *p);

static void free_plainly(fief *f, void *p) {
    fief_free(f, p);
}
static void free_inline(fief *f, void *p) {
    fief_inline_free(f, p);
}
static void free_inline_sized(fief *f, void *p) {
    fief_inline_free_sized(f, p, 40);
}
static void free_sized(fief *f, void *p) {
    fief_free_sized(f, p, 40);
}
static void free_aligned_sized(fief *f, void *p) {
    fief_free_aligned_sized(f, p, 16, 40);
}
static void free_of_domain(fief *f, void *p) {
    fief_domain_free(f, FIEF_DOMAIN_OBJ, p);
}

static releaser *const releasers[] = {free_plainly, free_inline,        free_inline_sized,
                                      free_sized,   free_aligned_sized, free_of_domain};

enum { RELEASERS = sizeof releasers / sizeof *releasers };

Test(immortal, a_free_with_any_handle_is_none) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level)), *other = create(at_level(level, &heard));
        unsigned char *block = fief_alloc(f, 40);
        memset(block, 7, 40);
        fief_stats before = exact_stats(f);
        for (unsigned i = 0; i < RELEASERS; i++) {
            releasers[i](f, opaque(block));
            releasers[i](other, opaque(block));
        }
        fief_stats after = exact_stats(f), elsewhere = exact_stats(other);
        assert_equal(after.immortal_frees, RELEASERS);
        assert_equal(elsewhere.immortal_frees, RELEASERS);
        assert_equal(after.live_blocks, before.live_blocks);
        assert_equal(after.frees + after.misuses + after.foreign_in + after.remote_in, 0);
        assert_equal(elsewhere.misuses + elsewhere.foreign_out, 0);
        for (unsigned i = 0; i < 40; i++)
            assert_equal(block[i], 7);
        assert_equal(fief_check(f), 0);
        fief_destroy(other);
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}

static void *free_without_handle(void *block) {
    for (unsigned i = 0; i < 100; i++)
        fief_free_remote(block);
    return NULL;
}

Test(immortal, a_free_without_a_handle_is_none) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level));
        char *block = fief_alloc(f, 40), *large = fief_alloc(f, 100000);
        free_without_handle(large);
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, free_without_handle, block), 0);
        pthread_join(thread, NULL);
        assert_equal(fief_poll(f), 0);
        assert_equal(exact_stats(f).immortal_frees, 200);
        assert_equal(exact_stats(f).live_blocks, 2);
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}

Test(immortal, every_kind_of_block_stays) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level)), *other = create(at_level(level, &heard));
        crowd all = populate(f);
        for (unsigned i = 0; i < KINDS; i++) {
            fief_free(f, opaque(all.blocks[i]));
            fief_free(other, opaque(all.blocks[i]));
            fief_free_remote(opaque(all.blocks[i]));
        }
        crowd more = populate(f);
        cr_assert(is_unchanged(&all) && is_unchanged(&more));
        assert_equal(exact_stats(f).live_blocks, 2 * KINDS);
        assert_equal(exact_stats(f).immortal_frees, 2 * KINDS);
        assert_equal(exact_stats(other).immortal_frees, KINDS);
        assert_equal(fief_check(f), 0);
        fief_destroy(other);
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}

Test(immortal, what_is_no_block_is_misuse_as_ever) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level)), *other = create(at_level(level, &heard));
        char *block = fief_alloc(f, 64);
        unsigned before = heard.kinds[FIEF_MISUSE_INTERIOR], misaligned = heard.kinds[FIEF_MISUSE_MISALIGNED];
        fief_free(f, opaque(block + 16));
        fief_free(other, opaque(block + 16));
        fief_free(f, opaque(block + 1));
        assert_equal(heard.kinds[FIEF_MISUSE_INTERIOR], before + 2);
        assert_equal(heard.kinds[FIEF_MISUSE_MISALIGNED], misaligned + 1);
        assert_equal(exact_stats(f).immortal_frees, 0);
        fief_destroy(other);
        fief_destroy(f);
    }
}

/* ---- reallocs ---- */

static void assert_copied(fief *into, unsigned char *block, unsigned number, size_t size, size_t had) {
    unsigned char *copy = fief_realloc(into, opaque(block), size);
    cr_assert_not_null(copy);
    cr_assert_neq(copy, block);
    assert_equal(fief_owner(copy), fief_id_of(into));
    cr_assert(is_filled(copy, number, size < had ? size : had));
    fief_free(into, copy);
}

Test(immortal, a_realloc_gives_the_caller_a_copy) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level)), *other = create(at_level(level, &heard));
        crowd all = populate(f);
        unsigned number = 0;
        FOR_KINDS (kind) {
            assert_copied(other, all.blocks[number], number, kind.size, kind.size);
            assert_copied(other, all.blocks[number], number, 2 * kind.size + 1, kind.size);
            assert_copied(other, all.blocks[number], number, kind.size / 3, kind.size);
            assert_copied(f, all.blocks[number], number, kind.size + 1, kind.size);
            number++;
        }
        cr_assert(is_unchanged(&all));
        assert_equal(exact_stats(other).live_blocks, 0);
        assert_equal(exact_stats(other).immortal_frees, 3 * KINDS);
        assert_equal(exact_stats(f).immortal_frees, 2 * KINDS); /* and a free of each copy */
        fief_destroy(other);
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}

Test(immortal, a_realloc_without_memory_leaves_all_as_it_was) {
    fief *f = create(immortal_at(FIEF_DEBUG_OFF));
    fief_config small = named("small");
    small.limit.hard_bytes = 64 << 10;
    fief *other = create(small);
    unsigned char *block = fief_alloc(f, 100000);
    memset(block, 9, 100000);
    cr_assert_null(fief_realloc(other, opaque(block), 100001));
    cr_assert_null(fief_realloc_sized(other, opaque(block), 100000, 200000));
    assert_equal(exact_stats(other).live_blocks, 0);
    assert_equal(exact_stats(f).live_blocks, 1);
    assert_equal(block[99999], 9);
    fief_destroy(other);
    fief_destroy(f);
}

/* ---- by policy ---- */

Test(immortal, a_policy_has_it_told) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level)), *other = create(at_level(level, &heard));
        char *block = fief_alloc(f, 40);
        fief_policy_set(other, FIEF_MISUSE_IMMORTAL_FREE, FIEF_POLICY_REPORT);
        heard.count = 0;
        fief_free(other, opaque(block));
        fief_free(other, opaque(block));
        assert_equal(heard.count, 2);
        assert_equal(heard.last.kind, FIEF_MISUSE_IMMORTAL_FREE);
        cr_assert_str_eq(heard.kind_name, "immortal free");
        cr_assert_str_eq(heard.verdict, "the block stays");
        cr_assert(heard.last.block == block && heard.last.pointer == block);
        assert_equal(heard.last.owner, fief_id_of(f));
        assert_equal(heard.last.caller, fief_id_of(other));
        cr_assert_str_eq(heard.owner_name, "immortals");

        char *copy = fief_realloc(other, opaque(block), 50);
        assert_equal(heard.count, 3);
        cr_assert_str_eq(heard.verdict, "the block stays, the caller gets a copy");
        cr_assert_not_null(copy);

        fief_free(f, opaque(block)); /* the caller's policy counts */
        fief_free_remote(opaque(block));
        assert_equal(heard.count, 3);
        fief_policy_set(f, FIEF_MISUSE_IMMORTAL_FREE, FIEF_POLICY_REPORT);
        fief_free_remote(opaque(block)); /* or the owner's, where there is none */
        assert_equal(heard.count, 4);
        assert_equal(heard.last.caller, FIEF_ID_NONE);
        fief_free(other, copy);
        fief_destroy(other);
        fief_destroy(f);
    }
}

typedef struct fatal {
    fief *caller;
    void *block;
} fatal;

static int free_fatally(void *arg) {
    const fatal *x = arg;
    fief_free(x->caller, x->block);
    return 0;
}

Test(immortal, a_policy_makes_it_fatal) {
    fief_config silent = immortal_at(FIEF_DEBUG_OFF), strict = named("strict");
    silent.report = NULL;
    fief *f = create(silent);
    strict.policies[FIEF_MISUSE_IMMORTAL_FREE] = FIEF_POLICY_ABORT;
    fief *other = create(strict);
    child_end end = run_in_child(free_fatally, &(fatal){other, fief_alloc(f, 40)});
    assert_aborted(end);
    assert_says(end, "fief: immortal free in fief_free\n");
    assert_says(end, "  verdict  abort\n");
    fief_destroy(other);
    fief_destroy(f);
}

Test(immortal, on_misuse_is_not_for_it) {
    fief_config config = named("other"); /* on_misuse is to abort */
    fief *f = create(immortal_at(FIEF_DEBUG_OFF)), *other = create(config);
    fief_free(other, opaque(fief_alloc(f, 40)));
    assert_equal(exact_stats(other).immortal_frees, 1);
    fief_destroy(other);
    fief_destroy(f);
}

static int free_as_the_environment_says(void *arg) {
    (void)arg;
    conf("on_immortal_free:report");
    fief_config config = named("immortals");
    config.immortal = true;
    fief *f = NULL;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    fief_free(f, opaque(fief_alloc(f, 40)));
    return exact_stats(f).immortal_frees == 1 ? 0 : 1;
}

Test(immortal, the_environment_has_it_told) {
    child_end end = run_in_child(free_as_the_environment_says, NULL);
    assert_returned(end);
    assert_says(end, "fief: immortal free in fief_free\n");
    assert_says(end, "  verdict  the block stays\n");
}

/* ---- whose an address is ---- */

Test(immortal, any_address_may_be_asked_about) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level)), *other = create(at_level(level, &heard));
        crowd all = populate(f);
        unsigned number = 0;
        FOR_KINDS (kind) {
            cr_assert(fief_is_immortal(all.blocks[number]));
            cr_assert(fief_is_immortal(all.blocks[number] + kind.size / 2));
            number++;
        }
        void *own = fief_alloc(other, 40), *libc = malloc(40);
        cr_assert(fief_is_immortal(f));
        cr_assert(!fief_is_immortal(own) && !fief_is_immortal(other) && !fief_is_immortal(libc));
        cr_assert(!fief_is_immortal(NULL) && !fief_is_immortal(&all) && !fief_is_immortal((void *)(uintptr_t)-1));
        cr_assert(!fief_is_immortal((void *)((uintptr_t)f ^ (uintptr_t)1 << 46)));
        free(libc);
        fief_free(other, own);
        fief_destroy(f);
        cr_assert(!fief_is_immortal(all.blocks[0]) && !fief_is_immortal(all.blocks[KINDS - 1]));
        fief_destroy(other);
    }
}

Test(immortal, the_next_tenant_is_mortal) {
    for (unsigned turn = 0; turn < 100; turn++) {
        fief *f = create(turn % 2 == 0 ? immortal_at(FIEF_DEBUG_OFF) : at_level(FIEF_DEBUG_OFF, &heard));
        char *block = fief_alloc(f, 40);
        cr_assert_eq(fief_is_immortal(block), turn % 2 == 0);
        fief_free(f, opaque(block));
        assert_equal(exact_stats(f).live_blocks, turn % 2 == 0 ? 1 : 0);
        assert_equal(exact_stats(f).immortal_frees, turn % 2 == 0 ? 1 : 0);
        assert_equal(fief_freeze(f), turn % 2 == 0 ? FIEF_OK : FIEF_BAD_STATE);
        assert_equal(exact_stats(f).frozen_failures, 0);
        fief_destroy(f);
    }
}

/* ---- frozen ---- */

static void assert_refuses(fief *f) {
    static const size_t sizes[] = {0, 1, 40, 512, 513, 4000, 16384, 16385, 100000, 1 << 20, 5000000};
    uint64_t failures = exact_stats(f).frozen_failures, allocations = exact_stats(f).allocations;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert_null(opaque(fief_alloc(f, sizes[i])));
        cr_assert_null(opaque(fief_inline_alloc(f, opaque_size(sizes[i]))));
        cr_assert_null(opaque(fief_zalloc(f, sizes[i])));
        cr_assert_null(opaque(fief_calloc(f, 1, sizes[i])));
        cr_assert_null(opaque(fief_alloc_aligned(f, sizes[i], 64)));
        cr_assert_null(opaque(fief_alloc_tagged(f, sizes[i], 0)));
        cr_assert_null(opaque(fief_domain_calloc(f, FIEF_DOMAIN_OBJ, 1, sizes[i])));
        cr_assert_null(opaque(fief_realloc(f, NULL, sizes[i])));
        failures += 8;
    }
    assert_equal(exact_stats(f).frozen_failures, failures);
    assert_equal(exact_stats(f).allocations, allocations);
}

static bool count_block(void *block, size_t bytes, void *arg) {
    (void)block, (void)bytes;
    ++*(unsigned *)arg;
    return true;
}

static void assert_can_be_looked_at(fief *f, const crowd *all) {
    unsigned seen = 0;
    static told report;
    report.bytes = 0;
    assert_equal(fief_visit(f, count_block, &seen), FIEF_OK);
    assert_equal(seen, KINDS);
    assert_equal(fief_check(f), 0);
    assert_equal(fief_leaks_report(f, FIEF_TEXT, collect, &report), FIEF_OK);
    assert_told(report, "blocks");
    fief_snapshot *snapshot = fief_snapshot_take(f);
    cr_assert_not_null(snapshot);
    fief_snapshot_free(snapshot);
    assert_equal(fief_poll(f) + fief_trim(f), 0);
    assert_equal(exact_stats(f).live_blocks, KINDS);
    for (unsigned i = 0; i < KINDS; i++)
        assert_equal(fief_owner(all->blocks[i]), fief_id_of(f));
}

Test(immortal, frozen_blocks_are_read_and_not_written) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level)), *other = create(at_level(level, &heard));
        crowd all = populate(f);
        assert_equal(fief_freeze(f), FIEF_OK);
        for (unsigned i = 0; i < KINDS; i++)
            cr_assert(!is_writable(all.blocks[i]) && is_readable(all.blocks[i]), "kind %u", i);
        cr_assert(is_unchanged(&all));
        assert_refuses(f);
        assert_can_be_looked_at(f, &all);
        for (unsigned i = 0; i < KINDS; i++) {
            fief_free(f, opaque(all.blocks[i]));
            fief_free(other, opaque(all.blocks[i]));
            fief_free_remote(opaque(all.blocks[i]));
            cr_assert_null(opaque(fief_realloc(f, opaque(all.blocks[i]), 100)));
            assert_copied(other, all.blocks[i], i, 1, kind_number(i).size);
        }
        assert_equal(fief_freeze(f), FIEF_OK); /* it is already */
        assert_equal(fief_thaw(f), FIEF_OK);
        cr_assert(is_unchanged(&all));
        for (unsigned i = 0; i < KINDS; i++)
            cr_assert(is_writable(all.blocks[i]), "kind %u", i);
        fief_destroy(other);
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}

Test(immortal, thawed_it_is_a_heap_again) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level));
        assert_equal(fief_thaw(f), FIEF_OK); /* it is */
        for (unsigned turn = 0; turn < 3; turn++) {
            crowd all = populate(f);
            assert_equal(fief_freeze(f), FIEF_OK);
            cr_assert_null(opaque(fief_alloc(f, 40)));
            assert_equal(fief_thaw(f), FIEF_OK);
            cr_assert(is_unchanged(&all));
        }
        cr_assert(is_sound(f));
        assert_equal(exact_stats(f).frozen_failures, 3);
        assert_equal(exact_stats(f).frees, 0);
        fief_destroy(f);
    }
    assert_equal(heard.count, 0);
}

Test(immortal, one_that_samples_can_be_frozen) {
    fief_config config = immortal_at(FIEF_DEBUG_OFF);
    config.sample = 1;
    fief *f = create(config);
    unsigned char *blocks[2000];
    for (unsigned i = 0; i < 2000; i++) {
        blocks[i] = fief_alloc(f, 40);
        memset(blocks[i], 5, 40);
    }
    assert_equal(fief_freeze(f), FIEF_OK);
    for (unsigned i = 0; i < 2000; i++) {
        cr_assert(blocks[i][39] == 5 && !is_writable(blocks[i]));
        fief_free(f, opaque(blocks[i]));
    }
    assert_refuses(f);
    assert_equal(fief_thaw(f), FIEF_OK);
    cr_assert_not_null(opaque(fief_alloc(f, 40)));
    assert_equal(exact_stats(f).live_blocks, 2001);
    fief_destroy(f);
    assert_equal(heard.count, 0);
}

Test(immortal, a_hosts_memory_can_be_frozen) {
    host h = {.next = NULL};
    fief_config config = immortal_at(FIEF_DEBUG_OFF);
    config.provider = (fief_provider){&h, host_alloc, host_free};
    fief *f = create(config);
    crowd all = populate(f);
    assert_equal(fief_freeze(f), FIEF_OK);
    cr_assert(is_unchanged(&all) && !is_writable(all.blocks[0]) && !is_writable(all.blocks[KINDS - 1]));
    assert_equal(fief_destroy(f), FIEF_OK);
    assert_equal(h.out + h.strangers, 0);
}

Test(immortal, others_can_not_be_frozen) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        assert_equal(fief_freeze(f), FIEF_BAD_STATE);
        assert_equal(fief_thaw(f), FIEF_BAD_STATE);
        fief_free(f, opaque(fief_alloc(f, 40)));
        fief_destroy(f);
        assert_equal(fief_freeze(f), FIEF_BAD_STATE);
    }
}

static bool freeze_under_pressure(fief *f, size_t bytes, void *arg) {
    (void)bytes;
    *(fief_status *)arg = fief_freeze(f);
    return false;
}

Test(immortal, it_is_not_frozen_in_the_middle_of_an_allocation) {
    fief_status status = FIEF_OK;
    fief_config config = immortal_at(FIEF_DEBUG_OFF);
    config.limit.hard_bytes = 128 << 10;
    config.limit.pressure = freeze_under_pressure;
    config.limit.pressure_arg = &status;
    fief *f = create(config);
    cr_assert_null(opaque(fief_alloc(f, 1 << 20)));
    assert_equal(status, FIEF_BAD_STATE);
    cr_assert_not_null(opaque(fief_alloc(f, 40)));
    fief_destroy(f);
}

static int write_to(void *block) {
    *(volatile char *)block = 1;
    return 0;
}

Test(immortal, who_writes_to_a_frozen_block_is_stopped) {
    FOR_LEVELS(level) {
        fief *f = create(immortal_at(level));
        char *block = fief_alloc(f, 40);
        fief_freeze(f);
        child_end end = run_in_child(write_to, block + 20);
        if (!UNDER_SANITIZER) { /* it catches the signal itself */
            assert_equal(end.signal, SIGSEGV);
            assert_equal(end.said_bytes, 0);
        }
        cr_assert_neq(end.status, 0);
        fief_destroy(f);
    }
}

Test(immortal, damage_is_told_of_a_frozen_block_as_long_as_it_is_there) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(immortal_at(level));
        char *block = opaque(fief_alloc(f, 41));
        block[41] = 1;
        fief_freeze(f);
        unsigned before = heard.kinds[FIEF_MISUSE_OVERFLOW];
        assert_equal(fief_check(f), 1);
        assert_equal(fief_check(f), 1);
        fief_thaw(f);
        assert_equal(fief_check(f), 1);
        assert_equal(fief_check(f), 0); /* it was mended */
        assert_equal(heard.kinds[FIEF_MISUSE_OVERFLOW], before + 3);
        fief_destroy(f);
    }
}

/* ---- the end ---- */

static void write_and_free(fief *f, void *arg) {
    char *block = arg;
    block[0] = 'y';
    fief_free(f, opaque(block));
    cr_assert_not_null(opaque(fief_alloc(f, 40)));
    assert_equal(fief_thaw(f), FIEF_OK);
    assert_equal(fief_freeze(f), FIEF_BAD_STATE);
    cr_assert(block[0] == 'y');
}

Test(immortal, a_frozen_one_ends_like_any_other) {
    FOR_LEVELS(level) {
        fief_leaks before, after;
        fief *f = create(immortal_at(level));
        crowd all = populate(f);
        fief_at_exit(f, write_and_free, all.blocks[5]);
        fief_freeze(f);
        fief_leaks_read(&before);
        assert_equal(fief_destroy(f), FIEF_OK);
        fief_leaks_read(&after);
        assert_equal(after.interpreters, before.interpreters + 1);
        assert_equal(after.blocks, before.blocks);
        assert_equal(after.bytes, before.bytes);
        fief *next = create(at_level(level, &heard)); /* in the same memory, most likely */
        cr_assert(is_sound(next));
        fief_destroy(next);
    }
    assert_equal(heard.count, 0);
}

static int end_with_blocks(void *arg) {
    fief_config config = named("immortals");
    config.immortal = true;
    config.on_leak = FIEF_LEAK_STRICT;
    config.debug = *(fief_debug *)arg;
    setenv("FIEF_CONF", "tools:0", 1); /* leaks would be told */
    fief *f = NULL;
    if (fief_create(&f, &config) != FIEF_OK || fief_alloc(f, 40) == NULL || fief_alloc(f, 100000) == NULL)
        return 1;
    return fief_destroy(f) == FIEF_OK ? 0 : 1;
}

Test(immortal, what_it_holds_at_the_end_is_no_leak) {
    FOR_LEVELS(level) {
        child_end end = run_in_child(end_with_blocks, &level);
        assert_returned(end);
        assert_equal(end.said_bytes, 0);
    }
}

Test(immortal, blocks_are_kept_by_policy) {
    FOR_LEVELS(level) {
        fief_config config = immortal_at(level);
        config.on_leak = FIEF_LEAK_KEEP;
        fief *f = create(config);
        crowd all = populate(f);
        fief_freeze(f);
        fief_destroy(f);
        cr_assert(is_unchanged(&all) && is_writable(all.blocks[3]));
        cr_assert(!fief_is_immortal(all.blocks[3]));
    }
}

Test(immortal, a_free_after_its_end_is_a_late_one) {
    fief *f = create(immortal_at(FIEF_DEBUG_OFF)), *other = create(at_level(FIEF_DEBUG_OFF, &heard));
    char *block = fief_alloc(f, 40);
    fief_destroy(f);
    fief_free(other, opaque(block));
    assert_equal(heard.kinds[FIEF_MISUSE_LATE_FREE], 1);
    assert_equal(exact_stats(other).immortal_frees, 0);
    assert_equal(exact_stats(other).late_out, 1);
    fief_destroy(other);
}

/* ---- fork ---- */

typedef struct family {
    fief *f;
    crowd all;
} family;

static int use_in_child(void *arg) {
    family *mine = arg;
    if (!is_unchanged(&mine->all) || fief_thaw(mine->f) != FIEF_OK)
        return 1;
    mine->all.blocks[7][0] = 0;
    return fief_alloc(mine->f, 40) != NULL && fief_destroy(mine->f) == FIEF_OK ? 0 : 2;
}

Test(immortal, a_child_has_its_parents_and_thaws_its_own) {
    FOR_LEVELS(level) {
        family mine = {.f = create(immortal_at(level))};
        mine.all = populate(mine.f);
        fief_freeze(mine.f);
        child_end end = run_in_child(use_in_child, &mine);
        assert_returned(end);
        cr_assert(is_unchanged(&mine.all) && !is_writable(mine.all.blocks[7]));
        fief_destroy(mine.f);
    }
}

/* ---- calls ---- */

static int allocate_here(fief *f, void *arg) {
    (void)arg;
    return fief_alloc(f, 40) == NULL ? 0 : 1;
}

Test(immortal, calls_run_in_a_frozen_one) {
    fief *f = create(immortal_at(FIEF_DEBUG_OFF));
    fief_freeze(f);
    assert_equal(fief_xi_call(NULL, fief_id_of(f), allocate_here, NULL), FIEF_XI_QUEUED);
    assert_equal(fief_xi_poll(f, 1), 1);
    fief_xi_stats stats;
    fief_xi_stats_read(f, &stats);
    assert_equal(stats.failed, 0);
    fief_destroy(f);
}
