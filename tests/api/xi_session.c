/* Snapshots of errors, and sessions: a thread's stay in another interpreter, after which it is where it was,
 * whatever happened. */
#include "support/compare.h"
#include "support/levels.h"
#include "support/objects.h"

#include <fief/session.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(xi_session, .init = set_up);

/* ---- snapshots ---- */

static const fief_xi_error_source the_source = {3, "KeyError", "errors.KeyError", "builtins", "no such key"};

static bool is_empty(const fief_xi_error *e) {
    return e->builtin == 0 && e->name[0] == '\0' && e->qualified_name[0] == '\0' && e->module[0] == '\0' &&
           e->message[0] == '\0';
}

static bool is_the_source(const fief_xi_error *e) {
    return e->builtin == the_source.builtin && strcmp(e->name, the_source.name) == 0 &&
           strcmp(e->qualified_name, the_source.qualified_name) == 0 &&
           strcmp(e->module, the_source.module) == 0 && strcmp(e->message, the_source.message) == 0;
}

Test(xi_session, a_snapshot_has_copies_in_its_room_or_in_memory) {
    for (size_t room_bytes = 0; room_bytes <= 100; room_bytes += 10) {
        char room[100], texts[4][32] = {"KeyError", "errors.KeyError", "builtins", "no such key"};
        fief_xi_error error;
        const fief_xi_error_source source = {3, texts[0], texts[1], texts[2], texts[3]};
        fief_xi_error_init(&error, room, room_bytes);
        cr_assert(error.code == FIEF_XI_ERROR_NONE && is_empty(&error));
        assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_UNCAUGHT, &source), FIEF_XI_ERROR_UNCAUGHT);
        memset(texts, 'x', sizeof texts);
        cr_assert(error.code == FIEF_XI_ERROR_UNCAUGHT && is_the_source(&error));
        cr_assert_eq(error.block == NULL, room_bytes >= 50, "50 bytes with their 0s");
        fief_xi_error_clear(&error);
        cr_assert(error.code == FIEF_XI_ERROR_NONE && is_empty(&error) && error.block == NULL);
    }
}

Test(xi_session, what_can_t_be_told_is_downgraded) {
    fief_xi_error error;
    fief_xi_error_init(&error, NULL, 0);
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_UNCAUGHT, NULL), FIEF_XI_ERROR_OTHER);
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_NO_MEMORY, &the_source), FIEF_XI_ERROR_NO_MEMORY);
    cr_assert(is_empty(&error) && error.block == NULL, "one of exhaustion needs none");
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_NONE, &the_source), FIEF_XI_ERROR_NONE);
    cr_assert(is_empty(&error));
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_ALREADY_RUNNING, NULL), FIEF_XI_ERROR_ALREADY_RUNNING);
    cr_assert(is_empty(&error));
}

static void assert_text(fief_xi_error_code code, const fief_xi_error_source *source, const char *wanted) {
    char text[100];
    fief_xi_error error;
    fief_xi_error_init(&error, NULL, 0);
    fief_xi_error_take(&error, code, source);
    assert_equal(fief_xi_error_text(&error, text, sizeof text), strlen(wanted));
    cr_assert_str_eq(text, wanted);
    assert_equal(fief_xi_error_text(&error, text, 5), strlen(wanted));
    cr_assert(strlen(text) == 4 && strncmp(text, wanted, 4) == 0);
    assert_equal(fief_xi_error_text(&error, NULL, 0), strlen(wanted));
    fief_xi_error_clear(&error);
}

Test(xi_session, a_snapshot_is_told_in_a_line) {
    const fief_xi_error_source message_alone = {0, NULL, NULL, NULL, "it broke"};
    const fief_xi_error_source type_alone = {0, "Oops", NULL, "mod", ""};
    assert_text(FIEF_XI_ERROR_UNCAUGHT, &the_source, "builtins.errors.KeyError: no such key");
    assert_text(FIEF_XI_ERROR_UNCAUGHT, &message_alone, "it broke");
    assert_text(FIEF_XI_ERROR_UNCAUGHT, &type_alone, "mod.Oops");
    assert_text(FIEF_XI_ERROR_NO_MEMORY, NULL, "out of memory");
    for (fief_xi_error_code c = FIEF_XI_ERROR_NONE; c <= FIEF_XI_ERROR_BAD_ARGUMENT; c++)
        for (fief_xi_error_code other = FIEF_XI_ERROR_NONE; other < c; other++)
            cr_assert_str_neq(fief_xi_error_code_text(c), fief_xi_error_code_text(other));
    cr_assert_str_eq(fief_xi_error_code_text((fief_xi_error_code)99), "unknown error");
}

