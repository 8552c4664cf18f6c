/* Data between threads whose interpreters end at any moment, each on its own: what is read is there as long as it
 * is read, each payload is freed exactly once and in its owner, and nothing stays behind. Meanwhile types of the
 * process come and go. */
#include "interp/commons.h"
#include "race.h"

#include "support/random.h"

#include <fief/share.h>
#include <sched.h>
#include <string.h>

enum { OWNERS = 2, RECEIVERS = 2, PLACES = 16, ALIVE = 0x5A, FREED = 0xDD, PAYLOAD_BYTES = 64 };

/* Where data waits to be taken. */
static _Atomic(fief_xi_data *) places[PLACES];
static atomic_ulong made, freed, was_read, was_gone, sent_home, was_dead;
static atomic_uint owners_left;
static unsigned rounds;

typedef struct payload {
    fief_id owner;
    unsigned char bytes[PAYLOAD_BYTES];
} payload;

static void free_payload(fief *owner, void *freed_payload) {
    payload *p = freed_payload;
    REQUIRE(fief_current() == owner && p->owner == fief_id_of(owner));
    for (unsigned i = 0; i < PAYLOAD_BYTES; i++)
        REQUIRE(p->bytes[i] == ALIVE);
    memset(p->bytes, FREED, PAYLOAD_BYTES);
    fief_free(owner, p);
    atomic_fetch_add(&freed, 1);
}

/* Slowly, so that an owner ends meanwhile. */
static fief_share_status read_payload(fief *receiver, const fief_xi_data *data, void **object) {
    const payload *p = data->payload;
    (void)receiver;
    for (unsigned i = 0; i < PAYLOAD_BYTES; i++) {
        REQUIRE(p->bytes[i] == ALIVE && p->owner == data->owner);
        if (i % 16 == 0)
            sched_yield();
    }
    *object = &made;
    return FIEF_SHARE_OK;
}

static const fief_xi_kind kind = {"raced", read_payload, free_payload};

static fief_share_status share_one(fief *f, fief_xi_data *data) {
    payload *p = fief_alloc(f, sizeof *p);
    REQUIRE(p != NULL);
    p->owner = fief_id_of(f);
    memset(p->bytes, ALIVE, PAYLOAD_BYTES);
    atomic_fetch_add(&made, 1);
    return fief_xi_data_init(f, data, &kind, p, NULL);
}

static fief_share_status share_item(fief *f, size_t index, fief_xi_data *item, void *arg) {
    (void)arg;
    return index % 2 == 0 ? share_one(f, item) : fief_xi_share_string(f, item, "text", 4);
}

static void note(fief_xi_result result) {
    REQUIRE(result == FIEF_XI_RAN || result == FIEF_XI_QUEUED || result == FIEF_XI_CLOSING ||
            result == FIEF_XI_GONE);
    if (result == FIEF_XI_QUEUED)
        atomic_fetch_add(&sent_home, 1);
    else if (result != FIEF_XI_RAN)
        atomic_fetch_add(&was_dead, 1);
}

/* ---- types ---- */

static char shared_type;

static fief_share_status share_typed(fief *f, void *object, fief_xi_data *data) {
    (void)object;
    return share_one(f, data);
}

/* While one thread counts a type up and down, others may find it. */
static fief_share_status share_by_type(fief *f, fief_xi_data *data) {
    REQUIRE(fief_xi_register(NULL, &shared_type, 0, share_typed) == FIEF_SHARE_OK);
    fief_share_status status = fief_xi_share(f, &shared_type, 0, NULL, data);
    REQUIRE(fief_xi_unregister(NULL, &shared_type, 0));
    return status;
}

/* ---- owners ---- */

static void offer(fief *f, random_source *rng) {
    fief_xi_data *data = fief_xi_data_new();
    fief_share_status status = FIEF_SHARE_FAILED;
    REQUIRE(data != NULL);
    switch (random_below(rng, 3)) {
    case 0:
        status = share_one(f, data);
        break;
    case 1:
        status = share_by_type(f, data);
        break;
    default:
        status = fief_xi_share_tuple(f, data, 4, share_item, NULL);
    }
    REQUIRE(status == FIEF_SHARE_OK);
    fief_xi_data *pushed_out = atomic_exchange(&places[random_below(rng, PLACES)], data);
    if (pushed_out != NULL)
        note(fief_xi_data_free(f, pushed_out));
}

/* Each thing that may happen has happened so often. */
static bool is_enough(void) {
    return atomic_load(&was_read) >= rounds && atomic_load(&was_gone) >= rounds / 10 &&
           atomic_load(&sent_home) >= rounds / 10 && atomic_load(&was_dead) >= rounds / 10;
}

static void *owner(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!is_enough()) {
        fief *own = race_create("owner", NULL);
        for (size_t left = random_below(&rng, 20); left > 0; left--) {
            offer(own, &rng);
            if (random_below(&rng, 3) == 0)
                fief_poll(own);
            if (random_below(&rng, 3) == 0)
                sched_yield();
        }
        REQUIRE(fief_destroy(own) == FIEF_OK);
    }
    atomic_fetch_sub(&owners_left, 1);
    return NULL;
}

/* ---- receivers ---- */

static void read_one(fief *own, const fief_xi_data *data) {
    void *object;
    const fief_xi_data *items;
    size_t count;
    if (fief_xi_read_tuple(data, &items, &count)) {
        for (size_t i = 0; i < count; i += 2)
            read_one(own, &items[i]);
        return;
    }
    fief_share_status status = fief_xi_new_object(own, data, &object);
    REQUIRE(status == FIEF_SHARE_OK || status == FIEF_SHARE_OWNER_GONE);
    REQUIRE((object == &made) == (status == FIEF_SHARE_OK));
    atomic_fetch_add(status == FIEF_SHARE_OK ? &was_read : &was_gone, 1);
}

static void take_one(fief *own, random_source *rng) {
    fief_xi_data *data = atomic_exchange(&places[random_below(rng, PLACES)], NULL);
    if (data == NULL) {
        sched_yield();
        return;
    }
    read_one(own, data);
    if (random_below(rng, 4) == 0)
        data = atomic_exchange(&places[random_below(rng, PLACES)], data);
    if (data != NULL)
        note(fief_xi_data_free(random_below(rng, 2) == 0 ? own : NULL, data));
}

static void *receiver(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg + OWNERS);
    while (atomic_load(&owners_left) > 0) {
        fief *own = race_create("receiver", NULL);
        for (size_t left = random_below(&rng, 50); left > 0; left--)
            take_one(own, &rng);
        REQUIRE(fief_destroy(own) == FIEF_OK);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[OWNERS + RECEIVERS];
    rounds = race_rounds(20000);
    atomic_store(&owners_left, OWNERS);
    for (unsigned i = 0; i < OWNERS + RECEIVERS; i++)
        threads[i] = race_start(i < OWNERS ? owner : receiver, (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < OWNERS + RECEIVERS; i++)
        race_join(threads[i]);
    for (unsigned i = 0; i < PLACES; i++)
        note(fief_xi_data_free(NULL, atomic_load(&places[i])));
    REQUIRE(atomic_load(&made) == atomic_load(&freed));
    REQUIRE(fi_commons_live_blocks() == 0);
    return 0;
}
