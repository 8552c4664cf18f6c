/* Kill tests: either side of an exchange of data ends at every step, and every allocation on the way fails in
 * turn. Whatever happens, each payload is freed once and at home, the status is right, and nothing stays behind.
 */
#include "interp/commons.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/levels.h"
#include "support/objects.h"

#include <fief/session.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(xi_ends, .init = set_up);

/* ---- what is exchanged ---- */

static unsigned payloads_made;
static fief *ends_in_drain; /* freeing a payload ends this one */

static void free_and_end(fief *owner, void *payload) {
    fief *ended = ends_in_drain;
    ends_in_drain = NULL;
    free_payload(owner, payload);
    fief_destroy(ended);
}

static const fief_xi_kind deadly_kind = {"deadly", read_payload, free_and_end};

static fief_share_status make_held(fief *f, fief_xi_data *data) {
    int64_t *payload = fief_alloc(f, sizeof *payload);
    *payload = 1;
    fief_share_status status = fief_xi_data_init(f, data, &deadly_kind, payload, NULL);
    if (status != FIEF_SHARE_OK)
        fief_free(f, payload);
    payloads_made += status == FIEF_SHARE_OK;
    return status;
}

static fief_share_status make_object(fief *f, fief_xi_data *data) {
    object *o = object_new(f, 2);
    fief_share_status status = fief_xi_data_init(f, data, &plain_kind, &o->value, o);
    object_drop(f, o);
    return status;
}

static fief_share_status make_sized(fief *f, fief_xi_data *data) {
    object *o = object_new(f, 2);
    fief_share_status status = fief_xi_data_init_sized(f, data, &plain_kind, sizeof(int64_t), o);
    object_drop(f, o);
    if (status == FIEF_SHARE_OK)
        *(int64_t *)data->payload = 3;
    return status;
}

static fief_share_status make_string(fief *f, fief_xi_data *data) {
    return fief_xi_share_string(f, data, "text", 4);
}

static fief_share_status make_inner(fief *f, size_t index, fief_xi_data *item, void *arg) {
    (void)arg;
    return index == 0 ? make_object(f, item) : make_held(f, item);
}

static fief_share_status make_item(fief *f, size_t index, fief_xi_data *item, void *arg) {
    switch (index) {
    case 0:
        return make_held(f, item);
    case 1:
        return make_string(f, item);
    case 2:
        return fief_xi_share_tuple(f, item, 2, make_inner, arg);
    default:
        return make_sized(f, item);
    }
}

static fief_share_status make_tuple(fief *f, fief_xi_data *data) {
    return fief_xi_share_tuple(f, data, 4, make_item, NULL);
}

typedef fief_share_status maker(fief *f, fief_xi_data *data);
static maker *const makers[] = {make_held, make_object, make_sized, make_string, make_tuple};
enum { MAKERS = sizeof makers / sizeof *makers, PLAIN_MAKER = 3 };

/* ---- a scene ---- */

typedef enum step { MAKE, READ, RELEASE, COLLECT, STEPS } step;
typedef enum victim { NOBODY, OWNER, RECEIVER, OWNER_FIRST, RECEIVER_FIRST, IN_DRAIN, VICTIMS } victim;

typedef struct scene {
    fief *a, *b;
    fief_xi_data *data; /* what the receiver has; NULL: nothing yet, or no more */
    bool is_out_of_memory;
    bool has_ended; /* the owner */
    unsigned maker;
} scene;

/* A receiver has its data released when it ends, as a runtime does. */
static void release_rest(fief *f, void *arg) {
    scene *s = arg;
    s->b = NULL;
    if (s->data != NULL)
        fief_xi_data_free(f, s->data);
    s->data = NULL;
}

static void end_owner(scene *s) {
    fief *ended = s->a;
    s->a = NULL;
    s->has_ended = s->has_ended || ended != NULL;
    fief_destroy(ended);
}

static void kill(scene *s, victim who) {
    if (who == IN_DRAIN && s->a != NULL && fief_xi_outstanding(s->a) > 0 && s->maker == 0)
        ends_in_drain = s->b;
    if (who == OWNER || who == OWNER_FIRST || who == IN_DRAIN)
        end_owner(s);
    if (who == RECEIVER || who == OWNER_FIRST || who == RECEIVER_FIRST)
        fief_destroy(s->b);
    if (who == RECEIVER_FIRST)
        end_owner(s);
}

