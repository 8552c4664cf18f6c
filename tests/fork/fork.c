/* A program with threads forks: the child finds fief's locks free and its own interpreters as they were, whatever
 * the other threads were doing. A child that hangs is killed by the alarm it sets, and fails the test. */
#define _POSIX_C_SOURCE 200809L
#include "race/race.h"
#include "support/random.h"

#include <fief/table.h>
#include <fief/xi.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, OBJECTS = 200, CHILD_SECONDS = 20 };

static atomic_bool done;

static void nothing(fief *f, void *arg) {
    (void)f;
    (void)arg;
}

static atomic_uint calls;
static fief_id parent_id;

static int count_call(fief *target, void *arg) {
    (void)arg;
    REQUIRE(fief_current() == target);
    atomic_fetch_add(&calls, 1);
    return 0;
}

static void wake(fief_id id, void *arg) {
    (void)arg;
    REQUIRE(id == parent_id);
}

static fief_xi_table shared; /* the parent's: each value is its key */

static bool is_its_key(const fief_xi_entry *entry, void *arg) {
    (void)arg;
    REQUIRE(entry->bytes == entry->key_bytes && memcmp(entry->key, entry->value, entry->bytes) == 0);
    return true;
}

static void use_table(random_source *rng) {
    size_t key = random_below(rng, 200), got = key;
    REQUIRE(fief_xi_table_set(shared, &key, sizeof key, &key, sizeof key) == FIEF_XI_TABLE_OK);
    REQUIRE(fief_xi_table_visit(shared, is_its_key, NULL) == FIEF_XI_TABLE_OK);
    key = random_below(rng, 200);
    fief_xi_table_result result = fief_xi_table_get(shared, &key, sizeof key, &got, sizeof got, NULL);
    REQUIRE(result == FIEF_XI_TABLE_MISSING || (result == FIEF_XI_TABLE_OK && got == key));
    result = fief_xi_table_remove(shared, &key, sizeof key);
    REQUIRE(result == FIEF_XI_TABLE_MISSING || result == FIEF_XI_TABLE_OK);
}

/* Takes and leaves every lock that fief has, all the time. */
static void *busy(void *arg) {
    random_source rng = random_seeded((uintptr_t)arg);
    while (!atomic_load(&done)) {
        fief *f = race_create("busy", NULL);
        for (unsigned i = 0; i < OBJECTS; i++)
            REQUIRE(fief_alloc(f, random_below(&rng, 3000)) != NULL);
        REQUIRE(fief_at_exit(f, nothing, NULL) == FIEF_OK);
        REQUIRE(fief_xi_call(f, parent_id, count_call, NULL) == FIEF_XI_QUEUED);
        use_table(&rng);
        REQUIRE(fief_destroy(f) == FIEF_OK);
    }
    return NULL;
}

static void check_and_use(fief *f, unsigned char **blocks) {
    for (unsigned i = 0; i < OBJECTS; i++) {
        for (unsigned byte = 0; byte <= i; byte++)
            REQUIRE(blocks[i][byte] == (unsigned char)i);
        fief_free(f, blocks[i]);
        blocks[i] = fief_alloc(f, i + 1);
        REQUIRE(blocks[i] != NULL);
        memset(blocks[i], (int)i, i + 1);
    }
}

/* Uses its parent's interpreter, makes new ones, ends both. */
static _Noreturn void child(fief *mine, unsigned char **blocks) {
    alarm(CHILD_SECONDS);
    check_and_use(mine, blocks);
    fief *born = race_create("born in the child", NULL);
    REQUIRE(fief_id_of(born) > fief_id_of(mine));
    REQUIRE(fief_alloc(born, 100) != NULL);
    fief_poll(mine);
    random_source rng = random_seeded(1);
    use_table(&rng);
    fief_xi_table own;
    REQUIRE(fief_xi_table_create(born, "the child's", 0, &own) == FIEF_OK && own > shared);
    atomic_store(&calls, 0);
    REQUIRE(fief_xi_call(born, parent_id, count_call, NULL) == FIEF_XI_QUEUED);
    REQUIRE(fief_xi_call_wait(born, parent_id, count_call, NULL, 0, NULL) == FIEF_XI_TIMED_OUT);
    REQUIRE(fief_destroy(mine) == FIEF_OK);
    REQUIRE(atomic_load(&calls) == 1);
    REQUIRE(fief_xi_table_visit(shared, is_its_key, NULL) == FIEF_XI_TABLE_GONE);
    REQUIRE(fief_destroy(born) == FIEF_OK);
    fief_trim(NULL);
    _exit(0);
}

int main(void) {
    const unsigned rounds = race_rounds(200);
    pthread_t threads[THREADS];
    fief *mine = race_create("parent", NULL);
    unsigned char *blocks[OBJECTS];
    for (unsigned i = 0; i < OBJECTS; i++) {
        blocks[i] = fief_alloc(mine, i + 1);
        memset(blocks[i], (int)i, i + 1);
    }
    parent_id = fief_id_of(mine);
    REQUIRE(fief_xi_table_create(mine, "shared", 0, &shared) == FIEF_OK);
    REQUIRE(fief_xi_on_wake(mine, wake, NULL) == FIEF_OK);
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = race_start(busy, (void *)(i + 1));
    for (unsigned round = 0; round < rounds; round++) {
        fief_poll(mine);
        pid_t pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0)
            child(mine, blocks);
        int status;
        REQUIRE(waitpid(pid, &status, 0) == pid);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&done, true);
    for (unsigned i = 0; i < THREADS; i++)
        race_join(threads[i]);
    check_and_use(mine, blocks);
    REQUIRE(fief_destroy(mine) == FIEF_OK);
    return 0;
}
