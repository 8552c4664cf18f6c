/* Misuse where it is least expected: in a forked child, inside a report, at a limit, in a host's memory, where
 * guarded places run out, after the quarantine. */
#include "support/child.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/interpreter.h"
#include "support/pages.h"
#include "support/sanitizer.h"

#include <fief/debug.h>
#include <signal.h>
#include <stdlib.h>

static witness told;

static void set_up(void) {
    setenv("FIEF_CONF", "tools:0", 1); /* fief looks at its memory itself, whoever else does */
}

TestSuite(hostile, .init = set_up);

static fief *watched_heap(const char *name, fief_debug level) {
    fief_config config = watched(name, &told);
    config.debug = level;
    return create(config);
}

#define FOR_LEVELS(level) for (fief_debug level = FIEF_DEBUG_OFF; (level) <= FIEF_DEBUG_GUARD; (level)++)
#define FOR_WATCHED_LEVELS(level) for (fief_debug level = FIEF_DEBUG_CHECK; (level) <= FIEF_DEBUG_GUARD; (level)++)

/* A write that may be told of where it happens. */
static void poke(char *p, ptrdiff_t at) {
    ((volatile char *)p)[at] = 1;
    __asm__ volatile("" ::: "memory");
}

static void assert_told(unsigned count, fief_misuse kind) {
    assert_equal(told.count, count);
    assert_equal(told.last.kind, kind);
}

/* ---- fork ---- */

static fief *parents;
static char *parents_block;

static int misuse_in_the_child(void *arg) {
    (void)arg;
    char *own = opaque(fief_alloc(parents, 100));
    fief_free(parents, parents_block);
    fief_free(parents, own);
    fief_free(parents, own);
    bool found = told.count == 1 && told.last.kind == FIEF_MISUSE_DOUBLE_FREE && told.last.pointer == own &&
                 told.last.thread == (uint64_t)getpid();
    return found && fief_check(parents) == 0 && fief_destroy(parents) == FIEF_OK ? 0 : 1;
}

Test(hostile, a_forked_child_is_told_of_its_own_misuse) {
    FOR_LEVELS(level) {
        told.count = 0;
        parents = watched_heap("parent's", level);
        parents_block = fief_alloc(parents, 100);
        assert_returned(run_in_child(misuse_in_the_child, NULL));
        fief_free(parents, parents_block);
        assert_equal(told.count, 0);
        assert_equal(fief_check(parents), 0);
        fief_destroy(parents);
    }
}

static int fault_in_the_child(void *arg) {
    (void)arg;
    poke(parents_block, 112);
    return 0;
}

Test(hostile, a_forked_child_is_told_of_its_faults) {
    fief_config config = named("parent's");
    config.debug = FIEF_DEBUG_GUARD;
    parents = create(config);
    parents_block = fief_alloc(parents, 112);
    child_end end = run_in_child(fault_in_the_child, NULL);
    if (!UNDER_SANITIZER) /* which has a handler of its own, that exits */
        assert_equal(end.signal, SIGSEGV);
    assert_says(end, "fief: overflow in a");
    assert_says(end, "right behind the block");
}

static int fault_with_a_small_signal_stack(void *arg) {
    static char stack[8192];
    (void)arg;
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    fief *f = watched_heap("guarded", FIEF_DEBUG_GUARD);
    char *p = opaque(fief_alloc(f, 112));
    poke(p, 112);
    return told.count == 1 && told.last.kind == FIEF_MISUSE_OVERFLOW && told.last.block == p ? 0 : 1;
}

Test(hostile, a_fault_is_told_however_small_the_stack_for_signals_is) {
    assert_returned(run_in_child(fault_with_a_small_signal_stack, NULL));
}

/* ---- reports inside reports ---- */

enum { DEPTH = 8 };

typedef struct nest {
    fief *f;
    unsigned depth, most;
    void *block;
    bool asked;
} nest;

/* More at once than there is room for long ones. */
static void report_and_misuse(const fief_report *report, void *arg) {
    nest *n = arg;
    n->asked = fief_owner(n->block) == fief_id_of(n->f) && fief_usable_size(n->block) >= 100 &&
               strcmp(fief_name(n->f), "nest") == 0;
    cr_assert_eq(report->kind, FIEF_MISUSE_WILD);
    cr_assert_not_null(strstr(report->text, "fief: wild pointer in fief_free\n"));
    cr_assert_eq(report->json[strlen(report->json) - 1], '}', "%s", report->json);
    n->depth++;
    n->most = n->depth > n->most ? n->depth : n->most;
    if (n->depth < DEPTH)
        fief_free(n->f, opaque(n));
    n->depth--;
}

