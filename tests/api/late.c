/* Blocks that are freed or resized after their interpreter has ended, or while it is ending: counted, reported
 * with the dead one's name, and without harm to whoever has the memory by then. And dead handles. */
#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/sound.h"

#include <fief/inline.h>
#include <signal.h>

static witness told;
static fief *bob; /* who frees */
static fief_leaks before;

static void set_up(void) {
    bob = create(watched("bob", &told));
    fief_leaks_read(&before);
}

TestSuite(late, .init = set_up);

static uint64_t late_frees(void) {
    fief_leaks now;
    fief_leaks_read(&now);
    return now.late_frees - before.late_frees;
}

/* Every kind of block of an interpreter that has ended. */
static void *blocks[KINDS];
static fief_id id_of_the_dead;

static void leave_blocks(const char *name) {
    fief *f = create(named(name));
    id_of_the_dead = fief_id_of(f);
    for (unsigned i = 0; i < KINDS; i++) {
        blocks[i] = allocate_kind(f, kind_number(i));
        cr_assert_not_null(blocks[i]);
    }
    fief_destroy(f);
}

/* ---- freed late ---- */

static void assert_told_of_the_dead(const void *block, const char *operation) {
    assert_equal(told.last.kind, FIEF_MISUSE_LATE_FREE);
    cr_assert_str_eq(told.kind_name, "late free");
    cr_assert_str_eq(told.operation, operation);
    cr_assert_str_eq(told.verdict, "the block stays dead");
    cr_assert_eq(told.last.pointer, block);
    assert_equal(told.last.owner, id_of_the_dead);
    cr_assert_str_eq(told.owner_name, "the dead", "of %p: %s", block, told.text);
    assert_equal(told.last.owner_state, FIEF_DEAD);
    assert_equal(told.last.caller, fief_id_of(bob));
    cr_assert_str_eq(told.caller_name, "bob");
}

Test(late, a_free_of_any_kind_is_counted_and_told_with_the_dead_ones_name) {
    leave_blocks("the dead");
    for (unsigned i = 0; i < KINDS; i++) {
        fief_free(bob, blocks[i]);
        assert_told_of_the_dead(blocks[i], "fief_free");
        assert_equal(exact_stats(bob).late_out, i + 1);
        assert_equal(late_frees(), i + 1);
        assert_equal(told.count, i + 1); /* a callback gets all */
    }
    assert_equal(exact_stats(bob).misuses + exact_stats(bob).foreign_out, 0);
    cr_assert(is_sound(bob));
}

Test(late, every_verb_finds_it) {
    leave_blocks("the dead");
    for (unsigned i = 0; i < KINDS; i++) {
        fief_free_sized(bob, blocks[i], 100);
        fief_inline_free(bob, blocks[i]);
        fief_inline_free_sized(bob, blocks[i], 100);
        assert_told_of_the_dead(blocks[i], told.operation);
        assert_equal(told.kinds[FIEF_MISUSE_LATE_FREE], 3 * (i + 1));
    }
    assert_equal(exact_stats(bob).late_out, 3 * KINDS);
    assert_equal(late_frees(), 3 * KINDS);
}

Test(late, a_realloc_gives_nothing) {
    leave_blocks("the dead");
    for (unsigned i = 0; i < KINDS; i++) {
        cr_assert_null(opaque(fief_realloc(bob, blocks[i], 100)));
        assert_told_of_the_dead(blocks[i], "fief_realloc");
        cr_assert_null(opaque(fief_realloc_sized(bob, blocks[i], 10, 1 << 20)));
        assert_told_of_the_dead(blocks[i], "fief_realloc_sized");
    }
    assert_equal(exact_stats(bob).late_out, 2 * KINDS);
    assert_equal(late_frees(), 2 * KINDS);
    assert_equal(exact_stats(bob).allocations, 0);
}

Test(late, without_a_handle_it_is_counted_for_the_process) {
    leave_blocks("the dead");
    for (unsigned i = 0; i < KINDS; i++)
        fief_free_remote(blocks[i]);
    assert_equal(late_frees(), KINDS);
    assert_equal(exact_stats(bob).late_out, 0);
}

Test(late, nothing_is_known_of_a_dead_block) {
    leave_blocks("the dead");
    for (unsigned i = 0; i < KINDS; i++) {
        assert_equal(fief_usable_size(blocks[i]), 0);
        assert_equal(fief_owner(blocks[i]), FIEF_ID_NONE);
    }
}

