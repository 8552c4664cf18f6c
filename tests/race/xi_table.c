/* Threads of several interpreters, and of none, at one table, while its owner ends at any moment, or somebody else
 * ends the table: what is found under a key is whole and the key's, each pointer that was taken is given back
 * once, a table that is gone stays gone, and nothing stays behind. */
#include "race.h"

#include "support/random.h"

#include <fief/table.h>
#include <sched.h>
#include <string.h>

enum { USERS = 3, KEYS = 50, MOST_WORDS = 20 };

static _Atomic fief_xi_table current;
static atomic_bool over;
static atomic_ulong taken, given_back, gone;

static void give_back(void *pointer) {
    REQUIRE(*(unsigned *)pointer == 7);
    *(unsigned *)pointer = 8;
    free(pointer);
    atomic_fetch_add(&given_back, 1);
}

/* A value is its key, some times over. */
static bool is_right(const uint32_t *words, size_t bytes, uint32_t key) {
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        if (words[i] != key)
            return false;
    return bytes % sizeof *words == 0;
}

static bool look_at(const fief_xi_entry *entry, void *arg) {
    uint32_t key;
    REQUIRE(entry->key_bytes == sizeof key);
    memcpy(&key, entry->key, sizeof key);
    REQUIRE(key < KEYS && (arg == NULL || key == *(uint32_t *)arg));
    if (entry->value != NULL)
        REQUIRE(is_right(entry->value, entry->bytes, key));
    else
        REQUIRE(*(unsigned *)entry->pointer == 7); /* nobody gives it back meanwhile */
    return true;
}

/* Whether there is a table still. */
static bool note(fief_xi_table_result result) {
    REQUIRE(result == FIEF_XI_TABLE_OK || result == FIEF_XI_TABLE_MISSING || result == FIEF_XI_TABLE_EXISTS ||
            result == FIEF_XI_TABLE_GONE);
    return result != FIEF_XI_TABLE_GONE;
}

static bool set_words(fief_xi_table table, uint32_t key, random_source *rng) {
    uint32_t words[MOST_WORDS];
    size_t count = random_below(rng, MOST_WORDS);
    for (size_t i = 0; i < count; i++)
        words[i] = key;
    return note(fief_xi_table_set(table, &key, sizeof key, words, count * sizeof *words));
}

static bool set_pointer(fief_xi_table table, uint32_t key, bool only_new) {
    unsigned *pointer = malloc(sizeof *pointer);
    *pointer = 7;
    fief_xi_table_result result = only_new
                                      ? fief_xi_table_add_pointer(table, &key, sizeof key, pointer, give_back)
                                      : fief_xi_table_set_pointer(table, &key, sizeof key, pointer, give_back);
    if (result == FIEF_XI_TABLE_OK)
        atomic_fetch_add(&taken, 1);
    else
        free(pointer);
    return note(result);
}

static bool get(fief_xi_table table, uint32_t key) {
    uint32_t words[MOST_WORDS];
    size_t bytes = 0;
    fief_xi_table_result result = fief_xi_table_get(table, &key, sizeof key, words, sizeof words, &bytes);
    REQUIRE(result != FIEF_XI_TABLE_OK || bytes == sizeof(void *) || is_right(words, bytes, key));
    return note(result);
}

static bool use(fief_xi_table table, random_source *rng) {
    uint32_t key = (uint32_t)random_below(rng, KEYS);
    size_t count = 0;
    switch (random_below(rng, 8)) {
    case 0:
        return set_words(table, key, rng);
    case 1:
        return set_pointer(table, key, false);
    case 2:
        return set_pointer(table, key, true);
    case 3:
        return note(fief_xi_table_remove(table, &key, sizeof key));
    case 4:
        return note(fief_xi_table_look(table, &key, sizeof key, look_at, &key));
    case 5:
        return random_below(rng, 10) > 0 || note(fief_xi_table_visit(table, look_at, NULL));
    case 6: {
        bool there = note(fief_xi_table_count(table, &count));
        REQUIRE(count <= KEYS);
        return there;
    }
    default:
        return get(table, key);
    }
}

static void *user(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    fief *own = (uintptr_t)arg % 2 == 0 ? race_create("user", NULL) : NULL;
    fief *before = fief_enter(own);
    while (!atomic_load(&over)) {
        fief_xi_table table = atomic_load(&current);
        for (unsigned left = 100; left > 0 && use(table, &rng);)
            left--;
        if (random_below(&rng, 50) == 0)
            note(fief_xi_table_destroy(table));
        size_t count;
        if (fief_xi_table_count(table, &count) == FIEF_XI_TABLE_GONE) {
            atomic_fetch_add(&gone, 1);
            REQUIRE(!get(table, 0)); /* for ever */
        }
    }
    fief_leave(before);
    if (own != NULL)
        REQUIRE(race_stats(own).allocations == 0);
    fief_destroy(own);
    return NULL;
}

static void one_life(random_source *rng) {
    fief *owner = race_create("owner", NULL);
    fief_xi_table tables[3];
    for (unsigned i = 0; i < 3; i++)
        REQUIRE(fief_xi_table_create(owner, "shared", 0, &tables[i]) == FIEF_OK);
    for (unsigned i = 0; i < 3; i++) {
        atomic_store(&current, tables[i]);
        for (size_t left = random_below(rng, 200); left > 0; left--)
            use(tables[random_below(rng, 3)], rng);
        if (random_below(rng, 2) == 0)
            sched_yield();
    }
    REQUIRE(fief_destroy(owner) == FIEF_OK);
    for (unsigned i = 0; i < 3; i++)
        REQUIRE(fief_xi_table_destroy(tables[i]) == FIEF_XI_TABLE_GONE);
}

int main(void) {
    pthread_t threads[USERS];
    for (uintptr_t i = 0; i < USERS; i++)
        threads[i] = race_start(user, (void *)(i + 1));
    random_source rng = random_seeded(9);
    for (unsigned rounds = race_rounds(1000); rounds > 0; rounds--)
        one_life(&rng);
    atomic_store(&over, true);
    for (unsigned i = 0; i < USERS; i++)
        race_join(threads[i]);
    REQUIRE(atomic_load(&taken) == atomic_load(&given_back));
    REQUIRE(atomic_load(&taken) > 0 && atomic_load(&gone) > 0);
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    REQUIRE(leaks.blocks == 0 && leaks.late_frees == 0);
    return 0;
}