static void make(scene *s) {
    if (s->a == NULL)
        return;
    s->data = fief_xi_data_new();
    fief_share_status status = s->data != NULL ? makers[s->maker](s->a, s->data) : FIEF_SHARE_NO_MEMORY;
    if (status == FIEF_SHARE_OK)
        return;
    assert_equal(status, FIEF_SHARE_NO_MEMORY);
    s->is_out_of_memory = true;
    fief_xi_data_free(s->a, s->data);
    s->data = NULL;
}

static void read(scene *s) {
    void *made;
    if (s->data == NULL || s->b == NULL)
        return;
    fief_share_status status = fief_xi_new_object(s->b, s->data, &made);
    if (s->has_ended && s->maker != PLAIN_MAKER) {
        assert_equal(status, FIEF_SHARE_OWNER_GONE);
        cr_assert_null(made);
    } else {
        assert_equal(status, FIEF_SHARE_OK);
        object_drop(s->b, made);
    }
}

static void release(scene *s) {
    if (s->data == NULL)
        return;
    fief_xi_result result = fief_xi_data_free(s->b, s->data), wanted = FIEF_XI_QUEUED;
    s->data = NULL;
    if (s->has_ended)
        wanted = FIEF_XI_GONE;
    if (s->maker == PLAIN_MAKER)
        wanted = FIEF_XI_RAN;
    assert_equal(result, wanted);
}

static void collect_home(scene *s) {
    if (s->a != NULL)
        fief_poll(s->a);
}

static void play(scene *s, step deadly, victim who) {
    static void (*const steps[STEPS])(scene * s) = {make, read, release, collect_home};
    for (step i = MAKE; i < STEPS; i++) {
        if (i == deadly)
            kill(s, who);
        steps[i](s);
    }
}

/* True: nothing was lacking. */
static bool scene_is_clean(fief_debug level, unsigned which, step deadly, victim who, uint64_t failing) {
    fief_leaks before, after;
    uint64_t blocks = fi_commons_live_blocks();
    payloads_made = payloads_freed = live_objects = 0;
    ends_in_drain = NULL;
    fief_leaks_read(&before);
    scene s = {.a = create_with_objects(at_level(level, &heard)), .maker = which};
    s.b = create_with_objects(at_level(level, &heard));
    assert_equal(fief_at_exit(s.b, release_rest, &s), FIEF_OK);
    fi_commons_fail_at(failing);
    play(&s, deadly, who);
    fi_commons_fail_at(0);
    end_owner(&s);
    fief_destroy(s.b);
    release(&s);
    fief_leaks_read(&after);
    assert_equal(payloads_freed, payloads_made);
    assert_equal(live_objects, 0);
    assert_equal(after.blocks, before.blocks);
    assert_equal(fi_commons_live_blocks(), blocks);
    assert_equal(heard.count, 0);
    cr_assert_null(fief_current());
    return !s.is_out_of_memory;
}

Test(xi_ends, either_side_ends_at_each_step) {
    FOR_LEVELS(level) {
        for (unsigned which = 0; which < MAKERS; which++)
            for (step deadly = MAKE; deadly <= STEPS; deadly++)
                for (victim who = NOBODY; who < VICTIMS; who++)
                    cr_assert(scene_is_clean(level, which, deadly, who, 0));
    }
}

Test(xi_ends, either_side_ends_at_each_step_with_each_allocation_failing) {
    unsigned failures = 0;
    for (unsigned which = 0; which < MAKERS; which++)
        for (step deadly = MAKE; deadly <= STEPS; deadly++)
            for (victim who = NOBODY; who < VICTIMS; who++)
                for (uint64_t failing = 1; !scene_is_clean(FIEF_DEBUG_OFF, which, deadly, who, failing); failing++)
                    failures++;
    assert_at_least(failures, 3 * MAKERS * STEPS);
}

/* ---- without a receiver, or without the system's memory ---- */