/* The process may forget the name then, but not that there was somebody. */
Test(late, what_was_given_back_to_the_system_is_late_just_the_same) {
    leave_blocks("the dead");
    fief_trim(NULL);
    for (unsigned i = 0; i < KINDS; i++) {
        fief_free(bob, blocks[i]);
        assert_equal(told.kinds[FIEF_MISUSE_LATE_FREE], i + 1);
        assert_equal(told.last.owner, id_of_the_dead);
        assert_equal(told.last.owner_state, FIEF_DEAD);
        cr_assert_null(opaque(fief_realloc(bob, blocks[i], 100)));
        fief_free_remote(blocks[i]);
        told.kinds[FIEF_MISUSE_LATE_FREE] = i + 1;
    }
    assert_equal(late_frees(), 3 * KINDS);
    assert_equal(exact_stats(bob).misuses, 0);
}

/* ---- on stderr ---- */

static unsigned count_of(const char *text, const char *word) {
    unsigned count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

static int free_late_by_default(void *arg) {
    (void)arg;
    fief *eve = create(named("eve"));
    leave_blocks("one");
    fief_free_remote(blocks[0]);
    for (unsigned i = 0; i < KINDS; i++)
        fief_free(eve, blocks[i]);
    leave_blocks("two");
    for (unsigned i = 0; i < KINDS; i++)
        fief_free(eve, blocks[i]);
    fief_free_remote(blocks[0]);
    return exact_stats(eve).late_out == 2 * KINDS && exact_stats(eve).misuses == 0 ? 0 : 1;
}

Test(late, it_never_aborts_and_stderr_is_told_once_for_each_that_ended) {
    child_end end = run_in_child(free_late_by_default, NULL);
    assert_returned(end);
    assert_equal(count_of(end.said, "fief: late free in fief_free"), 2);
    assert_equal(count_of(end.said, "\"one\" (dead)"), 1);
    assert_equal(count_of(end.said, "\"two\" (dead)"), 1);
    assert_equal(count_of(end.said, "verdict  the block stays dead\n"), 2);
}

/* ---- while it ends ---- */

static void free_others_block(fief *f, void *arg) {
    unsigned earlier = told.count;
    fief_free(bob, arg);
    assert_equal(told.count, earlier + 1);
    assert_equal(told.last.kind, FIEF_MISUSE_LATE_FREE);
    assert_equal(told.last.owner_state, FIEF_CLOSING);
    assert_equal(told.last.owner, fief_id_of(f));
    cr_assert_str_eq(told.owner_name, "closing");
    cr_assert_null(opaque(fief_realloc(bob, arg, 1000)));
    fief_free_remote(arg);
}

Test(late, while_its_owner_is_closing_another_frees_too_late) {
    FOR_KINDS (kind) {
        uint64_t late = late_frees();
        fief_leaks leaks, now;
        fief_leaks_read(&leaks);
        fief *f = create(named("closing"));
        fief_at_exit(f, free_others_block, allocate_kind(f, kind));
        assert_equal(fief_destroy(f), FIEF_OK);
        assert_equal(late_frees(), late + 3);
        fief_leaks_read(&now);
        assert_equal(now.blocks, leaks.blocks + 1); /* it stayed dead: it was never freed */
    }
}

static void free_own_blocks(fief *f, void *arg) {
    (void)arg;
    for (unsigned i = 0; i < KINDS; i++)
        fief_free(f, blocks[i]);
    cr_assert_not_null(fief_alloc(f, 10));
}

Test(late, a_closing_interpreter_frees_its_own_in_time) {
    fief_leaks leaks, now;
    fief_leaks_read(&leaks);
    fief *f = create(watched("closing", &told));
    for (unsigned i = 0; i < KINDS; i++)
        blocks[i] = allocate_kind(f, kind_number(i));
    fief_at_exit(f, free_own_blocks, NULL);
    fief_destroy(f);
    fief_leaks_read(&now);
    assert_equal(told.count, 0);
    assert_equal(now.blocks, leaks.blocks + 1);
    assert_equal(late_frees(), 0);
}

Test(late, what_was_sent_home_in_time_is_no_leak) {
    fief_leaks leaks, now;
    fief_leaks_read(&leaks);
    fief *f = create(named("sent to"));
    FOR_KINDS (kind)
        fief_free_remote(allocate_kind(f, kind));
    fief_destroy(f);
    fief_leaks_read(&now);
    assert_equal(now.blocks, leaks.blocks);
    assert_equal(now.bytes, leaks.bytes);
    assert_equal(late_frees(), 0);
}

/* ---- memory that is another's by now ---- */

Test(late, whoever_has_the_memory_by_now_is_not_harmed) {
    for (unsigned turn = 0; turn < 20; turn++) {
        leave_blocks("the dead");
        fief *heir = create(watched("heir", &told));
        void *own[200];
        for (unsigned i = 0; i < 200; i++)
            own[i] = memset(fief_alloc(heir, 10 * i), (int)(i + 1), 10 * i);
        for (unsigned i = 0; i < KINDS; i++)
            if (fief_usable_size(blocks[i]) == 0) /* else it is a block of the heir's, and nobody can tell */
                fief_free(bob, blocks[i]);
        fief_poll(heir);
        assert_equal(exact_stats(heir).live_blocks, 200);
        for (unsigned i = 0; i < 200; i++)
            for (unsigned k = 0; k < 10 * i; k++)
                assert_equal(((unsigned char *)own[i])[k], i + 1);
        cr_assert(is_sound(heir) && is_sound(bob));
        fief_destroy(heir);
    }
}

/* Of what is the heir's it is told as a misuse of the heir's, of all else as late. */
Test(late, a_block_whose_memory_another_has_taken_over_is_told_as_the_heirs) {
    leave_blocks("the dead");
    fief *heir = create(watched("heir", &told));
    unsigned inherited = 0, tried = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        bool is_heirs = fief_owner(blocks[i]) == fief_id_of(heir);
        cr_assert(is_heirs || fief_owner(blocks[i]) == FIEF_ID_NONE);
        fief_free(bob, blocks[i]);
        assert_equal(told.count, ++tried);
        assert_equal(told.last.owner, is_heirs ? fief_id_of(heir) : id_of_the_dead);
        cr_assert_eq(told.last.kind == FIEF_MISUSE_LATE_FREE, !is_heirs, "block %u: %s", i, told.kind_name);
        inherited += is_heirs;
    }
    cr_assert_gt(inherited, 0);
    assert_equal(exact_stats(bob).late_out, KINDS - inherited);
    assert_equal(exact_stats(bob).misuses, inherited);
    assert_equal(exact_stats(heir).live_blocks, 0);
    cr_assert(is_sound(heir));
}

