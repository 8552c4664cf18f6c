/* Another living interpreter's block, freed or resized with one's own handle: counted on both sides, reported with
 * both names, then routed home, refused or fatal, as the caller's policy has it. */
#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/sound.h"

#include <fief/inline.h>
#include <signal.h>
#include <sys/syscall.h>

static witness ann_heard, bob_heard;
static fief *ann, *bob; /* owner and caller */

static fief *made(const char *name, witness *w, size_t alignment, fief_foreign_policy policy) {
    fief_config config = watched(name, w);
    config.alignment = alignment;
    config.on_foreign = policy;
    return create(config);
}

static void set_up(void) {
    ann = made("ann", &ann_heard, 16, FIEF_FOREIGN_ROUTE);
    bob = made("bob", &bob_heard, 16, FIEF_FOREIGN_ROUTE);
}

TestSuite(foreign, .init = set_up);

/* Other interpreters in their places. */
static void meet_again(size_t owners_alignment, size_t callers_alignment, fief_foreign_policy policy) {
    fief_destroy(ann);
    fief_destroy(bob);
    ann_heard = bob_heard = (witness){.count = 0};
    ann = made("ann", &ann_heard, owners_alignment, FIEF_FOREIGN_ROUTE);
    bob = made("bob", &bob_heard, callers_alignment, policy);
}

#define FOR_ALIGNMENTS(owners, callers)                                                                           \
    for (size_t owners = 8; owners <= 16; owners += 8)                                                            \
        for (size_t callers = 8; callers <= 16; callers += 8)

/* ---- the verbs ---- */

static void free_it(fief *f, void *p) {
    fief_free(f, p);
}
static void free_sized(fief *f, void *p) {
    fief_free_sized(f, p, fief_usable_size(p));
}
static void inline_free(fief *f, void *p) {
    fief_inline_free(f, p);
}
static void inline_free_sized(fief *f, void *p) {
    fief_inline_free_sized(f, p, fief_usable_size(p));
}

typedef void free_verb(fief *f, void *p);

static free_verb *const free_verbs[] = {free_it, free_sized, inline_free, inline_free_sized};

#define FOR_VERBS(verb)                                                                                           \
    for (unsigned verb_ = 0; verb_ < sizeof free_verbs / sizeof *free_verbs; verb_++)                             \
        for (free_verb *verb = free_verbs[verb_]; verb != NULL; verb = NULL)

static void *resize(fief *f, void *p, size_t size) {
    return opaque(fief_realloc(f, p, size));
}
static void *resize_sized(fief *f, void *p, size_t size) {
    return opaque(fief_realloc_sized(f, p, fief_usable_size(p), size));
}

typedef void *realloc_verb(fief *f, void *p, size_t size);

static realloc_verb *const realloc_verbs[] = {resize, resize_sized};

/* A content that tells its place. */
static void *filled(block_kind kind) {
    unsigned char *block = allocate_kind(ann, kind);
    cr_assert_not_null(block);
    for (size_t i = 0; i < kind.size; i += 1 + i / 128)
        block[i] = (unsigned char)(i * 7 % 253);
    return block;
}

static void assert_filled(const unsigned char *block, size_t size) {
    for (size_t i = 0; i < size; i += 1 + i / 128)
        assert_equal(block[i], i * 7 % 253);
}

/* ---- routed ---- */

