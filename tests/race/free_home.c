/* Interpreters that free each other's blocks in batches, each on a thread of its own: everything comes home, once.
 *
 * Each passes what it makes on to the next, which frees it with its own handle. */
#include "race.h"

#include "support/random.h"

#include <sched.h>
#include <stdint.h>

enum { RING = 4, ROOM = 256, STEPS_A_ROUND = 16 };

typedef struct member {
    fief *heap;
    _Alignas(64) _Atomic(void *) inbox[ROOM]; /* NULL: there is room */
    uint64_t made, passed_on, freed;
    unsigned seed;
} member;

static member members[RING];
static atomic_uint at_work;

static void unexpected(const fief_report *report, void *arg) {
    (void)arg;
    fputs(report->text, stderr);
    exit(1);
}

static void free_some(member *me, random_source *rng) {
    for (unsigned i = 0; i < STEPS_A_ROUND; i++) {
        void *block = atomic_exchange(&me->inbox[random_below(rng, ROOM)], NULL);
        if (block != NULL) {
            fief_free_home(me->heap, block);
            me->freed++;
        }
    }
}

/* To the next one, or back where it came from. */
static void make_some(member *me, member *next, random_source *rng) {
    for (unsigned i = 0; i < STEPS_A_ROUND; i++) {
        unsigned char *block = fief_alloc(me->heap, 1 + random_below(rng, i == 0 ? 40000 : 300));
        void *nothing = NULL;
        REQUIRE(block != NULL);
        block[0] = 0x5A;
        me->made++;
        if (atomic_compare_exchange_strong(&next->inbox[random_below(rng, ROOM)], &nothing, block))
            me->passed_on++;
        else
            fief_free_home(me->heap, block);
    }
}

static void *work(void *arg) {
    member *me = arg, *next = &members[(size_t)(me - members + 1) % RING];
    random_source rng = random_seeded(me->seed);
    for (unsigned round = race_rounds(20000); round > 0; round--) {
        make_some(me, next, &rng);
        free_some(me, &rng);
    }
    atomic_fetch_sub(&at_work, 1);
    while (atomic_load(&at_work) > 0) {
        free_some(me, &rng);
        sched_yield();
    }
    return NULL;
}

int main(void) {
    pthread_t threads[RING];
    atomic_store(&at_work, RING);
    for (unsigned i = 0; i < RING; i++) {
        members[i].seed = i + 1;
        members[i].heap = race_create("member", unexpected);
    }
    for (unsigned i = 0; i < RING; i++)
        threads[i] = race_start(work, &members[i]);
    for (unsigned i = 0; i < RING; i++)
        race_join(threads[i]);

    uint64_t passed_on = 0, freed = 0;
    for (unsigned i = 0; i < RING; i++) {
        for (unsigned k = 0; k < ROOM; k++)
            if (members[i].inbox[k] != NULL) {
                fief_free_home(members[i].heap, members[i].inbox[k]);
                members[i].freed++;
            }
        fief_poll(members[i].heap);
        passed_on += members[i].passed_on;
        freed += members[i].freed;
    }
    REQUIRE(passed_on == freed);
    for (unsigned i = 0; i < RING; i++) {
        fief_poll(members[i].heap);
        fief_stats stats = race_stats(members[i].heap);
        REQUIRE(stats.live_blocks == 0 && stats.misuses == 0 && stats.foreign_out == 0);
        REQUIRE(stats.remote_in == members[i].passed_on);
    }
    for (unsigned i = 0; i < RING; i++)
        REQUIRE(fief_destroy(members[i].heap) == FIEF_OK);
    return 0;
}
