/* Parcels thrown to and fro by two interpreters on two threads, while a third thread asks whose their blocks are
 * and frees some of them remotely: on their way, and while they change hands. None is lost, none is taken for
 * another's, and nothing is reported. Then with both sides ending at any moment: each parcel is received, goes
 * back or dies. */
#include "interp/commons.h"
#include "race.h"

#include "support/random.h"

#include <fief/parcel.h>
#include <sched.h>
#include <string.h>

static void no_report(const fief_report *report, void *arg) {
    (void)arg;
    fprintf(stderr, "%s", report->text);
    exit(1);
}

/* ---- what is in a parcel ---- */

enum { MOST_NODES = 200, MAIL = 64 };

typedef struct node {
    struct node *next;
    size_t size;
    unsigned number;
    bool others; /* freed by the third thread, maybe already */
} node;

typedef struct load {
    node *nodes;
    unsigned count;
} load;

static _Atomic(void *) mail[MAIL];
static atomic_ulong mailed, freed;
static atomic_bool over;

static size_t size_of(random_source *rng) {
    size_t turn = random_below(rng, 100);
    return sizeof(node) + (turn < 95 ? random_below(rng, 400) : turn < 99 ? random_below(rng, 60000) : 700000);
}

static void post(void *block) {
    void *none = NULL;
    for (unsigned i = 0;; i = (i + 1) % MAIL, none = NULL) {
        if (atomic_compare_exchange_strong(&mail[i], &none, block))
            break;
        sched_yield();
    }
    atomic_fetch_add(&mailed, 1);
}

static void *free_the_mail(void *arg) {
    for (unsigned i = 0; !atomic_load(&over) || atomic_load(&mailed) != atomic_load(&freed); i = (i + 1) % MAIL) {
        char *block = atomic_exchange(&mail[i], NULL);
        if (block == NULL) {
            sched_yield();
            continue;
        }
        size_t usable = fief_usable_size(block);
        REQUIRE(usable >= sizeof(node) && fief_owner(block + usable - 1) != FIEF_ID_NONE);
        REQUIRE(fief_usable_size(block + 8) == 0);
        fief_free_remote(block);
        atomic_fetch_add(&freed, 1);
    }
    return arg;
}

/* Some nodes are others' to free, from now on or as soon as it is sent. */
static load *pack(fief_parcel *parcel, random_source *rng, node **others, unsigned *other_count) {
    fief *heap = fief_parcel_heap(parcel);
    load *l = fief_alloc(heap, sizeof *l);
    *l = (load){NULL, 1 + (unsigned)random_below(rng, MOST_NODES)};
    *other_count = 0;
    for (unsigned i = 0; i < l->count; i++) {
        size_t size = size_of(rng);
        node *n = fief_alloc(heap, size);
        if (random_below(rng, 4) == 0) {
            fief_free(heap, n);
            n = fief_alloc(heap, size);
        }
        *n = (node){l->nodes, size, i, random_below(rng, 8) == 0};
        l->nodes = n;
    }
    for (node *n = l->nodes; n != NULL; n = n->next)
        if (n->others)
            others[(*other_count)++] = n;
    /* the list leads past those that are others' */
    for (node **at = &l->nodes; *at != NULL;)
        if ((*at)->others)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    fief_parcel_root_set(parcel, l);
    return l;
}

static void unpack(fief *f, load *l) {
    unsigned last = l->count;
    node *next;
    for (node *n = l->nodes; n != NULL; n = next) {
        REQUIRE(n->number < last && !n->others && fief_owner(n) == fief_id_of(f));
        last = n->number;
        next = n->next;
        memset(n, 0xEE, n->size);
        fief_free(f, n);
    }
    fief_free(f, l);
}

/* ---- to and fro ---- */

typedef struct side {
    fief *f;
    fief_id other;
    unsigned sent, got, seed;
} side;

static side sides[2];
static unsigned rounds;

