/* Others ask about, and free, the blocks of a watched heap while its owner works: reports are made of records that
 * change under them. */
#include "race.h"

#include "support/random.h"

#include <fief/debug.h>
#include <stdint.h>
#include <string.h>

enum { OTHERS = 2, SLOTS = 64 };

/* Blocks for whoever takes them; the owner fills empty ones. */
static _Atomic(unsigned char *) posts[SLOTS];
static atomic_bool done;
static atomic_uint reports;

static void hear(const fief_report *report, void *arg) {
    (void)arg;
    REQUIRE(report->kind == FIEF_MISUSE_INTERIOR || report->kind == FIEF_MISUSE_FOREIGN_FREE ||
            report->kind == FIEF_MISUSE_DOUBLE_FREE || report->kind == FIEF_MISUSE_WILD);
    REQUIRE(report->text[0] == 'f' && report->json[0] == '{');
    atomic_fetch_add(&reports, 1);
}

static fief *create(const char *name, fief_debug level) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.debug = level;
    config.on_misuse = FIEF_MISUSE_REPORT;
    config.report = hear;
    config.quarantine_bytes = 4096;
    fief *f;
    REQUIRE(fief_create(&f, &config) == FIEF_OK);
    return f;
}

/* By its own handle, which is foreign there; without one; or not at all, but asking. */
static void *other(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    fief *mine = create("another", FIEF_DEBUG_OFF);
    while (!atomic_load(&done)) {
        unsigned slot = (unsigned)random_below(&rng, SLOTS);
        unsigned char *seen = atomic_load(&posts[slot]);
        if (seen != NULL && random_below(&rng, 4) == 0)
            fief_free(mine, seen + 8); /* whatever is there by now */
        unsigned char *block = atomic_exchange(&posts[slot], NULL);
        if (block == NULL)
            continue;
        REQUIRE(fief_usable_size(block) >= 16);
        if (random_below(&rng, 2) == 0)
            fief_free(mine, block);
        else
            fief_free_remote(block);
    }
    REQUIRE(fief_destroy(mine) == FIEF_OK);
    return NULL;
}

static void own(fief *f, random_source *rng) {
    unsigned slot = (unsigned)random_below(rng, SLOTS);
    unsigned char *block = atomic_exchange(&posts[slot], NULL);
    if (block != NULL) {
        block = fief_realloc(f, block, 16 + random_below(rng, 300));
        REQUIRE(block != NULL);
        fief_free(f, block);
    }
    block = fief_alloc(f, 16 + random_below(rng, 300));
    memset(block, 1, 16);
    atomic_store(&posts[slot], block);
}

static void run(fief_debug level, unsigned rounds) {
    pthread_t threads[OTHERS];
    random_source rng = random_seeded((uint64_t)level + 1);
    fief *f = create("the owner", level);
    atomic_store(&done, false);
    for (uintptr_t i = 0; i < OTHERS; i++)
        threads[i] = race_start(other, (void *)(i + 10));
    for (unsigned round = 0; round < rounds; round++) {
        own(f, &rng);
        if (round % 100 == 0)
            REQUIRE(fief_check(f) == 0);
        if (round % 1000 == 0)
            fief_trim(f);
    }
    atomic_store(&done, true);
    for (unsigned i = 0; i < OTHERS; i++)
        race_join(threads[i]);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        fief_free(f, atomic_exchange(&posts[slot], NULL));
    fief_poll(f);
    fief_stats stats = race_stats(f);
    REQUIRE(stats.live_blocks == 0 && stats.misuses == 0);
    REQUIRE(fief_destroy(f) == FIEF_OK);
}

int main(void) {
    const unsigned rounds = race_rounds(20000);
    for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_GUARD; level++)
        run(level, level == FIEF_DEBUG_GUARD ? rounds / 10 : rounds);
    REQUIRE(atomic_load(&reports) > 0);
    return 0;
}
