/* Threads create and end interpreters, send each other blocks with and without their handle, and read counters,
 * owners and names, all at once. */
#include "race.h"

#include "support/random.h"

#include <stdint.h>
#include <string.h>

enum { THREADS = 4, POSTS = 64, OBJECTS = 300 };

/* Blocks that anybody may free. */
static void *_Atomic posts[POSTS];

/* An interpreter that lives throughout, for the readers. */
static fief *elder;
static atomic_bool done;

static void quiet(const fief_report *report, void *arg) {
    (void)arg;
    REQUIRE(report->owner != FIEF_ID_NONE || report->kind != FIEF_MISUSE_FOREIGN_FREE);
    REQUIRE(strncmp(report->text, "fief: ", 6) == 0);
}

static void post(void *block, fief *mine, random_source *rng) {
    void *other = atomic_exchange(&posts[random_below(rng, POSTS)], block);
    if (other == NULL)
        return;
    if (random_below(rng, 2) == 0)
        fief_free_remote(other);
    else
        fief_free(mine, other); /* most of the time a foreign or a late free, now and then its own */
}

static void *liver(void *arg) {
    const unsigned rounds = race_rounds(1500);
    random_source rng = random_seeded((uintptr_t)arg);
    fief_id last_id = FIEF_ID_NONE;
    for (unsigned round = 0; round < rounds; round++) {
        fief *f = race_create("crowd", quiet);
        REQUIRE(fief_id_of(f) > last_id && fief_find(fief_id_of(f)) == f);
        last_id = fief_id_of(f);
        for (unsigned i = 0; i < OBJECTS; i++) {
            void *block = fief_alloc(f, random_below(&rng, 500));
            REQUIRE(block != NULL && fief_owner(block) == last_id);
            if (random_below(&rng, 8) == 0)
                post(block, f, &rng);
            else if (random_below(&rng, 2) == 0)
                fief_free(f, block);
        }
        fief_poll(f);
        REQUIRE(fief_destroy(f) == FIEF_OK);
        REQUIRE(fief_find(last_id) == NULL);
    }
    return NULL;
}

static void *reader(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!atomic_load(&done)) {
        fief_stats stats;
        fief_stats_read(elder, &stats);
        REQUIRE(stats.live_blocks + stats.frees == stats.allocations);
        fief_owner((void *)(uintptr_t)random_next(&rng));
        fief_owner(atomic_load(&posts[random_below(&rng, POSTS)]));
        REQUIRE(strcmp(fief_name(elder), "elder") == 0);
        fief_leaks leaks;
        fief_leaks_read(&leaks);
    }
    return NULL;
}

int main(void) {
    random_source rng = random_seeded(99);
    elder = race_create("elder", quiet);
    pthread_t readers[2], livers[THREADS];
    for (uintptr_t i = 0; i < 2; i++)
        readers[i] = race_start(reader, (void *)(i + 50));
    for (uintptr_t i = 0; i < THREADS; i++)
        livers[i] = race_start(liver, (void *)(i + 1));
    for (unsigned i = 0; i < race_rounds(1500) * 100; i++) {
        void *block = fief_alloc(elder, random_below(&rng, 2000));
        fief_free(elder, block);
        if (i % 64 == 0)
            fief_stats_publish(elder);
    }
    for (unsigned i = 0; i < THREADS; i++)
        race_join(livers[i]);
    atomic_store(&done, true);
    for (unsigned i = 0; i < 2; i++)
        race_join(readers[i]);
    REQUIRE(fief_destroy(elder) == FIEF_OK);
    return 0;
}
