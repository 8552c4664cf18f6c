/* Interpreters move between threads with nothing but the lock that hands them over, and leave nothing behind. */
#include "race.h"

#include "support/random.h"

#include <stdint.h>
#include <string.h>

enum { THREADS = 4, HEAPS = 8, SLOTS = 400 };

typedef struct interpreter {
    pthread_mutex_t lock;
    fief *heap;
    unsigned char *blocks[SLOTS];
    size_t sizes[SLOTS];
    unsigned turns, moves;
    uintptr_t last_thread;
} interpreter;

static interpreter interpreters[HEAPS];

static void use_slot(interpreter *i, random_source *rng) {
    size_t slot = random_below(rng, SLOTS);
    unsigned char pattern = (unsigned char)(slot | 1);
    if (i->blocks[slot] == NULL) {
        i->sizes[slot] = 1 + random_below(rng, random_below(rng, 50) == 0 ? 80000 : 400);
        i->blocks[slot] = fief_alloc(i->heap, i->sizes[slot]);
        REQUIRE(i->blocks[slot] != NULL);
        memset(i->blocks[slot], pattern, i->sizes[slot]);
        return;
    }
    REQUIRE(i->blocks[slot][0] == pattern && i->blocks[slot][i->sizes[slot] - 1] == pattern);
    fief_free(i->heap, i->blocks[slot]);
    i->blocks[slot] = NULL;
}

static void take_a_turn(interpreter *i, random_source *rng, uintptr_t thread) {
    fief *previous = fief_enter(i->heap);
    i->moves += i->last_thread != thread;
    i->last_thread = thread;
    i->turns++;
    for (unsigned step = 0; step < 200; step++)
        use_slot(i, rng);
    REQUIRE(fief_current() == i->heap);
    fief_leave(previous);
}

static void *worker(void *arg) {
    const unsigned rounds = race_rounds(3000);
    random_source rng = random_seeded((uintptr_t)arg);
    for (unsigned round = 0; round < rounds; round++) {
        interpreter *i = &interpreters[random_below(&rng, HEAPS)];
        pthread_mutex_lock(&i->lock);
        take_a_turn(i, &rng, (uintptr_t)arg);
        pthread_mutex_unlock(&i->lock);
    }
    return NULL;
}

static void finish(interpreter *i) {
    for (unsigned slot = 0; slot < SLOTS; slot++)
        fief_free(i->heap, i->blocks[slot]);
    fief_stats stats = race_stats(i->heap);
    REQUIRE(stats.live_blocks == 0 && stats.foreign_in == 0 && stats.foreign_out == 0 && stats.remote_in == 0);
    REQUIRE(i->turns < 100 || i->moves > 0);
    REQUIRE(fief_destroy(i->heap) == FIEF_OK);
}

int main(void) {
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < HEAPS; i++) {
        pthread_mutex_init(&interpreters[i].lock, NULL);
        interpreters[i].heap = race_create("migrant", NULL);
    }
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = race_start(worker, (void *)(i + 1));
    for (unsigned i = 0; i < THREADS; i++)
        race_join(threads[i]);
    for (unsigned i = 0; i < HEAPS; i++)
        finish(&interpreters[i]);
    return 0;
}