/* ---- a runtime with locks ---- */

enum { MOST_STEPS = 32 };

/* What it did, in order: "-1" lets interpreter 1's lock go, "+2" takes 2's. Numbers count from the first id. */
typedef struct runtime {
    fief_id first;
    fief_id held; /* whose lock this thread has; FIEF_ID_NONE: none */
    char log[MOST_STEPS * 3];
    bool refuses;    /* to take the target's lock */
    fief_id refused; /* it ended: it is this one's lock that can't be taken */
    bool no_main, no_put;
    fief_xi_error_code pending;
    fief_xi_error_source source;
    fief_share_status filling;
    int64_t put_value;
    unsigned puts, undone, catches;
    fief *current_then;
} runtime;

static void note(runtime *r, char what, fief_id id) {
    size_t length = strlen(r->log);
    cr_assert(length + 2 < sizeof r->log);
    r->log[length] = what;
    r->log[length + 1] = (char)('1' + (int)(id - r->first));
    r->log[length + 2] = '\0';
}

static bool acquire(fief_id id, void *arg) {
    runtime *r = arg;
    cr_assert_eq(r->held, FIEF_ID_NONE, "one lock at a time");
    if (id == r->refused)
        return false;
    note(r, '+', id);
    r->held = id;
    return true;
}

static void release(fief_id id, void *arg) {
    runtime *r = arg;
    cr_assert_eq(r->held, id);
    note(r, '-', id);
    r->held = FIEF_ID_NONE;
}

static fief_share_status fill(fief *f, const char *name, fief_xi_data *data, void *arg) {
    runtime *r = arg;
    cr_assert(r->held == fief_id_of(f) && strcmp(name, "x") == 0);
    note(r, 'f', r->held);
    return r->filling == FIEF_SHARE_OK ? share_held(f, data, 11) : r->filling;
}

static fief_share_status put(fief *f, const char *name, const fief_xi_data *data, void *arg) {
    runtime *r = arg;
    void *made;
    cr_assert(r->held == fief_id_of(f) && fief_current() == f && strcmp(name, "x") == 0);
    note(r, 'p', r->held);
    if (r->no_put)
        return FIEF_SHARE_FAILED;
    assert_equal(fief_xi_new_object(f, data, &made), FIEF_SHARE_OK);
    r->put_value = ((object *)made)->value;
    object_drop(f, made);
    r->puts++;
    return FIEF_SHARE_OK;
}

static void undo(fief *f, const char *name, void *arg) {
    (void)f, (void)name;
    ((runtime *)arg)->undone++;
}

static bool open_main(fief *target, void *arg) {
    runtime *r = arg;
    cr_assert(r->held == fief_id_of(target) && fief_current() == target);
    note(r, 'm', r->held);
    return !r->no_main;
}

static fief_xi_error_code catch_error(fief *target, fief_xi_error_source *source, void *arg) {
    runtime *r = arg;
    cr_assert(r->held == fief_id_of(target) && fief_current() == target);
    note(r, 'c', r->held);
    fief_xi_error_code caught = r->pending;
    r->pending = FIEF_XI_ERROR_NONE;
    *source = r->source;
    return caught;
}

static const char *const the_name[] = {"x"};
static fief *a, *b, *elsewhere;
static runtime the_runtime;
static fief_xi_plan plan;
static fief_xi_session *session;

/* This thread is in a, and its current interpreter is a third one. */
static void begin(fief_debug level) {
    a = create(at_level(level, &heard));
    b = create(at_level(level, &heard));
    elsewhere = create(at_level(level, &heard));
    the_runtime = (runtime){.first = fief_id_of(a), .held = fief_id_of(a)};
    plan = (fief_xi_plan)FIEF_XI_PLAN_INIT;
    plan.arg = &the_runtime;
    plan.acquire = acquire;
    plan.release = release;
    plan.names = the_name;
    plan.name_count = 1;
    plan.fill = fill;
    plan.put = put;
    plan.undo = undo;
    plan.open_main = open_main;
    plan.catch_error = catch_error;
    session = fief_xi_session_new();
    cr_assert_not_null(session);
    payloads_freed = live_objects = 0;
    fief_enter(elsewhere);
}