Test(foreign, a_freed_block_of_any_kind_is_counted_on_both_sides_and_goes_home) {
    FOR_ALIGNMENTS(owners, callers) {
        uint64_t times = 0;
        meet_again(owners, callers, FIEF_FOREIGN_ROUTE);
        FOR_VERBS(verb)
        FOR_KINDS (kind) {
            void *block = allocate_kind(ann, kind);
            verb(bob, block);
            times++;
            assert_equal(exact_stats(ann).live_blocks, 1); /* until its owner has taken it in */
            assert_equal(fief_poll(ann), 1);
            fief_stats anns = exact_stats(ann), bobs = exact_stats(bob);
            assert_equal(anns.live_blocks, 0);
            assert_equal(anns.foreign_in, times);
            assert_equal(anns.remote_in, times);
            assert_equal(anns.foreign_out, 0);
            assert_equal(bobs.foreign_out, times);
            assert_equal(bobs.foreign_in + bobs.remote_in, 0);
            assert_equal(anns.misuses + bobs.misuses, 0);
        }
        assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_FREE], times);
        assert_equal(bob_heard.count, times);
        assert_equal(ann_heard.count, 0); /* the caller's callback has heard it already */
        cr_assert(is_sound(ann) && is_sound(bob));
    }
}

Test(foreign, many_blocks_come_home_together) {
    enum { COUNT = KINDS * 20 };
    for (unsigned i = 0; i < COUNT; i++)
        fief_free(bob, allocate_kind(ann, kind_number(i % KINDS)));
    fief_poll(ann); /* much came home at the refills between */
    fief_stats anns = exact_stats(ann);
    assert_equal(anns.remote_in, COUNT);
    assert_equal(anns.live_blocks, 0);
    assert_equal(anns.frees, COUNT);
}

Test(foreign, without_a_poll_blocks_come_home_as_the_owner_allocates) {
    fief_free(bob, fief_alloc(ann, 64));
    for (unsigned i = 0; i < 10000; i++)
        cr_assert_not_null(opaque(fief_alloc(ann, 64)));
    fief_stats anns = exact_stats(ann);
    assert_equal(anns.remote_in, 1);
    assert_equal(anns.live_blocks, 10000);
}

Test(foreign, a_resized_block_of_any_kind_moves_with_its_data_and_goes_home) {
    FOR_ALIGNMENTS(owners, callers) {
        unsigned times = 0;
        meet_again(owners, callers, FIEF_FOREIGN_ROUTE);
        FOR_KINDS (kind)
            for (unsigned to = times % 7; to < KINDS; to += 11) {
                size_t size = kind_number(to).size;
                unsigned char *moved = realloc_verbs[times % 2](bob, filled(kind), size);
                times++;
                assert_at_least(fief_usable_size(moved), size);
                assert_equal((uintptr_t)moved % callers, 0);
                assert_equal(fief_owner(moved), fief_id_of(bob));
                assert_filled(moved, size < kind.size ? size : kind.size);
                assert_equal(fief_poll(ann), 1);
                fief_free(bob, moved);
            }
        fief_stats anns = exact_stats(ann), bobs = exact_stats(bob);
        assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_REALLOC], times);
        assert_equal(bobs.foreign_out, times);
        assert_equal(anns.foreign_in, times);
        assert_equal(anns.live_blocks + bobs.live_blocks, 0);
        assert_equal(bobs.allocations, times);
    }
}

/* ---- ignored ---- */

Test(foreign, an_ignored_free_leaves_the_block_as_it_is) {
    uint64_t times = 0;
    meet_again(16, 16, FIEF_FOREIGN_IGNORE);
    FOR_VERBS(verb)
    FOR_KINDS (kind) {
        unsigned char *block = filled(kind);
        verb(bob, block);
        times++;
        assert_equal(fief_poll(ann), 0);
        assert_filled(block, kind.size);
        fief_free(ann, block);
    }
    assert_equal(exact_stats(ann).live_blocks, 0);
    assert_equal(exact_stats(ann).foreign_in, times);
    assert_equal(exact_stats(bob).foreign_out, times);
    assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_FREE], times);
    assert_equal(ann_heard.count, 0);
    cr_assert_str_eq(bob_heard.verdict, "the call does nothing");
}

