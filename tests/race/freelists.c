/* Typed freelists of interpreters that move between threads, whose blocks wander to others: some are freed the
 * sanctioned way, some are pushed to a list where they do not belong. None is ever handed out by a list that is not
 * its owner's, also while memory goes from one interpreter to the next. */
#include "race.h"

#include "support/random.h"

#include <fief/freelist.h>
#include <string.h>

enum { THREADS = 4, HEAPS = 6, SLOTS = 300, WANDERERS = 64, BYTES = 2000 };

typedef struct interpreter {
    pthread_mutex_t lock;
    fief *heap;
    fief_freelist *list;
    unsigned char *blocks[SLOTS];
    unsigned away; /* of its blocks, under the wanderers' lock */
    uint64_t foreign_pushes;
} interpreter;

static interpreter interpreters[HEAPS];

static pthread_mutex_t wanderers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct wanderer {
    unsigned char *block; /* NULL: there is none here */
    interpreter *owner;
} wanderers[WANDERERS];

static atomic_uint reported, lives;

static void report(const fief_report *r, void *arg) {
    (void)arg;
    REQUIRE(r->kind == FIEF_MISUSE_FOREIGN_FREE);
    atomic_fetch_add(&reported, 1);
}

static void begin(interpreter *i) {
    fief_freelist_config config = FIEF_FREELIST_CONFIG_INIT;
    config.block_bytes = BYTES;
    config.capacity = SLOTS / 3;
    config.reserve = 5;
    i->heap = race_create("lists", report);
    REQUIRE(fief_freelist_create(i->heap, &config, &i->list) == FIEF_OK);
}

static unsigned char *pop(interpreter *i) {
    unsigned char *block = fief_freelist_pop(i->list);
    REQUIRE(block != NULL && fief_owner(block) == fief_id_of(i->heap));
    memset(block, (int)(i - interpreters) + 1, BYTES);
    return block;
}

static void check(const interpreter *owner, const unsigned char *block) {
    for (unsigned byte = 0; byte < BYTES; byte++)
        REQUIRE(block[byte] == owner - interpreters + 1);
}

static void use_slot(interpreter *i, random_source *rng) {
    unsigned char **slot = &i->blocks[random_below(rng, SLOTS)];
    if (*slot == NULL) {
        *slot = pop(i);
        return;
    }
    check(i, *slot);
    fief_freelist_push(i->list, *slot);
    *slot = NULL;
}

/* Puts one of its blocks where others find it, in place of what was there. */
static struct wanderer exchange(interpreter *i, unsigned char *block, random_source *rng) {
    pthread_mutex_lock(&wanderers_lock);
    struct wanderer *place = &wanderers[random_below(rng, WANDERERS)], found = *place;
    *place = (struct wanderer){block, i};
    i->away += block != NULL;
    pthread_mutex_unlock(&wanderers_lock);
    return found;
}

/* Only once it has been freed has its owner one less to wait for. */
static void take_in(interpreter *i, struct wanderer w, random_source *rng) {
    check(w.owner, w.block);
    bool foreign = w.owner != i, remotely = foreign && random_below(rng, 2) == 0;
    if (remotely)
        fief_free_remote(w.block);
    else
        fief_freelist_push(i->list, w.block);
    i->foreign_pushes += foreign && !remotely;
    pthread_mutex_lock(&wanderers_lock);
    w.owner->away--;
    pthread_mutex_unlock(&wanderers_lock);
}

static void trade(interpreter *i, bool gives, random_source *rng) {
    struct wanderer found = exchange(i, gives ? pop(i) : NULL, rng);
    if (found.block != NULL)
        take_in(i, found, rng);
}

static void push_all(interpreter *i) {
    for (unsigned s = 0; s < SLOTS; s++) {
        if (i->blocks[s] != NULL)
            check(i, i->blocks[s]);
        fief_freelist_push(i->list, i->blocks[s]);
        i->blocks[s] = NULL;
    }
}

static void end(interpreter *i) {
    push_all(i);
    fief_poll(i->heap);
    fief_trim(i->heap);
    fief_stats stats = race_stats(i->heap);
    REQUIRE(stats.live_blocks == 5 && stats.misuses == 0 && stats.foreign_out == i->foreign_pushes);
    i->foreign_pushes = 0;
    REQUIRE(fief_destroy(i->heap) == FIEF_OK);
}

/* True if none of its blocks is in another's hands just now. */
static bool call_home(interpreter *i) {
    pthread_mutex_lock(&wanderers_lock);
    for (unsigned w = 0; w < WANDERERS; w++) {
        if (wanderers[w].block == NULL || wanderers[w].owner != i)
            continue;
        fief_freelist_push(i->list, wanderers[w].block);
        wanderers[w].block = NULL;
        i->away--;
    }
    bool is_whole = i->away == 0;
    pthread_mutex_unlock(&wanderers_lock);
    return is_whole;
}

static void end_and_begin_again(interpreter *i) {
    if (!call_home(i))
        return;
    end(i);
    begin(i);
    atomic_fetch_add(&lives, 1);
}

static void *worker(void *arg) {
    const unsigned rounds = race_rounds(3000);
    random_source rng = random_seeded((uintptr_t)arg);
    for (unsigned round = 0; round < rounds; round++) {
        interpreter *i = &interpreters[random_below(&rng, HEAPS)];
        pthread_mutex_lock(&i->lock);
        for (unsigned step = 0; step < 100; step++)
            use_slot(i, &rng);
        for (unsigned step = 0; step < 10; step++)
            trade(i, step % 2 == 0, &rng);
        if (random_below(&rng, 20) == 0)
            fief_trim(i->heap);
        if (random_below(&rng, 10) == 0)
            end_and_begin_again(i);
        pthread_mutex_unlock(&i->lock);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (unsigned h = 0; h < HEAPS; h++) {
        REQUIRE(pthread_mutex_init(&interpreters[h].lock, NULL) == 0);
        begin(&interpreters[h]);
    }
    for (uintptr_t t = 0; t < THREADS; t++)
        threads[t] = race_start(worker, (void *)(t + 1));
    for (unsigned t = 0; t < THREADS; t++)
        race_join(threads[t]);
    for (unsigned h = 0; h < HEAPS; h++) {
        REQUIRE(call_home(&interpreters[h]));
        end(&interpreters[h]);
    }
    printf("%u foreign pushes, %u lives\n", atomic_load(&reported), atomic_load(&lives));
    REQUIRE(atomic_load(&reported) > 0 && atomic_load(&lives) > 0);
    return 0;
}
