/* Calls between interpreters: at once or queued, in order, each exactly once, its argument given back on every
 * path, whoever ends first. Both sides are this one thread's, so that each step is where the test wants it;
 * tests/race/xi_calls.c has the threads. */
#include "support/compare.h"
#include "support/levels.h"

#include <fief/xi.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(xi_calls, .init = set_up);

enum { MANY = 1000 };

static unsigned seen[MANY], runs, freed;
static fief *ran_in, *current_then;

static void forget(void) {
    runs = freed = 0;
    ran_in = current_then = NULL;
}

static int note(fief *target, void *arg) {
    ran_in = target;
    current_then = fief_current();
    seen[runs++ % MANY] = arg != NULL ? *(unsigned *)arg : 0;
    return 0;
}

static void count_free(void *arg) {
    (void)arg;
    freed++;
}

/* What `done` was told. */
typedef struct outcome {
    unsigned times;
    fief_xi_result how;
    int returned;
} outcome;

static void told_done(fief_xi_result how, int returned, void *arg) {
    outcome *o = arg;
    o->times++;
    o->how = how;
    o->returned = returned;
}

static fief_xi_message message_of(fief_xi_fn *fn, void *arg) {
    fief_xi_message message = FIEF_XI_MESSAGE_INIT;
    message.fn = fn;
    message.arg = arg;
    return message;
}

/* ---- where and when ---- */

Test(xi_calls, a_call_to_oneself_runs_at_once) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        unsigned value = 7;
        forget();
        assert_equal(fief_xi_call(f, fief_id_of(f), note, &value), FIEF_XI_RAN);
        cr_assert(runs == 1 && seen[0] == 7 && ran_in == f && current_then == f);
        cr_assert_null(fief_current());
        fief_destroy(f);
    }
}

Test(xi_calls, a_call_to_another_runs_when_it_polls) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        forget();
        assert_equal(fief_xi_call(a, fief_id_of(b), note, NULL), FIEF_XI_QUEUED);
        fief_poll(a);
        assert_equal(runs, 0);
        fief *before = fief_enter(a);
        fief_poll(b);
        cr_assert(runs == 1 && ran_in == b && current_then == b && fief_current() == a);
        fief_leave(before);
        fief_poll(b);
        assert_equal(runs, 1);
        fief_destroy(a);
        fief_destroy(b);
    }
}

Test(xi_calls, a_thread_without_an_interpreter_may_call) {
    fief *b = create(named("b"));
    forget();
    assert_equal(fief_xi_call(NULL, fief_id_of(b), note, NULL), FIEF_XI_QUEUED);
    assert_equal(fief_xi_poll(b, SIZE_MAX), 1);
    assert_equal(runs, 1);
    fief_destroy(b);
}

Test(xi_calls, none_is_dropped_and_they_keep_their_order) {
    static unsigned numbers[100 * MANY];
    fief *a = create(named("a")), *b = create(named("b"));
    forget();
    for (unsigned i = 0; i < 100 * MANY; i++) {
        numbers[i] = i;
        assert_equal(fief_xi_call(a, fief_id_of(b), note, &numbers[i]), FIEF_XI_QUEUED);
    }
    for (unsigned left = 100; left-- > 0;) {
        assert_equal(fief_xi_poll(b, MANY), MANY);
        for (unsigned i = 0; i < MANY; i++)
            assert_equal(seen[i], (99 - left) * MANY + i);
    }
    assert_equal(fief_xi_poll(b, MANY), 0);
    fief_destroy(a);
    fief_destroy(b);
}

static int fails(fief *target, void *arg) {
    note(target, arg);
    return -1;
}

Test(xi_calls, one_that_fails_stops_no_other) {
    fief *a = create(named("a")), *b = create(named("b"));
    forget();
    for (unsigned i = 0; i < 10; i++)
        fief_xi_call(a, fief_id_of(b), i % 2 == 0 ? fails : note, NULL);
    fief_poll(b);
    assert_equal(runs, 10);
    fief_xi_stats sent, stats;
    fief_xi_stats_read(a, &sent);
    fief_xi_stats_read(b, &stats);
    cr_assert(sent.sent == 10 && stats.ran == 10 && stats.failed == 5 && stats.cancelled == 0);
    fief_destroy(a);
    fief_destroy(b);
}