Test(foreign, an_ignored_realloc_gives_nothing_and_leaves_the_block_as_it_is) {
    uint64_t times = 0;
    meet_again(16, 16, FIEF_FOREIGN_IGNORE);
    for (unsigned verb = 0; verb < 2; verb++)
        FOR_KINDS (kind) {
            unsigned char *block = filled(kind);
            cr_assert_null(realloc_verbs[verb](bob, block, kind.size + 100));
            cr_assert_null(realloc_verbs[verb](bob, block, kind.size / 3));
            times += 2;
            assert_filled(block, kind.size);
            fief_free(ann, block);
        }
    assert_equal(exact_stats(bob).foreign_out, times);
    assert_equal(exact_stats(bob).allocations, 0);
    assert_equal(exact_stats(ann).live_blocks, 0);
    assert_equal(bob_heard.kinds[FIEF_MISUSE_FOREIGN_REALLOC], times);
}

Test(foreign, a_realloc_that_finds_no_memory_leaves_the_block_as_it_is) {
    fief_limit_set(bob, &(fief_limit){.hard_bytes = 64 * 1024});
    FOR_KINDS (kind) {
        unsigned char *block = filled(kind);
        cr_assert_null(resize(bob, block, 1 << 20));
        cr_assert_null(resize(bob, block, opaque_size(SIZE_MAX)));
        assert_filled(block, kind.size);
        assert_equal(fief_poll(ann), 0);
        fief_free(ann, block);
    }
    assert_equal(exact_stats(ann).live_blocks, 0);
}

/* ---- fatal ---- */

typedef struct fatal_case {
    block_kind kind;
    free_verb *free; /* NULL: a realloc */
} fatal_case;

static int free_fatally(void *arg) {
    const fatal_case *c = arg;
    fief_config config = named("strict");
    config.on_foreign = FIEF_FOREIGN_ABORT;
    fief *owner = create(named("owner"));
    fief *strict = create(config);
    void *block = allocate_kind(owner, c->kind);
    if (c->free != NULL)
        c->free(strict, block);
    else
        block = resize(strict, block, 100);
    return block != NULL;
}

static void assert_fatal(block_kind kind, free_verb *verb, const char *what) {
    child_end end = run_in_child(free_fatally, &(fatal_case){kind, verb});
    assert_aborted(end);
    assert_says(end, what);
    assert_says(end, "\"owner\" (live)");
    assert_says(end, "\"strict\" (live)");
    assert_says(end, "verdict  abort\n");
}

Test(foreign, where_it_is_fatal_a_free_of_any_kind_aborts) {
    FOR_KINDS (kind)
        assert_fatal(kind, free_it, "fief: foreign free in fief_free\n");
}

Test(foreign, where_it_is_fatal_every_verb_aborts) {
    static const block_kind kinds[] = {{64, 0}, {3000, 0}, {100000, 0}, {5000000, 0}};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        FOR_VERBS(verb)
        assert_fatal(kinds[i], verb, "fief: foreign free in fief_free");
        assert_fatal(kinds[i], NULL, "fief: foreign realloc in fief_realloc\n");
    }
}

/* ---- what the report says ---- */

static void assert_told(fief_misuse kind, const char *kind_name, const void *block, size_t size) {
    const fief_report *report = &bob_heard.last;
    assert_equal(report->kind, kind);
    cr_assert_str_eq(report->kind_name, kind_name);
    cr_assert(report->pointer == block && report->block == block);
    assert_equal(report->displacement, 0);
    assert_equal(report->block_size, size);
    assert_equal(report->owner, fief_id_of(ann));
    assert_equal(report->caller, fief_id_of(bob));
    cr_assert_str_eq(report->owner_name, "ann");
    cr_assert_str_eq(report->caller_name, "bob");
    assert_equal(report->owner_state, FIEF_LIVE);
    assert_equal(report->thread, syscall(SYS_gettid));
    cr_assert_not_null(strstr(report->text, kind_name));
    cr_assert_not_null(strstr(report->text, "\"ann\" (live)"));
    cr_assert_not_null(strstr(report->text, "\"bob\" (live)"));
}