static int receive(fief *f, fief_parcel *parcel, void *arg) {
    void *root;
    side *s = arg;
    REQUIRE(s->f == f && fief_parcel_receive(f, parcel, &root) == FIEF_OK);
    unpack(f, root);
    s->got++;
    return 0;
}

static void throw_one(side *s, side *to, random_source *rng) {
    node *others[MOST_NODES];
    unsigned other_count;
    fief_parcel *parcel;
    REQUIRE(fief_parcel_create(s->f, NULL, &parcel) == FIEF_OK);
    pack(parcel, rng, others, &other_count);
    unsigned early = (unsigned)random_below(rng, other_count + 1);
    for (unsigned i = 0; i < early; i++)
        post(others[i]);
    REQUIRE(fief_parcel_send(s->f, parcel, s->other, receive, to) == FIEF_XI_QUEUED);
    for (unsigned i = early; i < other_count; i++)
        post(others[i]);
    s->sent++;
}

static void *throw_and_catch(void *arg) {
    side *s = arg;
    random_source rng = random_seeded(s->seed);
    while (s->sent < rounds || s->got < rounds) {
        if (s->sent < rounds && s->sent < s->got + 20)
            throw_one(s, s == &sides[0] ? &sides[1] : &sides[0], &rng);
        else
            sched_yield();
        fief_poll(s->f);
    }
    return NULL;
}

static void to_and_fro(void) {
    pthread_t threads[3];
    for (unsigned i = 0; i < 2; i++)
        sides[i] = (side){.f = race_create(i == 0 ? "one" : "two", no_report), .seed = i + 1};
    for (unsigned i = 0; i < 2; i++) {
        sides[i].other = fief_id_of(sides[1 - i].f);
        threads[i] = race_start(throw_and_catch, &sides[i]);
    }
    threads[2] = race_start(free_the_mail, NULL);
    race_join(threads[0]);
    race_join(threads[1]);
    atomic_store(&over, true);
    race_join(threads[2]);
    uint64_t came_home = 0;
    for (unsigned i = 0; i < 2; i++) {
        fief_poll(sides[i].f);
        fief_stats stats = race_stats(sides[i].f);
        REQUIRE(stats.live_blocks == 0 && stats.misuses == 0 && stats.foreign_in == 0);
        came_home += stats.remote_in;
        fief_trim(sides[i].f);
        REQUIRE(race_stats(sides[i].f).arenas == 1);
        REQUIRE(fief_destroy(sides[i].f) == FIEF_OK);
    }
    REQUIRE(came_home == atomic_load(&mailed));
}

/* ---- ends at any moment ---- */

static _Atomic fief_id victim_id;
static atomic_bool all_over;
static atomic_ulong made, unsent, returned, read_ones, dropped;

enum { BLOCKS = 5 };

static int maybe_receive(fief *f, fief_parcel *parcel, void *arg) {
    unsigned what = (unsigned)(uintptr_t)arg;
    if (what == 0) { /* as many blocks leak at its end as if it had not been read */
        REQUIRE(fief_parcel_receive(f, parcel, NULL) == FIEF_OK);
        atomic_fetch_add(&read_ones, 1);
    } else if (what == 1) {
        REQUIRE(fief_parcel_destroy(f, parcel) == FIEF_OK);
        atomic_fetch_add(&dropped, 1);
    }
    return 0;
}

static int take_back(fief *f, fief_parcel *parcel, void *arg) {
    REQUIRE(arg == &returned && fief_parcel_maker(parcel) == fief_id_of(f));
    REQUIRE(fief_parcel_destroy(f, parcel) == FIEF_OK);
    atomic_fetch_add(&returned, 1);
    return 0;
}