/* Where it was: nothing is out, nothing is claimed, and what was shared is freed. */
static void assert_back(void) {
    assert_equal(the_runtime.held, fief_id_of(a));
    cr_assert(fief_current() == elsewhere && fief_xi_session_target(session) == NULL);
    cr_assert(!fief_xi_main_runs(fief_id_of(b)) && live_objects == 0 && fief_xi_outstanding(a) == 0);
    assert_equal(exact_stats(a).live_blocks + exact_stats(b).live_blocks, 0);
}

static void end(void) {
    fief_leave(NULL);
    fief_xi_session_free(session);
    fief_destroy(a);
    fief_destroy(b);
    fief_destroy(elsewhere);
    assert_equal(heard.count, 0);
}

/* ---- in and out ---- */

Test(xi_session, names_are_shared_before_and_all_is_restored_after) {
    FOR_LEVELS(level) {
        begin(level);
        for (unsigned times = 1; times <= 2; times++) {
            the_runtime.log[0] = '\0';
            assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
            cr_assert_str_eq(the_runtime.log, "f1-1+2m2p2");
            cr_assert(fief_current() == b && fief_xi_session_target(session) == b);
            cr_assert(fief_xi_main_runs(fief_id_of(b)) && the_runtime.put_value == 11);
            assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_BAD_ARGUMENT);
            assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_NONE);
            cr_assert_str_eq(the_runtime.log, "f1-1+2m2p2c2-2+1");
            assert_equal(payloads_freed, times);
            assert_back();
            assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_BAD_ARGUMENT);
        }
        end();
    }
}

Test(xi_session, in_itself_no_lock_changes_hands) {
    begin(FIEF_DEBUG_OFF);
    assert_equal(fief_xi_session_enter(session, a, fief_id_of(a), &plan), FIEF_XI_ERROR_NONE);
    cr_assert(fief_current() == a && fief_xi_main_runs(fief_id_of(a)));
    assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_NONE);
    cr_assert_str_eq(the_runtime.log, "f1m1p1c1");
    assert_back();
    end();
}

Test(xi_session, a_thread_in_no_interpreter_may_enter_one) {
    begin(FIEF_DEBUG_OFF);
    release(fief_id_of(a), &the_runtime);
    plan.name_count = 0;
    plan.open_main = NULL;
    plan.catch_error = NULL;
    the_runtime.log[0] = '\0';
    assert_equal(fief_xi_session_enter(session, NULL, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
    cr_assert_eq(fief_current(), b);
    assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_NONE);
    cr_assert_str_eq(the_runtime.log, "+2-2");
    cr_assert_eq(fief_current(), elsewhere);
    end();
}

static int work(fief *target, void *arg) {
    cr_assert(fief_current() == target && target == b);
    the_runtime.current_then = target;
    return *(int *)arg;
}

Test(xi_session, a_run_is_all_of_it) {
    begin(FIEF_DEBUG_OFF);
    int returned = 0;
    fief_id id = fief_id_of(b);
    assert_equal(fief_xi_session_run(session, a, id, &plan, work, &returned), FIEF_XI_ERROR_NONE);
    cr_assert_eq(the_runtime.current_then, b);
    assert_back();
    returned = 1;
    assert_equal(fief_xi_session_run(session, a, id, &plan, work, &returned), FIEF_XI_ERROR_OTHER);
    assert_equal(fief_xi_session_error(session)->code, FIEF_XI_ERROR_OTHER);
    the_runtime.pending = FIEF_XI_ERROR_UNCAUGHT;
    the_runtime.source = the_source;
    assert_equal(fief_xi_session_run(session, a, id, &plan, work, &returned), FIEF_XI_ERROR_UNCAUGHT);
    cr_assert(is_the_source(fief_xi_session_error(session)));
    assert_equal(fief_xi_session_run(session, a, id, &plan, NULL, NULL), FIEF_XI_ERROR_BAD_ARGUMENT);
    assert_back();
    end();
}

/* ---- errors ---- */

Test(xi_session, leaving_takes_the_pending_error) {
    static const fief_xi_error_code pending[] = {FIEF_XI_ERROR_NONE, FIEF_XI_ERROR_UNCAUGHT,
                                                 FIEF_XI_ERROR_NO_MEMORY, FIEF_XI_ERROR_OTHER};
    begin(FIEF_DEBUG_OFF);
    for (unsigned i = 0; i < sizeof pending / sizeof *pending; i++) {
        assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
        the_runtime.log[0] = '\0';
        the_runtime.pending = pending[i];
        the_runtime.source = the_source;
        assert_equal(fief_xi_session_leave(session), pending[i]);
        const fief_xi_error *error = fief_xi_session_error(session);
        assert_equal(error->code, pending[i]);
        cr_assert(pending[i] == FIEF_XI_ERROR_UNCAUGHT ? is_the_source(error) : is_empty(error));
        assert_equal(the_runtime.pending, FIEF_XI_ERROR_NONE);
        assert_back();
    }
    end();
}

Test(xi_session, what_was_noted_within_stays) {
    begin(FIEF_DEBUG_OFF);
    assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
    fief_xi_session_fail(session, FIEF_XI_ERROR_UNCAUGHT, &the_source);
    the_runtime.pending = FIEF_XI_ERROR_OTHER;
    assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_UNCAUGHT);
    cr_assert(is_the_source(fief_xi_session_error(session)));
    assert_equal(the_runtime.pending, FIEF_XI_ERROR_NONE);
    assert_back();
    end();
}