/* ---- the handle itself ---- */

static void *use_uncommon_size(fief *f) {
    return fief_alloc(f, 1234);
}
static void *use_free(fief *f) {
    fief_free(f, blocks[0]);
    return NULL;
}
static void *use_poll(fief *f) {
    return (void *)fief_poll(f);
}
static void *use_trim(fief *f) {
    return (void *)fief_trim(f);
}

typedef void *use(fief *f);

static int use_dead_handle(void *arg) {
    use *const *verb = arg;
    fief *f = create(named("gone"));
    blocks[0] = fief_alloc(f, 64);
    fief_destroy(f);
    return (*verb)(f) != NULL;
}

Test(late, by_default_a_dead_handle_aborts_whatever_is_done_with_it) {
    static use *const verbs[] = {use_uncommon_size, use_free, use_poll, use_trim};
    static const char *const operations[] = {"fief_alloc", "fief_free", "fief_poll", "fief_trim"};
    for (unsigned i = 0; i < 4; i++) {
        use *verb = verbs[i];
        child_end end = run_in_child(use_dead_handle, &verb);
        char line[64];
        snprintf(line, sizeof line, "fief: dead handle in %s\n", operations[i]);
        assert_aborted(end);
        assert_says(end, line);
        assert_says(end, "\"gone\" (dead)");
    }
}

Test(late, a_dead_handle_that_is_reported_does_nothing) {
    fief *f = create(watched("gone", &told));
    blocks[0] = fief_alloc(f, 64);
    fief_destroy(f);
    use *const verbs[] = {use_uncommon_size, use_free, use_poll, use_trim};
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_null(verbs[i](f));
        assert_equal(told.kinds[FIEF_MISUSE_DEAD_HANDLE], i + 1);
        assert_equal(told.last.owner_state, FIEF_DEAD);
    }
    assert_equal(late_frees(), 0);
    cr_assert(is_sound(bob));
}