static int send_on(fief *target, void *arg) {
    note(target, NULL);
    return fief_xi_call(target, *(fief_id *)arg, note, NULL) == FIEF_XI_QUEUED ? 0 : -1;
}

static int poll_within(fief *target, void *arg) {
    note(target, arg);
    return (int)fief_xi_poll(target, 1);
}

Test(xi_calls, a_call_may_call_and_poll) {
    fief *a = create(named("a")), *b = create(named("b"));
    fief_id id = fief_id_of(a);
    unsigned order[] = {0, 1, 2};
    forget();
    fief_xi_call(a, fief_id_of(b), poll_within, &order[0]);
    fief_xi_call(a, fief_id_of(b), note, &order[1]);
    fief_xi_call(a, fief_id_of(b), note, &order[2]);
    fief_poll(b);
    cr_assert(runs == 3 && seen[0] == 0 && seen[1] == 1 && seen[2] == 2);
    fief_xi_call(a, fief_id_of(b), send_on, &id);
    fief_poll(b);
    fief_poll(a);
    cr_assert(runs == 5 && ran_in == a);
    fief_destroy(a);
    fief_destroy(b);
}

/* ---- arguments ---- */

Test(xi_calls, an_owned_argument_is_freed_once_on_every_path) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        fief_id id = fief_id_of(b);
        forget();
        assert_equal(fief_xi_call_owned(a, fief_id_of(a), note, NULL, count_free), FIEF_XI_RAN);
        assert_equal(freed, 1);
        assert_equal(fief_xi_call_owned(a, id, note, NULL, count_free), FIEF_XI_QUEUED);
        assert_equal(freed, 1);
        fief_poll(b);
        assert_equal(freed, 2);
        assert_equal(fief_xi_call_owned(a, id, NULL, NULL, count_free), FIEF_XI_BAD_ARGUMENT);
        assert_equal(freed, 3);
        fief_xi_call_owned(a, id, note, NULL, count_free);
        fief_destroy(b);
        cr_assert(freed == 4 && runs == 3);
        assert_equal(fief_xi_call_owned(a, id, note, NULL, count_free), FIEF_XI_GONE);
        assert_equal(freed, 5);
        assert_equal(fief_xi_call_owned(a, FIEF_ID_NONE, note, NULL, count_free), FIEF_XI_GONE);
        assert_equal(freed, 6);
        assert_equal(fief_xi_call_owned(a, id, note, NULL, NULL), FIEF_XI_BAD_ARGUMENT);
        assert_equal(runs, 3);
        fief_destroy(a);
    }
}

static char copied[64];

static int take_text(fief *target, void *arg) {
    (void)target;
    memcpy(copied, arg, sizeof copied);
    memset(arg, 'x', sizeof copied); /* it is the call's own */
    return 0;
}

Test(xi_calls, a_copied_argument_outlives_its_sender) {
    fief *b = create(named("b"));
    char text[sizeof copied] = "gone by then";
    fief *a = create(named("a"));
    assert_equal(fief_xi_call_copied(a, fief_id_of(b), take_text, text, sizeof text), FIEF_XI_QUEUED);
    memset(text, 0, sizeof text);
    fief_destroy(a);
    fief_poll(b);
    cr_assert_str_eq(copied, "gone by then");
    strcpy(text, "here");
    assert_equal(fief_xi_call_copied(b, fief_id_of(b), take_text, text, sizeof text), FIEF_XI_RAN);
    cr_assert_str_eq(copied, "here");
    cr_assert_str_eq(text, "here");
    assert_equal(fief_xi_call_copied(b, fief_id_of(b), take_text, NULL, 1), FIEF_XI_BAD_ARGUMENT);
    assert_equal(fief_xi_call_copied(NULL, fief_id_of(b), take_text, text, SIZE_MAX), FIEF_XI_NO_MEMORY);
    fief_destroy(b);
}

/* ---- ends ---- */