Test(xi_session, a_long_error_is_kept_whole) {
    static char text[100000];
    begin(FIEF_DEBUG_OFF);
    memset(text, 'e', sizeof text - 1);
    assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
    the_runtime.pending = FIEF_XI_ERROR_UNCAUGHT;
    the_runtime.source.message = text;
    assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_UNCAUGHT);
    cr_assert_str_eq(fief_xi_session_error(session)->message, text);
    assert_back();
    end();
}

/* ---- what may fail on the way in ---- */

static void assert_fails(fief_id target, fief_xi_error_code wanted, const char *log) {
    the_runtime.log[0] = '\0';
    assert_equal(fief_xi_session_enter(session, a, target, &plan), wanted);
    assert_equal(fief_xi_session_error(session)->code, wanted);
    cr_assert_str_eq(the_runtime.log, log);
    assert_back();
    assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_BAD_ARGUMENT);
}

Test(xi_session, a_value_that_can_t_be_shared_stops_it_before_it_begins) {
    FOR_LEVELS(level) {
        begin(level);
        the_runtime.filling = FIEF_SHARE_NOT_SHAREABLE;
        assert_fails(fief_id_of(b), FIEF_XI_ERROR_NOT_SHAREABLE, "f1");
        cr_assert_str_eq(fief_xi_session_error(session)->message,
                         fief_share_status_text(FIEF_SHARE_NOT_SHAREABLE));
        the_runtime.filling = FIEF_SHARE_NO_MEMORY;
        assert_fails(fief_id_of(b), FIEF_XI_ERROR_NO_MEMORY, "f1");
        end();
    }
}

Test(xi_session, a_target_that_is_gone_is_not_entered) {
    FOR_LEVELS(level) {
        begin(level);
        the_runtime.refused = fief_id_of(b); /* the runtime knows */
        assert_fails(fief_id_of(b), FIEF_XI_ERROR_GONE, "f1-1+1");
        the_runtime.refused = FIEF_ID_NONE;
        fief *gone = create(at_level(level, &heard));
        fief_id id = fief_id_of(gone);
        char number = (char)('1' + (int)(id - fief_id_of(a)));
        const char log[] = {'f', '1', '-', '1', '+', number, '-', number, '+', '1', '\0'};
        fief_destroy(gone); /* it does not */
        assert_fails(id, FIEF_XI_ERROR_GONE, log);
        end();
    }
}

static fief_xi_error_code entered_then;

static void enter_the_closing(fief *f, void *arg) {
    (void)arg;
    entered_then = fief_xi_session_enter(session, a, fief_id_of(f), &plan);
}

Test(xi_session, a_target_that_is_closing_is_not_entered) {
    begin(FIEF_DEBUG_OFF);
    fief *closing = create(named("closing"));
    fief_at_exit(closing, enter_the_closing, NULL);
    fief_destroy(closing);
    assert_equal(entered_then, FIEF_XI_ERROR_GONE);
    assert_back();
    end();
}