Test(xi_ends, a_receiver_that_fails_to_come_to_be_changes_nothing) {
    uint64_t blocks = fi_commons_live_blocks();
    fief *a = create_with_objects(named("a")), *b = NULL;
    fief_xi_data data = FIEF_XI_DATA_INIT;
    payloads_made = payloads_freed = 0;
    assert_equal(make_held(a, &data), FIEF_SHARE_OK);
    fief_trim(NULL);
    unsigned failures = 0;
    for (uint64_t k = 1; b == NULL; k++) {
        fi_os_fail_at(k);
        failures += fief_create(&b, NULL) != FIEF_OK;
        fi_os_fail_at(0);
    }
    assert_at_least(failures, 1);
    assert_equal(fief_xi_data_release(b, &data), FIEF_XI_QUEUED);
    fief_destroy(b);
    fief_destroy(a);
    assert_equal(payloads_freed, 1);
    assert_equal(fi_commons_live_blocks(), blocks);
}

/* Whole megabytes are wanted, so that it is the system that is asked. */
Test(xi_ends, each_request_to_the_system_fails) {
    enum { HUGE = 4 << 20 };
    fief *a = create_with_objects(named("a"));
    static char bytes[HUGE];
    unsigned failures = 0;
    bool made = false;
    for (uint64_t k = 1; !made; k++) {
        fief_xi_data data = FIEF_XI_DATA_INIT;
        uint64_t blocks = fi_commons_live_blocks();
        fi_os_fail_at(k);
        fief_share_status status = fief_xi_share_bytes(a, &data, bytes, sizeof bytes);
        fi_os_fail_at(0);
        made = status == FIEF_SHARE_OK;
        failures += !made;
        cr_assert(made || status == FIEF_SHARE_NO_MEMORY);
        fief_xi_data_release(a, &data);
        assert_equal(fi_commons_live_blocks(), blocks);
    }
    assert_at_least(failures, 1);
    fief_destroy(a);
}

/* ---- releasing needs no memory ---- */

Test(xi_ends, a_release_can_t_fail) {
    fief *a = create_with_objects(named("a")), *b = create(named("b"));
    fief_xi_data data[100];
    payloads_made = payloads_freed = 0;
    for (unsigned i = 0; i < 100; i++) {
        data[i] = (fief_xi_data)FIEF_XI_DATA_INIT;
        assert_equal(make_held(a, &data[i]), FIEF_SHARE_OK);
    }
    fi_commons_fail_at(1);
    for (unsigned i = 0; i < 100; i++)
        assert_equal(fief_xi_data_release(i % 2 ? b : NULL, &data[i]), FIEF_XI_QUEUED);
    fief_poll(a);
    assert_equal(payloads_freed, 100);
    cr_assert_null(fi_commons_alloc(1), "the failure was not used up");
    fief_destroy(a);
    fief_destroy(b);
}

/* ---- the whole way: a session with names ---- */

static fief_share_status fill(fief *f, const char *name, fief_xi_data *data, void *arg) {
    (void)name, (void)arg;
    return make_tuple(f, data);
}

static fief_share_status put(fief *f, const char *name, const fief_xi_data *data, void *arg) {
    (void)name, (void)arg;
    void *made;
    fief_share_status status = fief_xi_new_object(f, data, &made);
    if (status == FIEF_SHARE_OK)
        object_drop(f, made);
    return status;
}

static bool acquire(fief_id id, void *arg) {
    (void)id, (void)arg;
    return true;
}

static void let_go(fief_id id, void *arg) {
    (void)id, (void)arg;
}

static char long_message[2 * FIEF_XI_SESSION_ROOM];

static fief_xi_error_code catch_error(fief *target, fief_xi_error_source *source, void *arg) {
    (void)target, (void)arg;
    source->message = long_message;
    return FIEF_XI_ERROR_UNCAUGHT;
}

static int nothing(fief *target, void *arg) {
    (void)target, (void)arg;
    return 0;
}