Test(xi_calls, what_is_queued_at_the_end_runs_or_is_cancelled_as_its_caller_chose) {
    FOR_LEVELS(level) {
        fief *a = create(at_level(level, &heard)), *b = create(at_level(level, &heard));
        outcome ran = {0}, cancelled = {0};
        fief_xi_message message = message_of(fails, NULL);
        message.done = told_done;
        message.done_arg = &ran;
        message.free_arg = count_free;
        forget();
        assert_equal(fief_xi_call_with(a, fief_id_of(b), &message), FIEF_XI_QUEUED);
        message.cancel_at_close = true;
        message.done_arg = &cancelled;
        assert_equal(fief_xi_call_with(a, fief_id_of(b), &message), FIEF_XI_QUEUED);
        fief_destroy(b);
        cr_assert(runs == 1 && freed == 2);
        cr_assert(ran.times == 1 && ran.how == FIEF_XI_RAN && ran.returned == -1);
        cr_assert(cancelled.times == 1 && cancelled.how == FIEF_XI_CANCELLED && cancelled.returned == 0);
        fief_destroy(a);
    }
}

static fief_id closing_id;
static fief_xi_result result_then;

static void call_the_closing(fief *f, void *arg) {
    result_then = fief_xi_call(arg, closing_id, note, NULL);
    assert_equal(fief_xi_call(f, fief_id_of(f), note, NULL), FIEF_XI_RAN); /* itself it reaches to the last */
}

Test(xi_calls, one_that_is_closing_takes_no_more) {
    fief *a = create(named("a")), *b = create(named("b"));
    closing_id = fief_id_of(b);
    forget();
    for (unsigned known = 0; known < 2; known++) {
        fief_at_exit(b, call_the_closing, known == 0 ? NULL : a);
        fief_destroy(b);
        assert_equal(result_then, FIEF_XI_CLOSING);
        assert_equal(fief_xi_call(a, closing_id, note, NULL), FIEF_XI_GONE);
        b = create(named("next"));
        closing_id = fief_id_of(b);
        fief_xi_call(a, closing_id, note, NULL); /* a has a port to it by now */
    }
    assert_equal(runs, 3);
    fief_destroy(a);
    fief_destroy(b);
    assert_equal(runs, 4);
}

static int call_back(fief *target, void *arg) {
    (void)note(target, NULL);
    return fief_xi_call(target, *(fief_id *)arg, note, NULL) == FIEF_XI_QUEUED ? 0 : -1;
}

Test(xi_calls, what_runs_at_the_end_may_still_call_others) {
    fief *a = create(named("a")), *b = create(named("b"));
    fief_id id = fief_id_of(a);
    forget();
    fief_xi_call(a, fief_id_of(b), call_back, &id);
    fief_destroy(b);
    assert_equal(runs, 1);
    fief_poll(a);
    cr_assert(runs == 2 && ran_in == a);
    fief_destroy(a);
}

Test(xi_calls, a_message_has_a_size_and_a_function) {
    fief *f = create(named("f"));
    fief_xi_message message = message_of(NULL, NULL);
    assert_equal(fief_xi_call_with(f, fief_id_of(f), &message), FIEF_XI_BAD_ARGUMENT);
    message = message_of(note, NULL);
    message.size--;
    assert_equal(fief_xi_call_with(f, fief_id_of(f), &message), FIEF_XI_BAD_ARGUMENT);
    assert_equal(fief_xi_call_with(f, fief_id_of(f), NULL), FIEF_XI_BAD_ARGUMENT);
    assert_equal(fief_xi_call_wait(f, fief_id_of(f), NULL, NULL, 0, NULL), FIEF_XI_BAD_ARGUMENT);
    cr_assert_str_eq(fief_xi_result_text(FIEF_XI_GONE), "the target is gone");
    cr_assert_str_eq(fief_xi_result_text((fief_xi_result)99), "unknown result");
    fief_destroy(f);
}

/* ---- waiting ---- */

static int answer(fief *target, void *arg) {
    (void)target;
    return *(int *)arg;
}

Test(xi_calls, one_that_waits_for_itself_has_its_answer) {
    fief *f = create(named("f"));
    int value = 42, returned = 0;
    assert_equal(fief_xi_call_wait(f, fief_id_of(f), answer, &value, 0, &returned), FIEF_XI_RAN);
    assert_equal(returned, 42);
    fief_destroy(f);
}