Test(xi_session, one_that_runs_already_says_so) {
    FOR_LEVELS(level) {
        begin(level);
        cr_assert(fief_xi_main_claim(b)); /* the runtime's own */
        cr_assert_not(fief_xi_main_claim(b));
        the_runtime.log[0] = '\0';
        fief_id id = fief_id_of(b);
        assert_equal(fief_xi_session_enter(session, a, id, &plan), FIEF_XI_ERROR_ALREADY_RUNNING);
        cr_assert_str_eq(the_runtime.log, "f1-1+2-2+1");
        cr_assert(fief_xi_main_runs(id), "the claim is who claimed it's");
        fief_xi_main_give(b);
        assert_back();
        assert_equal(fief_xi_session_enter(session, a, id, &plan), FIEF_XI_ERROR_NONE);
        cr_assert_not(fief_xi_main_claim(b));
        fief_xi_session *other = fief_xi_session_new();
        assert_equal(fief_xi_session_enter(other, b, id, &plan), FIEF_XI_ERROR_ALREADY_RUNNING);
        fief_xi_session_free(other);
        cr_assert_eq(fief_current(), b);
        assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_NONE);
        assert_back();
        end();
    }
}

Test(xi_session, what_fails_in_the_target_is_told_with_its_error) {
    FOR_LEVELS(level) {
        begin(level);
        the_runtime.no_main = true;
        the_runtime.pending = FIEF_XI_ERROR_UNCAUGHT;
        the_runtime.source = the_source;
        assert_fails(fief_id_of(b), FIEF_XI_ERROR_MAIN_NAMESPACE, "f1-1+2m2c2-2+1");
        cr_assert(is_the_source(fief_xi_session_error(session)));
        the_runtime.no_main = false;
        the_runtime.no_put = true;
        assert_fails(fief_id_of(b), FIEF_XI_ERROR_APPLY_NAMESPACE, "f1-1+2m2p2c2-2+1");
        cr_assert_str_eq(fief_xi_session_error(session)->message, fief_share_status_text(FIEF_SHARE_FAILED));
        the_runtime.pending = FIEF_XI_ERROR_NO_MEMORY;
        assert_fails(fief_id_of(b), FIEF_XI_ERROR_NO_MEMORY, "f1-1+2m2p2c2-2+1");
        assert_equal(the_runtime.undone, 0);
        end();
    }
}

Test(xi_session, a_plan_is_whole) {
    begin(FIEF_DEBUG_OFF);
    const fief_xi_plan whole = plan;
    for (unsigned part = 0; part < 7; part++) {
        plan = whole;
        plan.size -= part == 0;
        plan.acquire = part == 1 ? NULL : acquire;
        plan.release = part == 2 ? NULL : release;
        plan.names = part == 3 ? NULL : the_name;
        plan.fill = part == 4 ? NULL : fill;
        plan.put = part == 5 ? NULL : put;
        fief_xi_error_code code = fief_xi_session_enter(session, a, fief_id_of(b), part == 6 ? NULL : &plan);
        assert_equal(code, FIEF_XI_ERROR_BAD_ARGUMENT);
        assert_back();
    }
    cr_assert_str_eq(the_runtime.log, "");
    end();
}

/* ---- what should not happen ---- */

Test(xi_session, one_that_is_freed_is_left_first) {
    begin(FIEF_DEBUG_OFF);
    assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
    fief_xi_session_free(session);
    session = fief_xi_session_new();
    assert_back();
    fief_xi_session_free(NULL);
    end();
}

Test(xi_session, a_target_that_is_ended_within_is_left_all_the_same) {
    FOR_LEVELS(level) {
        begin(level);
        assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
        fief_destroy(b);
        assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_NONE);
        cr_assert_str_eq(the_runtime.log, "f1-1+2m2p2-2+1", "nothing is asked of the dead");
        cr_assert(payloads_freed == 1 && fief_current() == elsewhere);
        b = NULL;
        end();
    }
}

Test(xi_session, a_caller_that_has_ended_meanwhile_is_not_touched) {
    FOR_LEVELS(level) {
        begin(level);
        assert_equal(fief_xi_session_enter(session, a, fief_id_of(b), &plan), FIEF_XI_ERROR_NONE);
        the_runtime.refused = fief_id_of(a);
        fief_destroy(a);
        assert_equal(payloads_freed, 1);
        assert_equal(fief_xi_session_leave(session), FIEF_XI_ERROR_NONE);
        cr_assert(payloads_freed == 1 && the_runtime.held == FIEF_ID_NONE && fief_current() == elsewhere);
        a = NULL;
        end();
    }
}