Test(hostile, a_misuse_inside_a_report_is_told_too) {
    FOR_LEVELS(level) {
        nest n = {.f = NULL};
        fief_config config = named("nest");
        config.debug = level;
        config.on_misuse = FIEF_MISUSE_REPORT;
        config.report = report_and_misuse;
        config.report_arg = &n;
        n.f = create(config);
        n.block = fief_alloc(n.f, 100);
        fief_free(n.f, opaque(&n));
        assert_equal(n.most, DEPTH);
        cr_assert(n.asked);
        assert_equal(exact_stats(n.f).misuses, DEPTH);
        fief_free(n.f, n.block);
        assert_equal(fief_check(n.f), 0);
        fief_destroy(n.f);
    }
}

/* ---- limits ---- */

Test(hostile, at_the_limit_the_quarantine_gives_way) {
    FOR_WATCHED_LEVELS(level) {
        told.count = 0;
        fief_config config = watched("limited", &told);
        config.debug = level;
        config.limit.hard_bytes = 2 << 20;
        config.quarantine_bytes = 64 << 20;
        fief *f = create(config);
        for (unsigned i = 0; i < 500; i++) {
            size_t size = i % 2 == 0 ? 100000 : 3000;
            char *p = fief_alloc(f, size);
            cr_assert_not_null(p, "level %d, turn %u", (int)level, i);
            memset(p, 1, size);
            fief_free(f, p);
        }
        assert_equal(told.count, 0);
        assert_equal(fief_check(f), 0);
        fief_destroy(f);
    }
}

Test(hostile, what_the_limit_drove_out_of_quarantine_was_looked_at) {
    fief_config config = watched("limited", &told);
    config.debug = FIEF_DEBUG_CHECK;
    config.limit.hard_bytes = 1 << 20;
    config.quarantine_bytes = 64 << 20;
    fief *f = create(config);
    char *p = opaque(fief_alloc(f, 100000));
    fief_free(f, p);
    poke(p, 500);
    for (unsigned i = 0; i < 20; i++)
        fief_free(f, opaque(fief_alloc(f, 100000)));
    assert_told(1, FIEF_MISUSE_WRITE_AFTER_FREE);
    assert_equal(told.last.damage, 500);
    fief_destroy(f);
}

/* ---- beyond the quarantine ---- */

static void assert_told_of_what_is_gone(fief_debug level, size_t size, bool trims) {
    told.count = 0;
    fief *f = watched_heap("heap", level);
    char *p = opaque(fief_alloc(f, size));
    void *stays = opaque(fief_alloc(f, size));
    fief_free(f, p);
    if (trims)
        fief_trim(f);
    fief_free(f, p);
    assert_told(1, FIEF_MISUSE_DOUBLE_FREE);
    cr_assert_eq(told.last.block, p, "level %d, %zu bytes: %s", (int)level, size, told.text);
    assert_equal(told.last.requested_size, size);
    assert_equal(told.last.serial, 1);
    assert_equal(told.last.freed_by, fief_id_of(f));
    cr_assert_null(opaque(fief_realloc(f, p, 10)));
    assert_told(2, FIEF_MISUSE_REALLOC_AFTER_FREE);
    assert_equal(told.last.requested_size, size);
    fief_free(f, stays);
    assert_equal(fief_check(f), 0);
    fief_destroy(f);
}

Test(hostile, a_block_that_has_left_the_quarantine_is_still_known) {
    static const size_t sizes[] = {0, 40, 500, 5000, 30000, 300000, 600000, 3000000};
    for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_FULL; level++)
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            assert_told_of_what_is_gone(level, sizes[i], true);
            assert_told_of_what_is_gone(level, sizes[i], false);
        }
}

/* ---- a host's memory ---- */

Test(hostile, a_hosts_memory_is_watched_like_any) {
    FOR_WATCHED_LEVELS(level) {
        static host h;
        told = (witness){.count = 0};
        fief_config config = watched("guest", &told);
        config.debug = level;
        config.provider = (fief_provider){&h, host_alloc, host_free};
        fief *f = create(config);
        char *small = opaque(fief_alloc(f, 112)), *large = opaque(fief_alloc(f, 100000));
        poke(small, 112);
        poke(large, -1);
        assert_equal(fief_check(f), 2);
        assert_equal(told.kinds[FIEF_MISUSE_OVERFLOW], 1);
        assert_equal(told.kinds[FIEF_MISUSE_UNDERFLOW], 1);
        fief_free(f, small);
        fief_free(f, large);
        fief_free(f, small);
        assert_told(3, FIEF_MISUSE_DOUBLE_FREE);
        poke(large, 500);
        fief_trim(f);
        assert_told(4, FIEF_MISUSE_WRITE_AFTER_FREE);
        assert_equal(fief_check(f), 0);
        fief_destroy(f);
        assert_equal(h.out, 0);
        assert_equal(h.strangers, 0);
    }
}