Test(xi_calls, one_that_waits_too_long_goes_and_its_call_never_runs) {
    fief *a = create(named("a")), *b = create(named("b"));
    forget();
    assert_equal(fief_xi_call_wait(a, fief_id_of(b), note, NULL, 1000000, NULL), FIEF_XI_TIMED_OUT);
    assert_equal(fief_xi_call_wait(NULL, fief_id_of(b), note, NULL, 0, NULL), FIEF_XI_TIMED_OUT);
    assert_equal(fief_xi_poll(b, SIZE_MAX), 2);
    assert_equal(runs, 0);
    assert_equal(fief_xi_call_wait(a, fief_id_of(b), note, NULL, 0, NULL), FIEF_XI_TIMED_OUT);
    fief_id id = fief_id_of(b);
    fief_destroy(b); /* with one that nobody waits for any more */
    assert_equal(fief_xi_call_wait(a, id, note, NULL, FIEF_XI_FOREVER, NULL), FIEF_XI_GONE);
    assert_equal(runs, 0);
    fief_destroy(a);
}

typedef struct server {
    fief *f;
    fief_id other;
    unsigned polls;
    fief_xi_result result;
    int returned;
} server;

static void *serve(void *arg) {
    server *s = arg;
    while (s->polls > 0 && fief_xi_wait(s->f, FIEF_XI_FOREVER))
        s->polls -= (unsigned)fief_xi_poll(s->f, 1);
    return NULL;
}

Test(xi_calls, one_that_waits_has_what_the_call_returned) {
    fief *a = create(named("a")), *b = create(named("b"));
    server s = {.f = b, .polls = 2};
    pthread_t thread;
    pthread_create(&thread, NULL, serve, &s);
    int value = 17, returned = 0;
    assert_equal(fief_xi_call_wait(a, fief_id_of(b), answer, &value, FIEF_XI_FOREVER, &returned), FIEF_XI_RAN);
    assert_equal(returned, 17);
    value = 18;
    assert_equal(fief_xi_call_wait(NULL, fief_id_of(b), answer, &value, FIEF_XI_FOREVER, &returned), FIEF_XI_RAN);
    assert_equal(returned, 18);
    pthread_join(thread, NULL);
    fief_destroy(a);
    fief_destroy(b);
}

static int ask_back(fief *target, void *arg) {
    int value = 5, returned = 0;
    fief_xi_result result = fief_xi_call_wait(target, *(fief_id *)arg, answer, &value, FIEF_XI_FOREVER, &returned);
    return result == FIEF_XI_RAN ? returned : -1;
}

static atomic_uint answered;

/* Whoever has its answer goes on serving until the other has one, too. */
static void *ask(void *arg) {
    server *s = arg;
    fief_id own = fief_id_of(s->f);
    s->result = fief_xi_call_wait(s->f, s->other, ask_back, &own, FIEF_XI_FOREVER, &s->returned);
    for (atomic_fetch_add(&answered, 1); atomic_load(&answered) < 2; sched_yield())
        fief_poll(s->f);
    return NULL;
}

Test(xi_calls, two_that_wait_for_each_other_both_go_on) {
    fief *a = create(named("a")), *b = create(named("b"));
    server one = {.f = a, .other = fief_id_of(b)}, two = {.f = b, .other = fief_id_of(a)};
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, ask, &one);
    pthread_create(&threads[1], NULL, ask, &two);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    cr_assert(one.result == FIEF_XI_RAN && one.returned == 5);
    cr_assert(two.result == FIEF_XI_RAN && two.returned == 5);
    fief_destroy(a);
    fief_destroy(b);
}

Test(xi_calls, nobody_waits_for_nothing) {
    fief *f = create(named("f"));
    cr_assert_not(fief_xi_wait(f, 0));
    cr_assert_not(fief_xi_wait(f, 1000000));
    fief_xi_call(NULL, fief_id_of(f), note, NULL);
    cr_assert(fief_xi_wait(f, 0));
    fief_destroy(f);
}

/* ---- the wake-up hook ---- */

static unsigned woken;
static fief_id woken_id;

static void wake(fief_id id, void *arg) {
    woken_id = id;
    *(unsigned *)arg += 1;
}