Test(foreign, the_report_has_both_names_and_the_block) {
    FOR_KINDS (kind) {
        void *block = allocate_kind(ann, kind);
        size_t usable = fief_usable_size(block);
        fief_free(bob, block);
        assert_told(FIEF_MISUSE_FOREIGN_FREE, "foreign free", block, usable);
        cr_assert_str_eq(bob_heard.verdict, "the block goes home to its owner");
        block = allocate_kind(ann, kind);
        fief_free(bob, resize(bob, block, 10));
        assert_told(FIEF_MISUSE_FOREIGN_REALLOC, "foreign realloc", block, usable);
        cr_assert_str_eq(bob_heard.verdict, "the data moves to the caller, the block goes home");
    }
}

Test(foreign, the_report_names_the_verb_that_was_called) {
    fief_free(bob, fief_alloc(ann, 64));
    cr_assert_str_eq(bob_heard.operation, "fief_free");
    cr_assert_not_null(resize(bob, fief_alloc(ann, 64), 100));
    cr_assert_str_eq(bob_heard.operation, "fief_realloc");
    cr_assert_not_null(resize_sized(bob, fief_alloc(ann, 64), 100));
    cr_assert_str_eq(bob_heard.operation, "fief_realloc_sized");
}

Test(foreign, a_sized_free_is_named_as_what_it_is) {
    fief_free_sized(bob, fief_alloc(ann, 64), 64);
    cr_assert_str_eq(bob_heard.operation, "fief_free_sized");
}

Test(foreign, a_caller_without_a_callback_leaves_it_to_the_owners) {
    fief *eve = create(named("eve"));
    for (unsigned i = 1; i <= 3; i++) {
        fief_free(eve, fief_alloc(ann, 64));
        assert_equal(ann_heard.kinds[FIEF_MISUSE_FOREIGN_FREE], i);
    }
    cr_assert_str_eq(ann_heard.caller_name, "eve");
}

static void ask_who(const fief_report *report, void *arg) {
    unsigned *calls = arg;
    assert_equal(fief_owner(report->pointer), report->owner);
    assert_equal(fief_usable_size(report->block), report->block_size);
    ++*calls;
}

Test(foreign, a_callback_may_ask_about_the_block) {
    unsigned calls = 0;
    fief_config config = named("curious");
    config.report = ask_who;
    config.report_arg = &calls;
    fief_free(create(config), fief_alloc(ann, 64));
    assert_equal(calls, 1);
}

/* ---- on stderr ---- */

static unsigned count_of(const char *text, const char *word) {
    unsigned count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

static int free_many_of_each_others(void *arg) {
    (void)arg;
    fief *cid = create(named("cid")), *dan = create(named("dan")), *eve = create(named("eve"));
    for (unsigned i = 0; i < 20; i++) {
        fief_free(dan, fief_alloc(cid, 64));
        fief_free(dan, fief_alloc(eve, 64));
        fief_free(cid, fief_alloc(dan, 100000));
        if (fief_realloc(dan, fief_alloc(cid, 64), 100) == NULL)
            return 1;
    }
    return exact_stats(dan).foreign_out == 60 && exact_stats(cid).foreign_out == 20 ? 0 : 1;
}

Test(foreign, stderr_is_told_once_for_each_pair) {
    child_end end = run_in_child(free_many_of_each_others, NULL);
    assert_returned(end);
    assert_equal(count_of(end.said, "fief: foreign free in fief_free\n"), 3);
    assert_equal(count_of(end.said, "fief: foreign"), 3);
    assert_says(end, "\"cid\" (live)");
    assert_says(end, "\"dan\" (live)");
    assert_says(end, "\"eve\" (live)");
    assert_says(end, "a block of 64 bytes");
    assert_says(end, "verdict  the block goes home to its owner\n");
}
