/* An immortal heap under threads: its holder allocates, freezes and thaws, while interpreters on other threads
 * read its blocks, free them, resize them and ask about them. Nothing is freed, nothing changes, nothing is told.
 */
#include "race.h"

#include "support/random.h"

#include <string.h>

enum { READERS = 3, MOST = 4000 };

static _Atomic(unsigned char *) blocks[MOST];
static atomic_uint count;
static atomic_bool over;
static atomic_uint told;
static atomic_ulong looks;

static void report(const fief_report *r, void *arg) {
    (void)r, (void)arg;
    atomic_fetch_add(&told, 1);
}

static size_t size_of(unsigned number) {
    return number % 100 == 0 ? 30000 : 16 + number % 200;
}

static void look_at(fief *own, unsigned number, random_source *rng) {
    unsigned char *block = atomic_load(&blocks[number]), value = (unsigned char)(number % 255 + 1);
    size_t size = size_of(number);
    REQUIRE(block[0] == value && block[size - 1] == value && fief_is_immortal(block + size / 2));
    switch (random_below(rng, 4)) {
    case 0:
        fief_free(own, block);
        break;
    case 1:
        fief_free_remote(block);
        break;
    case 2:
        block = fief_realloc(own, block, size + 8);
        REQUIRE(block != NULL && block[size - 1] == value && fief_owner(block) == fief_id_of(own));
        fief_free(own, block);
        break;
    default:
        REQUIRE(fief_usable_size(block) >= size);
    }
}

static void *reader(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!atomic_load(&over)) {
        fief *own = race_create("reader", report);
        for (unsigned turn = 0; turn < 200; turn++) {
            unsigned there = atomic_load(&count);
            if (there > 0)
                look_at(own, (unsigned)random_below(&rng, there), &rng);
        }
        atomic_fetch_add(&looks, 200);
        REQUIRE(race_stats(own).live_blocks == 0);
        REQUIRE(fief_destroy(own) == FIEF_OK);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[READERS];
    fief_config config = FIEF_CONFIG_INIT;
    config.immortal = true;
    config.report = report;
    fief *f;
    REQUIRE(fief_create(&f, &config) == FIEF_OK);
    for (uintptr_t i = 0; i < READERS; i++)
        threads[i] = race_start(reader, (void *)(i + 1));
    const unsigned most = MOST, wanted = race_rounds(2000) * 1000;
    for (unsigned i = 0; i < most; i++) {
        unsigned char *block = fief_alloc(f, size_of(i));
        REQUIRE(block != NULL);
        memset(block, (int)(i % 255 + 1), size_of(i));
        atomic_store(&blocks[i], block);
        atomic_store(&count, i + 1);
        fief_free(f, block);
        if (i % 64 == 63)
            REQUIRE(fief_freeze(f) == FIEF_OK && fief_thaw(f) == FIEF_OK && fief_poll(f) == 0);
    }
    do
        REQUIRE(fief_thaw(f) == FIEF_OK && fief_freeze(f) == FIEF_OK);
    while (atomic_load(&looks) < wanted);
    atomic_store(&over, true);
    for (unsigned i = 0; i < READERS; i++)
        race_join(threads[i]);
    fief_stats stats = race_stats(f);
    REQUIRE(stats.live_blocks == most && stats.frees == 0 && stats.remote_in == 0 && stats.immortal_frees >= most);
    REQUIRE(fief_destroy(f) == FIEF_OK);
    REQUIRE(atomic_load(&told) == 0);
    return 0;
}
