/* Calls from several threads to one interpreter: all of them run exactly once, in order for each caller, and none
 * is lost; then with both sides ending at any moment: each call is told of once, by its result or by `done`, its
 * argument is freed once, and nothing stays behind. */
#include "interp/commons.h"
#include "race.h"

#include "support/random.h"

#include <fief/xi.h>
#include <sched.h>

enum { CALLERS = 4, CALLS_A_ROUND = 1250, WINDOW = 100000, SHOWN_EACH = 256 };

/* ---- all run, in order ---- */

static uint64_t next_of[CALLERS];
static atomic_ulong shown; /* how many have run, now and then */
static uint64_t calls_each;
static fief *target;

/* The argument is a caller and a number. */
static int count_on(fief *f, void *arg) {
    uint64_t caller = (uintptr_t)arg % CALLERS, number = (uintptr_t)arg / CALLERS;
    REQUIRE(f == target && fief_current() == f && number == next_of[caller]);
    next_of[caller]++;
    return 0;
}

/* Every other caller is in an interpreter of its own. None runs ahead by more than the window: there is no other
 * limit to what is queued. */
static void *caller(void *arg) {
    uintptr_t number = (uintptr_t)arg;
    fief *own = number % 2 == 0 ? race_create("caller", NULL) : NULL;
    for (uint64_t i = 0; i < calls_each; i++) {
        while (i * CALLERS > atomic_load(&shown) + WINDOW)
            sched_yield();
        REQUIRE(fief_xi_call(own, fief_id_of(target), count_on, (void *)(i * CALLERS + number)) == FIEF_XI_QUEUED);
    }
    fief_destroy(own);
    return NULL;
}

static void all_run_in_order(void) {
    pthread_t threads[CALLERS];
    target = race_create("target", NULL);
    for (unsigned i = 0; i < CALLERS; i++)
        threads[i] = race_start(caller, (void *)(uintptr_t)i);
    for (uint64_t ran = 0; ran < CALLERS * calls_each; atomic_store(&shown, ran))
        ran += fief_xi_wait(target, FIEF_XI_FOREVER) ? fief_xi_poll(target, SHOWN_EACH) : 0;
    for (unsigned i = 0; i < CALLERS; i++)
        race_join(threads[i]);
    REQUIRE(fief_xi_poll(target, SIZE_MAX) == 0);
    for (unsigned i = 0; i < CALLERS; i++)
        REQUIRE(next_of[i] == calls_each);
    fief_destroy(target);
}

/* ---- ends at any moment ---- */

static _Atomic fief_id victim_id;
static atomic_bool over;
static atomic_ulong sent, ended, freed, told;

static int touch(fief *f, void *arg) {
    void *block = fief_alloc(f, 40); /* it works to the last */
    REQUIRE(block != NULL && *(unsigned *)arg == 7);
    fief_free(f, block);
    return 0;
}

static void free_arg(void *arg) {
    free(arg);
    atomic_fetch_add(&freed, 1);
}

static void tell(fief_xi_result how, int returned, void *arg) {
    REQUIRE((how == FIEF_XI_RAN || how == FIEF_XI_CANCELLED) && returned == 0 && arg == &told);
    atomic_fetch_add(&told, 1);
}

static void wake(fief_id id, void *arg) {
    REQUIRE(id != FIEF_ID_NONE);
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void send_one(fief *own, random_source *rng) {
    fief_xi_message message = FIEF_XI_MESSAGE_INIT;
    unsigned *value = malloc(sizeof *value);
    *value = 7;
    message.fn = touch;
    message.arg = value;
    message.free_arg = free_arg;
    message.cancel_at_close = random_below(rng, 2) == 0;
    message.done = tell;
    message.done_arg = &told;
    atomic_fetch_add(&sent, 1);
    fief_xi_result result = fief_xi_call_with(own, atomic_load(&victim_id), &message);
    REQUIRE(result == FIEF_XI_QUEUED || result == FIEF_XI_CLOSING || result == FIEF_XI_GONE);
    if (result != FIEF_XI_QUEUED)
        atomic_fetch_add(&ended, 1);
}

static void wait_one(fief *own, random_source *rng) {
    static unsigned seven = 7; /* in use for as long as a call that was left runs */
    uint64_t timeout = random_below(rng, 2) == 0 ? FIEF_XI_FOREVER : random_below(rng, 100000);
    fief_xi_result result = fief_xi_call_wait(own, atomic_load(&victim_id), touch, &seven, timeout, NULL);
    REQUIRE(result != FIEF_XI_NO_MEMORY && result != FIEF_XI_BAD_ARGUMENT && result != FIEF_XI_QUEUED);
}

/* Its own interpreter ends and begins anew, too. */
static void *sender(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!atomic_load(&over)) {
        fief *own = random_below(&rng, 3) > 0 ? race_create("sender", NULL) : NULL;
        for (size_t left = 1 + random_below(&rng, 30); left > 0; left--)
            send_one(own, &rng);
        if (random_below(&rng, 4) == 0)
            wait_one(own, &rng);
        fief_destroy(own);
    }
    return NULL;
}

static void one_life(random_source *rng) {
    atomic_uint wakes = 0;
    fief *victim = race_create("victim", NULL);
    if (random_below(rng, 2) == 0)
        REQUIRE(fief_xi_on_wake(victim, wake, &wakes) == FIEF_OK);
    atomic_store(&victim_id, fief_id_of(victim));
    for (size_t left = random_below(rng, 20); left > 0; left--) {
        fief_xi_poll(victim, random_below(rng, 10));
        if (random_below(rng, 4) == 0)
            sched_yield();
    }
    REQUIRE(fief_destroy(victim) == FIEF_OK);
}

static void ends_at_any_moment(unsigned rounds) {
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++)
        threads[i] = race_start(sender, (void *)(uintptr_t)(i + 1));
    random_source rng = random_seeded(5);
    while (rounds-- > 0)
        one_life(&rng);
    atomic_store(&over, true);
    for (unsigned i = 0; i < 2; i++)
        race_join(threads[i]);
    REQUIRE(atomic_load(&freed) == atomic_load(&sent));
    REQUIRE(atomic_load(&told) + atomic_load(&ended) == atomic_load(&sent));
}

int main(void) {
    calls_each = (uint64_t)race_rounds(2000) * CALLS_A_ROUND; /* ten million in all */
    all_run_in_order();
    ends_at_any_moment(race_rounds(2000));
    fief_trim(NULL);
    REQUIRE(fi_commons_live_blocks() == 0);
    return 0;
}