/* ---- guarded places ---- */

static int overflow_where_no_place_is(void *arg) {
    (void)arg;
    setenv("FIEF_CONF", "tools:0,guarded:2", 1);
    fief *f = watched_heap("few places", FIEF_DEBUG_GUARD);
    char *blocks[4];
    for (unsigned i = 0; i < 4; i++)
        blocks[i] = opaque(fief_alloc(f, 112));
    poke(blocks[0], 112); /* the guard page: told at once, and the call goes on */
    if (told.count != 1 || told.last.kind != FIEF_MISUSE_OVERFLOW || strcmp(told.operation, "fief_free") == 0)
        return 1;
    poke(blocks[3], 112);
    if (told.count != 1)
        return 2;
    for (unsigned i = 0; i < 4; i++)
        fief_free(f, blocks[i]);
    if (told.count != 2 || told.last.pointer != blocks[3] || strcmp(told.operation, "fief_free") != 0)
        return 3;
    return fief_check(f) == 0 && fief_destroy(f) == FIEF_OK ? 0 : 4;
}

Test(hostile, where_guarded_places_run_out_blocks_are_checked) {
    assert_returned(run_in_child(overflow_where_no_place_is, NULL));
}

static int underflow_on_the_left(void *arg) {
    (void)arg;
    setenv("FIEF_CONF", "tools:0,guard_align:left", 1);
    fief *f = watched_heap("left", FIEF_DEBUG_GUARD);
    char *p = opaque(fief_alloc(f, 100)), *q = opaque(fief_alloc(f, 100));
    poke(p, -1);
    if (told.count != 1 || told.last.kind != FIEF_MISUSE_UNDERFLOW || told.last.block != p)
        return 1;
    poke(q, 100);
    if (told.count != 1)
        return 2;
    fief_free(f, q);
    if (told.count != 2 || told.last.kind != FIEF_MISUSE_OVERFLOW || told.last.damage != 100)
        return 3;
    fief_free(f, p);
    return fief_check(f) == 0 && fief_destroy(f) == FIEF_OK ? 0 : 4;
}

Test(hostile, blocks_on_the_left_of_their_page_find_underflows_at_once) {
    assert_returned(run_in_child(underflow_on_the_left, NULL));
}

/* ---- samples ---- */

/* One refill in so many is diverted: which one is left to chance. */
static char *a_sampled_block(fief *f, size_t size) {
    for (unsigned i = 0; i < 10000; i++) {
        char *p = opaque(fief_alloc(f, size));
        if (!is_readable(p + size))
            return p;
    }
    cr_assert_fail("none is sampled");
    return NULL;
}

Test(hostile, a_sampled_block_is_watched_and_the_others_are_not) {
    fief_config config = watched("samples", &told);
    config.sample = 10;
    fief *f = create(config);
    char *p = a_sampled_block(f, 112), *large = opaque(fief_alloc(f, 100000));
    poke(p, 112);
    assert_told(1, FIEF_MISUSE_OVERFLOW);
    assert_equal(told.last.requested_size, 112);
    fief_free(f, p);
    fief_free(f, p);
    assert_told(2, FIEF_MISUSE_DOUBLE_FREE);
    assert_equal(told.last.serial, 1);
    fief_free(f, large);
    fief_free(f, large);
    assert_told(3, FIEF_MISUSE_DOUBLE_FREE);
    assert_equal(told.last.serial, 0);
    assert_equal(fief_check(f), 0);
    fief_destroy(f);
}

/* ---- a look at all ---- */

Test(hostile, a_look_at_all_never_aborts) {
    fief_config config = named("strict");
    config.debug = FIEF_DEBUG_CHECK;
    config.report = witness_report;
    config.report_arg = &told;
    fief *f = create(config);
    char *a = opaque(fief_alloc(f, 40)), *b = opaque(fief_alloc(f, 40)), *c = opaque(fief_alloc(f, 40));
    fief_free(f, b);
    poke(a, 40);
    poke(b, 3);
    assert_equal(fief_check(f), 2);
    assert_equal(told.count, 2);
    assert_equal(told.kinds[FIEF_MISUSE_OVERFLOW], 1);
    assert_equal(told.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], 1);
    cr_assert_str_eq(told.operation, "fief_check");
    assert_equal(fief_check(f), 0); /* it was mended */
    fief_free(f, a);
    fief_free(f, c);
    fief_destroy(f);
}