static void send_one(fief *f, random_source *rng) {
    fief_parcel_config config = FIEF_PARCEL_CONFIG_INIT;
    fief_parcel *parcel;
    config.returned = random_below(rng, 2) == 0 ? take_back : NULL;
    config.returned_arg = &returned;
    REQUIRE(fief_parcel_create(f, &config, &parcel) == FIEF_OK);
    for (unsigned i = 0; i < BLOCKS; i++)
        memset(fief_alloc(fief_parcel_heap(parcel), 1000 * i + 1), 7, 1000 * i + 1);
    atomic_fetch_add(&made, 1);
    fief_xi_result result = fief_parcel_send(f, parcel, atomic_load(&victim_id), maybe_receive,
                                             (void *)(uintptr_t)random_below(rng, 3));
    REQUIRE(result == FIEF_XI_QUEUED || result == FIEF_XI_CLOSING || result == FIEF_XI_GONE);
    if (result != FIEF_XI_QUEUED && random_below(rng, 2) == 0) { /* or it dies with its maker */
        REQUIRE(fief_parcel_destroy(f, parcel) == FIEF_OK);
        atomic_fetch_add(&unsent, 1);
    }
}

static void *sender(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!atomic_load(&all_over)) {
        fief *f = race_create("sender", no_report);
        for (size_t left = 1 + random_below(&rng, 10); left > 0; left--) {
            send_one(f, &rng);
            if (random_below(&rng, 2) == 0)
                fief_poll(f);
        }
        REQUIRE(fief_destroy(f) == FIEF_OK);
    }
    return NULL;
}

static void ends_at_any_moment(unsigned lives) {
    pthread_t threads[2];
    fief_leaks before, after;
    random_source rng = random_seeded(5);
    fief_leaks_read(&before);
    for (unsigned i = 0; i < 2; i++)
        threads[i] = race_start(sender, (void *)(uintptr_t)(i + 1));
    while (lives-- > 0) {
        fief *victim = race_create("victim", no_report);
        atomic_store(&victim_id, fief_id_of(victim));
        for (size_t left = random_below(&rng, 20); left > 0; left--) {
            fief_poll(victim);
            sched_yield();
        }
        REQUIRE(fief_destroy(victim) == FIEF_OK);
    }
    atomic_store(&all_over, true);
    for (unsigned i = 0; i < 2; i++)
        race_join(threads[i]);
    fief_leaks_read(&after);
    unsigned long kept = atomic_load(&unsent) + atomic_load(&returned) + atomic_load(&dropped);
    REQUIRE(after.blocks - before.blocks == BLOCKS * (atomic_load(&made) - kept));
}

/* ---- calls to ids that are guessed ---- */

static _Atomic fief_id latest_id;
static atomic_bool guessed_enough;

static int is_meant(fief *f, void *arg) {
    REQUIRE(fief_id_of(f) == (fief_id)(uintptr_t)arg);
    return 0;
}

/* A parcel has an id too, and is never called; and no call goes to whoever has its place next. */
static void *guess(void *arg) {
    (void)arg;
    while (!atomic_load(&guessed_enough)) {
        fief_id id = atomic_load(&latest_id);
        for (unsigned next = 1; next <= 3; next++)
            fief_xi_call(NULL, id + next, is_meant, (void *)(uintptr_t)(id + next));
    }
    return NULL;
}

static void are_called_by_nobody(unsigned turns) {
    pthread_t guesser = race_start(guess, NULL);
    while (turns-- > 0) {
        fief *f = race_create("holder", no_report);
        fief_parcel *parcel;
        atomic_store(&latest_id, fief_id_of(f));
        REQUIRE(fief_parcel_create(f, NULL, &parcel) == FIEF_OK);
        if (turns % 2 == 0)
            REQUIRE(fief_parcel_receive(f, parcel, NULL) == FIEF_OK);
        fief_poll(f);
        REQUIRE(fief_destroy(f) == FIEF_OK);
    }
    atomic_store(&guessed_enough, true);
    race_join(guesser);
}

int main(void) {
    rounds = race_rounds(2000);
    to_and_fro();
    are_called_by_nobody(race_rounds(2000) * 5);
    ends_at_any_moment(race_rounds(1000));
    fief_trim(NULL);
    REQUIRE(fi_commons_live_blocks() == 0);
    return 0;
}
