/* Threads that enter each other's interpreters, all the time and crosswise, with real locks: nobody waits for
 * ever, an interpreter has one main program at a time though its lock changes hands meanwhile, errors arrive where
 * they belong, and each thread is afterwards where it was. Interpreters end and begin anew. */
#include "interp/commons.h"
#include "race.h"

#include "support/random.h"

#include <fief/session.h>
#include <sched.h>
#include <string.h>

enum { THREADS = 3 };

/* An interpreter, with its lock. It ends under its lock, and another takes its place. */
typedef struct place {
    pthread_mutex_t lock;
    _Atomic fief_id id;
    fief *f;           /* under its lock */
    unsigned running;  /* main programs in it; under its lock */
    unsigned long ran; /* under its lock */
} place;

static place places[THREADS];
static atomic_ulong ran, ran_already, gone, caught;

/* Which place an interpreter is, or was: ids are remembered by whoever asks. */
typedef struct visit {
    place *home, *target;
    fief_id target_id; /* as of when it was looked up */
    char message[32];
    bool fails;
    int64_t got;
} visit;

static place *place_of(const visit *v, fief_id id) {
    return id == v->target_id ? v->target : v->home;
}

static bool acquire(fief_id id, void *arg) {
    place *p = place_of(arg, id);
    REQUIRE(pthread_mutex_lock(&p->lock) == 0);
    if (atomic_load(&p->id) == id)
        return true;
    REQUIRE(pthread_mutex_unlock(&p->lock) == 0);
    return false;
}

static void release(fief_id id, void *arg) {
    REQUIRE(pthread_mutex_unlock(&place_of(arg, id)->lock) == 0);
}

static void free_number(fief *owner, void *payload) {
    fief_free(owner, payload);
}

static fief_share_status read_number(fief *receiver, const fief_xi_data *data, void **object) {
    int64_t *copy = fief_alloc(receiver, sizeof *copy);
    REQUIRE(copy != NULL);
    *copy = *(const int64_t *)data->payload;
    *object = copy;
    return FIEF_SHARE_OK;
}

static const fief_xi_kind number_kind = {"number", read_number, free_number};

static fief_share_status fill(fief *f, const char *name, fief_xi_data *data, void *arg) {
    (void)arg;
    int64_t *number = fief_alloc(f, sizeof *number);
    REQUIRE(number != NULL && strcmp(name, "number") == 0);
    *number = (int64_t)fief_id_of(f);
    return fief_xi_data_init(f, data, &number_kind, number, NULL);
}

static fief_share_status put(fief *f, const char *name, const fief_xi_data *data, void *arg) {
    void *copy;
    (void)name;
    fief_share_status status = fief_xi_new_object(f, data, &copy);
    REQUIRE(status == FIEF_SHARE_OK);
    ((visit *)arg)->got = *(int64_t *)copy;
    fief_free(f, copy);
    return FIEF_SHARE_OK;
}

static fief_xi_error_code catch_error(fief *target, fief_xi_error_source *source, void *arg) {
    visit *v = arg;
    REQUIRE(fief_current() == target);
    source->message = v->message;
    return v->fails ? FIEF_XI_ERROR_UNCAUGHT : FIEF_XI_ERROR_NONE;
}

/* A main program, that lets others have the lock in between. */
static int work(fief *target, void *arg) {
    visit *v = arg;
    fief_id id = fief_id_of(target);
    REQUIRE(v->target->running++ == 0);
    void *block = fief_alloc(target, 100);
    release(id, v);
    sched_yield();
    REQUIRE(acquire(id, v));
    fief_free(target, block);
    REQUIRE(fief_current() == target && --v->target->running == 0);
    v->target->ran++;
    return 0;
}

static void note(fief_xi_error_code code, const visit *v, const fief_xi_session *session) {
    switch (code) {
    case FIEF_XI_ERROR_NONE:
        atomic_fetch_add(&ran, 1);
        break;
    case FIEF_XI_ERROR_UNCAUGHT:
        REQUIRE(v->fails && strcmp(fief_xi_session_error(session)->message, v->message) == 0);
        atomic_fetch_add(&caught, 1);
        break;
    case FIEF_XI_ERROR_ALREADY_RUNNING:
        atomic_fetch_add(&ran_already, 1);
        break;
    case FIEF_XI_ERROR_GONE:
        atomic_fetch_add(&gone, 1);
        break;
    default:
        REQUIRE(false); /* another error */
    }
}

static void visit_one(place *home, place *target, fief_xi_session *session, random_source *rng) {
    static const char *const names[] = {"number"};
    visit v = {.home = home, .target = target, .target_id = atomic_load(&target->id)};
    v.fails = random_below(rng, 4) == 0;
    snprintf(v.message, sizeof v.message, "error %u", (unsigned)random_below(rng, 1000));
    fief_xi_plan plan = FIEF_XI_PLAN_INIT;
    plan.arg = &v;
    plan.acquire = acquire;
    plan.release = release;
    plan.names = names;
    plan.name_count = 1;
    plan.fill = fill;
    plan.put = put;
    plan.catch_error = catch_error;
    fief *before = fief_current();
    fief_xi_error_code code = fief_xi_session_run(session, home->f, v.target_id, &plan, work, &v);
    note(code, &v, session);
    REQUIRE(fief_current() == before && fief_xi_outstanding(home->f) == 0);
    REQUIRE(v.got ==
            (code == FIEF_XI_ERROR_NONE || code == FIEF_XI_ERROR_UNCAUGHT ? (int64_t)fief_id_of(home->f) : 0));
}

/* Not while a main program of somebody's is in it. */
static void begin_anew(place *p) {
    if (p->f != NULL && p->running > 0)
        return;
    fief *next = race_create("place", NULL);
    fief *last = p->f;
    p->f = next;
    atomic_store(&p->id, fief_id_of(next));
    REQUIRE(fief_destroy(last) == FIEF_OK);
    fief_enter(next);
}

static bool is_enough(unsigned rounds) {
    return atomic_load(&ran) >= rounds && atomic_load(&caught) >= rounds / 10 &&
           atomic_load(&ran_already) >= rounds / 50 && atomic_load(&gone) >= rounds / 100;
}

static void *traveller(void *arg) {
    place *home = arg;
    random_source rng = random_seeded((uintptr_t)(home - places) + 1);
    fief_xi_session *session = fief_xi_session_new();
    const unsigned rounds = race_rounds(3000);
    while (!is_enough(rounds)) {
        REQUIRE(pthread_mutex_lock(&home->lock) == 0);
        for (size_t left = random_below(&rng, 20); left > 0; left--)
            visit_one(home, &places[random_below(&rng, THREADS)], session, &rng);
        begin_anew(home);
        REQUIRE(pthread_mutex_unlock(&home->lock) == 0);
        sched_yield();
    }
    fief_xi_session_free(session);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE(pthread_mutex_init(&places[i].lock, NULL) == 0);
        begin_anew(&places[i]);
        fief_leave(NULL);
    }
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = race_start(traveller, &places[i]);
    for (unsigned i = 0; i < THREADS; i++)
        race_join(threads[i]);
    for (unsigned i = 0; i < THREADS; i++)
        REQUIRE(fief_destroy(places[i].f) == FIEF_OK);
    REQUIRE(fi_commons_live_blocks() == 0);
    return 0;
}
