/* Three threads free what one interpreter allocates: nothing is lost, and nothing comes home twice. */
#include "race.h"

#include "support/random.h"

#include <sched.h>
#include <stdint.h>

enum { FREERS = 3, BATCH = 64, MAILBOXES = 16 };

/* A batch of blocks on its way from the owner to whoever frees it: EMPTY, filled by the owner, FULL, claimed by a
 * freer, BUSY, freed, EMPTY. */
typedef enum mailbox_state { EMPTY, FULL, BUSY } mailbox_state;

typedef struct mailbox {
    _Alignas(64) atomic_int state;
    void *blocks[BATCH];
} mailbox;

static mailbox mailboxes[MAILBOXES];
static atomic_bool done;

static void unexpected(const fief_report *report, void *arg) {
    (void)arg;
    fputs(report->text, stderr);
    exit(1);
}

static bool free_a_batch(mailbox *box) {
    int state = FULL;
    if (!atomic_compare_exchange_strong(&box->state, &state, BUSY))
        return false;
    for (unsigned i = 0; i < BATCH; i++)
        fief_free_remote(box->blocks[i]);
    atomic_store(&box->state, EMPTY);
    return true;
}

static void *freer(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!atomic_load(&done))
        if (!free_a_batch(&mailboxes[random_below(&rng, MAILBOXES)]))
            sched_yield();
    return NULL;
}

static size_t some_size(random_source *rng) {
    size_t kind = random_below(rng, 1000);
    return kind < 900   ? 1 + random_below(rng, 256)
           : kind < 998 ? random_below(rng, 16384)
                        : random_below(rng, 900000);
}

/* Each block says who it is, which the freers' writes must not reach. */
static void *allocate(fief *f, random_source *rng) {
    size_t size = some_size(rng);
    unsigned char *block = fief_alloc(f, size);
    REQUIRE(block != NULL);
    if (size > 0)
        block[0] = block[size - 1] = 0x5A;
    return block;
}

static void fill(fief *f, random_source *rng, mailbox *box) {
    for (unsigned i = 0; i < BATCH; i++)
        box->blocks[i] = allocate(f, rng);
    atomic_store(&box->state, FULL);
}

int main(void) {
    const unsigned rounds = race_rounds(20000);
    random_source rng = random_seeded(1);
    fief *f = race_create("owner", unexpected);
    pthread_t freers[FREERS];
    for (uintptr_t i = 0; i < FREERS; i++)
        freers[i] = race_start(freer, (void *)(i + 2));

    uint64_t sent = 0, taken_by_poll = 0;
    for (unsigned round = 0; round < rounds; round++) {
        mailbox *box = &mailboxes[round % MAILBOXES];
        while (atomic_load(&box->state) != EMPTY) {
            taken_by_poll += fief_poll(f);
            sched_yield();
        }
        fill(f, &rng, box);
        sent += BATCH;
        fief_free(f, allocate(f, &rng));
    }
    for (unsigned i = 0; i < MAILBOXES; i++)
        while (atomic_load(&mailboxes[i].state) != EMPTY)
            sched_yield();
    atomic_store(&done, true);
    for (unsigned i = 0; i < FREERS; i++)
        race_join(freers[i]);

    fief_poll(f);
    fief_stats stats = race_stats(f);
    REQUIRE(stats.remote_in == sent);
    REQUIRE(stats.live_blocks == 0 && stats.live_bytes == 0);
    REQUIRE(stats.misuses == 0 && taken_by_poll <= sent);
    fief_trim(f);
    REQUIRE(race_stats(f).pools == 0);
    REQUIRE(fief_destroy(f) == FIEF_OK);
    return 0;
}
