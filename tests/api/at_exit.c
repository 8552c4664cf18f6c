/* fief_at_exit: callbacks run when the interpreter ends, last in, first out, on a heap that still works. */
#include "support/compare.h"
#include "support/levels.h"

#include <pthread.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(at_exit, .init = set_up);

enum { MANY = 2000 };

static unsigned order[MANY], calls;

static void note(fief *f, void *arg) {
    (void)f;
    order[calls++] = *(unsigned *)arg;
}

Test(at_exit, the_last_one_in_is_the_first_one_out) {
    static unsigned numbers[MANY];
    fief *f = create(named("exits"));
    for (unsigned i = 0; i < MANY; i++) {
        numbers[i] = i;
        assert_equal(fief_at_exit(f, note, &numbers[i]), FIEF_OK);
    }
    assert_equal(calls, 0);
    fief_destroy(f);
    assert_equal(calls, MANY);
    for (unsigned i = 0; i < MANY; i++)
        assert_equal(order[i], MANY - 1 - i);
}

Test(at_exit, there_must_be_something_to_call) {
    assert_equal(fief_at_exit(create(named("exits")), NULL, NULL), FIEF_BAD_ARGUMENT);
}

static bool count_block(void *block, size_t usable, void *arg) {
    (void)block, (void)usable;
    ++*(unsigned *)arg;
    return true;
}

static void use_everything(fief *f, void *arg) {
    char *before = arg;
    unsigned seen = 0;
    assert_equal(before[0], 'x');
    fief_free(f, before);
    char *small = fief_alloc(f, 10), *large = fief_zalloc(f, 50000), *huge = fief_calloc(f, 3, 1 << 20);
    cr_assert(small != NULL && large != NULL && huge != NULL);
    small = fief_realloc(f, small, 5000);
    cr_assert_not_null(small);
    assert_equal(fief_visit(f, count_block, &seen), FIEF_OK);
    assert_equal(seen, 3);
    fief_free(f, huge);
    fief_poll(f);
    fief_trim(f);
    fief_stats stats = exact_stats(f);
    assert_equal(stats.state, FIEF_CLOSING);
    assert_equal(stats.live_blocks, 2);
    calls++;
}

Test(at_exit, the_heap_still_works) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        char *before = fief_alloc(f, 10);
        before[0] = 'x';
        calls = 0;
        fief_at_exit(f, use_everything, before);
        fief_destroy(f);
        assert_equal(calls, 1);
    }
    assert_equal(heard.count, 0);
}

static void ask_who_is_there(fief *f, void *arg) {
    const fief_id *id = arg;
    assert_equal(fief_id_of(f), *id);
    cr_assert_str_eq(fief_name(f), "exits");
    assert_equal(fief_owner(f), *id);
    cr_assert_null(fief_find(*id), "it is closing");
    calls++;
}

Test(at_exit, a_closing_interpreter_has_its_name_and_is_not_found) {
    fief *f = create(named("exits"));
    fief_id id = fief_id_of(f);
    cr_assert_eq(fief_find(id), f);
    fief_at_exit(f, ask_who_is_there, &id);
    fief_destroy(f);
    assert_equal(calls, 1);
}

static void try_to_begin_again(fief *f, void *arg) {
    (void)arg;
    assert_equal(fief_at_exit(f, note, NULL), FIEF_BAD_STATE);
    assert_equal(fief_destroy(f), FIEF_BAD_STATE);
    calls++;
}

Test(at_exit, once_callbacks_run_there_are_no_more_and_no_second_end) {
    fief *f = create(named("exits"));
    fief_at_exit(f, try_to_begin_again, NULL);
    fief_destroy(f);
    assert_equal(calls, 1);
}

static void end_another(fief *f, void *arg) {
    (void)f;
    assert_equal(fief_destroy(arg), FIEF_OK);
    calls++;
}

Test(at_exit, a_callback_may_end_another_interpreter) {
    fief *outer = create(named("outer")), *inner = create(named("inner"));
    unsigned number = 0;
    fief_at_exit(inner, note, &number);
    fief_at_exit(outer, end_another, inner);
    fief_destroy(outer);
    assert_equal(calls, 2);
}

/* ---- who calls, and for whom ---- */

typedef struct visitor {
    pthread_t thread;
    fief *current;
} visitor;

static void note_thread(fief *f, void *arg) {
    (void)f;
    *(visitor *)arg = (visitor){pthread_self(), fief_current()};
    calls++;
}

static void *end_here(void *f) {
    fief_destroy(f);
    return NULL;
}

Test(at_exit, callbacks_run_on_the_thread_that_ends_it) {
    visitor seen = {.current = NULL};
    fief *f = create(named("exits")), *other = create(named("other"));
    fief_at_exit(f, note_thread, &seen);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, end_here, f), 0);
    pthread_join(thread, NULL);
    cr_assert(calls == 1 && pthread_equal(seen.thread, thread) && seen.current == NULL);

    fief *before = fief_enter(other); /* it stays what it was */
    f = create(named("exits"));
    fief_at_exit(f, note_thread, &seen);
    fief_destroy(f);
    cr_assert(calls == 2 && seen.current == other && fief_current() == other);
    fief_leave(before);
    fief_destroy(other);
}

Test(at_exit, each_interpreter_has_its_own) {
    fief *f = create(named("exits")), *other = create(named("other"));
    unsigned one = 1, two = 2;
    fief_at_exit(f, note, &one);
    fief_at_exit(other, note, &two);
    fief_at_exit(f, note, &one); /* as often as it was asked for */
    fief_destroy(f);
    cr_assert(calls == 2 && order[0] == 1 && order[1] == 1);
    fief_destroy(other);
    cr_assert(calls == 3 && order[2] == 2);
    f = create(named("the next tenant"));
    fief_destroy(f);
    assert_equal(calls, 3);
}

static void free_of_another(fief *f, void *arg) {
    fief_free(f, arg);
    fief_free_remote(fief_alloc(f, 20)); /* of one that is closing */
    calls++;
}

Test(at_exit, frees_of_others_go_home_and_ones_own_are_late_without_a_handle) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard)), *other = create(at_level(level, &heard));
        unsigned foreign = heard.kinds[FIEF_MISUSE_FOREIGN_FREE], late = heard.kinds[FIEF_MISUSE_LATE_FREE];
        calls = 0;
        fief_at_exit(f, free_of_another, fief_alloc(other, 40));
        fief_destroy(f);
        assert_equal(calls, 1);
        assert_equal(heard.kinds[FIEF_MISUSE_FOREIGN_FREE], foreign + 1);
        assert_equal(heard.kinds[FIEF_MISUSE_LATE_FREE], late + 1);
        assert_equal(fief_poll(other), 1);
        assert_equal(exact_stats(other).live_blocks, 0);
        fief_destroy(other);
    }
}
