/* Interpreters end while others free their blocks. What comes too late is counted and told, and touches nobody:
 * the bystanders' blocks stay as they are. */
#include "race.h"

#include "support/random.h"

#include <sched.h>
#include <stdint.h>
#include <string.h>

enum { FREERS = 2, VICTIM_BLOCKS = 512, BYSTANDER_BLOCKS = 2000, PATTERN = 0xB7 };

/* The blocks of the victim, each taken by exactly one freer. */
static void *_Atomic blocks[VICTIM_BLOCKS];
static atomic_bool done;
static atomic_ulong told[FIEF_MISUSE_COUNT];

/* A block may have been given to the next victim before its late free: then it is a plain free of the next one's
 * block, and that one's own free a double one. That is what late frees are worth; nothing else may come of them.
 */
static void tell(const fief_report *report, void *arg) {
    (void)arg;
    atomic_fetch_add(&told[report->kind], 1);
    REQUIRE(report->kind == FIEF_MISUSE_LATE_FREE || report->kind == FIEF_MISUSE_DOUBLE_FREE ||
            report->kind == FIEF_MISUSE_WILD || report->kind == FIEF_MISUSE_INTERIOR);
}

static void *freer(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!atomic_load(&done)) {
        void *block = atomic_exchange(&blocks[random_below(&rng, VICTIM_BLOCKS)], NULL);
        if (block != NULL)
            fief_free_remote(block);
    }
    return NULL;
}

static void one_life(random_source *rng) {
    fief *victim = race_create("victim", tell);
    for (unsigned i = 0; i < VICTIM_BLOCKS; i++) {
        void *block = fief_alloc(victim, 1 + random_below(rng, 700));
        REQUIRE(block != NULL);
        atomic_store(&blocks[i], block);
    }
    if (random_below(rng, 2) == 0)
        sched_yield();
    if (random_below(rng, 2) == 0)
        fief_poll(victim);
    REQUIRE(fief_destroy(victim) == FIEF_OK);
}

int main(void) {
    const unsigned rounds = race_rounds(3000);
    random_source rng = random_seeded(3);
    fief *bystander = race_create("bystander", tell);
    unsigned char *kept[BYSTANDER_BLOCKS];
    for (unsigned i = 0; i < BYSTANDER_BLOCKS; i++) {
        kept[i] = fief_alloc(bystander, 48);
        memset(kept[i], PATTERN, 48);
    }
    pthread_t freers[FREERS];
    for (uintptr_t i = 0; i < FREERS; i++)
        freers[i] = race_start(freer, (void *)(i + 2));
    for (unsigned round = 0; round < rounds; round++)
        one_life(&rng);
    atomic_store(&done, true);
    for (unsigned i = 0; i < FREERS; i++)
        race_join(freers[i]);

    for (unsigned i = 0; i < BYSTANDER_BLOCKS; i++) {
        for (unsigned byte = 0; byte < 48; byte++)
            REQUIRE(kept[i][byte] == PATTERN);
        fief_free(bystander, kept[i]);
    }
    fief_stats stats = race_stats(bystander);
    REQUIRE(stats.live_blocks == 0 && stats.foreign_in == 0 && stats.misuses == 0);
    REQUIRE(fief_destroy(bystander) == FIEF_OK);
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    REQUIRE(leaks.interpreters == (uint64_t)rounds + 1);
    return 0;
}