Test(xi_calls, the_hook_is_called_when_the_first_call_is_queued) {
    fief *a = create(named("a")), *b = create(named("b"));
    assert_equal(fief_xi_on_wake(b, wake, &woken), FIEF_OK);
    fief_xi_call(a, fief_id_of(b), note, NULL);
    cr_assert(woken == 1 && woken_id == fief_id_of(b));
    fief_xi_call(a, fief_id_of(b), note, NULL);
    assert_equal(woken, 1);
    fief_poll(b);
    fief_xi_call(a, fief_id_of(b), note, NULL);
    assert_equal(woken, 2);
    unsigned other = 0;
    assert_equal(fief_xi_on_wake(b, wake, &other), FIEF_OK); /* at once: a call is there */
    cr_assert(woken == 2 && other == 1);
    assert_equal(fief_xi_on_wake(b, NULL, NULL), FIEF_OK);
    fief_poll(b);
    fief_xi_call(a, fief_id_of(b), note, NULL);
    cr_assert(woken == 2 && other == 1);
    fief_destroy(a);
    fief_destroy(b);
}

static fief_status hook_then;

static void hook_at_the_end(fief *f, void *arg) {
    hook_then = fief_xi_on_wake(f, wake, arg);
}

Test(xi_calls, one_that_is_closing_has_no_hook) {
    fief *f = create(named("f"));
    fief_at_exit(f, hook_at_the_end, &woken);
    fief_destroy(f);
    assert_equal(hook_then, FIEF_BAD_STATE);
}

/* ---- what must not be ---- */

static int destroy_it(fief *target, void *arg) {
    *(fief_status *)arg = fief_destroy(target);
    return 0;
}

Test(xi_calls, a_call_does_not_end_its_target) {
    fief *a = create(named("a")), *b = create(named("b"));
    fief_status queued = FIEF_OK, at_once = FIEF_OK;
    fief_xi_call(a, fief_id_of(b), destroy_it, &queued);
    fief_poll(b);
    fief_xi_call(b, fief_id_of(b), destroy_it, &at_once);
    cr_assert(queued == FIEF_BAD_STATE && at_once == FIEF_BAD_STATE);
    assert_equal(fief_destroy(b), FIEF_OK);
    fief_destroy(a);
}

Test(xi_calls, an_ended_handle_calls_nobody) {
    FOR_LEVELS(level) {
        heard = (witness){0};
        fief *b = create(at_level(level, &heard));
        unsigned zero = 0;
        fief_xi_call_copied(NULL, fief_id_of(b), note, &zero, sizeof zero); /* its memory is not the ended one's */
        fief_poll(b);
        fief *ended = create(at_level(level, &heard));
        fief_id id = fief_id_of(ended);
        forget();
        fief_destroy(ended);
        assert_equal(fief_xi_call_owned(ended, id, note, NULL, count_free), FIEF_XI_GONE);
        assert_equal(fief_xi_call_wait(ended, id, note, NULL, 0, NULL), FIEF_XI_GONE);
        cr_assert(runs == 0 && freed == 1);
        assert_equal(heard.kinds[FIEF_MISUSE_DEAD_HANDLE], 2);
        fief_destroy(b);
    }
}

Test(xi_calls, a_copy_of_nothing_is_nothing) {
    fief *f = create(named("f"));
    unsigned value = 7;
    forget();
    assert_equal(fief_xi_call_copied(f, fief_id_of(f), note, &value, 0), FIEF_XI_RAN);
    cr_assert(runs == 1 && seen[0] == 0);
    fief_destroy(f);
}

/* A call that sends itself again each time: there is always one more. */
static int never_ends(fief *target, void *arg) {
    fief_id id = fief_id_of(target);
    runs++;
    return fief_xi_call(NULL, id, never_ends, arg) == FIEF_XI_QUEUED ? 0 : -1;
}

Test(xi_calls, who_waits_has_its_time_however_many_call) {
    fief *a = create(named("a")), *b = create(named("b"));
    forget();
    fief_xi_call(NULL, fief_id_of(a), never_ends, NULL);
    assert_equal(fief_xi_call_wait(a, fief_id_of(b), note, NULL, 5000000, NULL), FIEF_XI_TIMED_OUT);
    cr_assert_gt(runs, 0);
    fief_destroy(b);
    fief_destroy(a); /* the last one's successor is refused */
}