/* The error's code; NONE: there was no session. */
static fief_xi_error_code run_session(fief *a, fief *b) {
    static const char *const names[] = {"one", "two"};
    fief_xi_plan plan = FIEF_XI_PLAN_INIT;
    plan.acquire = acquire;
    plan.release = let_go;
    plan.names = names;
    plan.name_count = 2;
    plan.fill = fill;
    plan.put = put;
    plan.catch_error = catch_error;
    fief_xi_session *session = fief_xi_session_new();
    if (session == NULL)
        return FIEF_XI_ERROR_NONE;
    fief_xi_error_code code = fief_xi_session_run(session, a, fief_id_of(b), &plan, nothing, NULL);
    assert_equal(fief_xi_session_error(session)->code, code);
    cr_assert_eq(fief_xi_session_error(session)->message[0] == 'm', code == FIEF_XI_ERROR_UNCAUGHT);
    fief_xi_session_free(session);
    return code;
}

Test(xi_ends, a_session_with_each_allocation_failing_is_left_as_it_was_entered) {
    memset(long_message, 'm', sizeof long_message - 1);
    unsigned failures = 0;
    fief_xi_error_code code = FIEF_XI_ERROR_NONE;
    for (uint64_t failing = 1; code != FIEF_XI_ERROR_UNCAUGHT; failing++) {
        uint64_t blocks = fi_commons_live_blocks();
        payloads_made = payloads_freed = live_objects = 0;
        fief *a = create_with_objects(named("a")), *b = create_with_objects(named("b"));
        fi_commons_fail_at(failing);
        code = run_session(a, b);
        fi_commons_fail_at(0);
        failures += code != FIEF_XI_ERROR_UNCAUGHT;
        cr_assert(code == FIEF_XI_ERROR_NONE || code == FIEF_XI_ERROR_NO_MEMORY || code == FIEF_XI_ERROR_UNCAUGHT);
        cr_assert(!fief_xi_main_runs(fief_id_of(b)) && fief_current() == NULL);
        cr_assert(payloads_freed == payloads_made && live_objects == 0);
        fief_destroy(a);
        fief_destroy(b);
        assert_equal(fi_commons_live_blocks(), blocks);
    }
    assert_at_least(failures, 15);
}

/* ---- types ---- */

static fief_share_status share_none(fief *f, void *shared, fief_xi_data *data) {
    (void)shared;
    return fief_xi_share_none(f, data);
}

Test(xi_ends, a_type_whose_registration_fails_is_not_there) {
    static char type;
    for (unsigned own = 0; own < 2; own++) {
        uint64_t blocks = fi_commons_live_blocks();
        fief_share_status status = FIEF_SHARE_NO_MEMORY;
        for (uint64_t failing = 1; status != FIEF_SHARE_OK; failing++) {
            fief *f = create(named("f")), *whose = own ? f : NULL;
            fi_commons_fail_at(failing);
            status = fief_xi_register(whose, &type, 0, share_none);
            fi_commons_fail_at(0);
            cr_assert_eq(fief_xi_find_type(f, &type, 0) != NULL, status == FIEF_SHARE_OK);
            cr_assert_eq(fief_xi_unregister(whose, &type, 0), status == FIEF_SHARE_OK);
            cr_assert(status == FIEF_SHARE_OK || status == FIEF_SHARE_NO_MEMORY);
            fief_destroy(f);
            assert_equal(fi_commons_live_blocks(), blocks);
        }
    }
}

Test(xi_ends, objects_that_can_t_be_set_are_not) {
    fief *f = create(named("f"));
    fi_commons_fail_at(1);
    assert_equal(fief_xi_use_objects(f, &the_objects), FIEF_SHARE_NO_MEMORY);
    cr_assert_null(fief_xi_objects_of(f));
    assert_equal(fief_xi_use_objects(f, &the_objects), FIEF_SHARE_OK);
    fi_commons_fail_at(1);
    cr_assert_null(fief_xi_data_new());
    fief *other = create(named("other"));
    fi_commons_fail_at(1);
    cr_assert_not(fief_xi_main_claim(other));
    cr_assert(fief_xi_main_claim(other) && fief_xi_main_runs(fief_id_of(other)));
    fief_xi_main_give(other);
    fief_destroy(other);
    fief_destroy(f);
    assert_equal(fi_commons_live_blocks(), 0);
}
