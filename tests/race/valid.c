/* Nothing but valid work, by two threads that hand eight interpreters to each other: whatever is reported is a
 * false report, and fails the test. `race_valid --level check --operations N` does so much of it. */
#define _POSIX_C_SOURCE 200809L
#include "race.h"

#include "support/random.h"

#include <fief/debug.h>
#include <fief/inline.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { THREADS = 2, HEAPS = 8, SLOTS = 128, TURN = 500, OUTBOX = 32, TAGS = 3 };

typedef struct options {
    uint64_t operations, seed;
    fief_debug level;
    uint32_t sample;
    size_t alignment, largest;
} options;

static options opt = {.operations = 1000000, .seed = 1, .alignment = 16, .largest = 60000};

/* All that a verb may be asked to say of a block. */
typedef struct block {
    unsigned char *start; /* NULL: none */
    size_t size;
    size_t alignment; /* 0: nobody asked for one */
    fief_domain domain;
    unsigned char pattern;
} block;

typedef struct interpreter {
    pthread_mutex_t lock;
    fief *heap;
    block blocks[SLOTS];
} interpreter;

typedef struct worker {
    random_source rng;
    uint64_t operations;
    unsigned turns;
    unsigned char *outbox[OUTBOX]; /* to be freed without a handle */
    unsigned out;
} worker;

static interpreter interpreters[HEAPS];
static fief_tag tags[TAGS];

static void unexpected(const fief_report *report, void *arg) {
    (void)arg;
    fprintf(stderr, "valid: a false report; seed %" PRIu64 "\n", opt.seed);
    fputs(report->text, stderr);
    exit(1);
}

/* ---- contents: of a large block its ends, which is where a mistake would show ---- */

static size_t marked_bytes(const block *b) {
    return b->size < 32 ? b->size : 32;
}

static void mark(block *b, worker *w) {
    b->pattern = (unsigned char)(random_next(&w->rng) >> 32 | 1);
    memset(b->start, b->pattern, marked_bytes(b));
    if (b->size > 0)
        b->start[b->size - 1] = b->pattern;
}

static void check_start(const block *b, size_t bytes) {
    for (size_t i = 0; i < bytes && i < marked_bytes(b); i++)
        REQUIRE(b->start[i] == b->pattern);
}

static void check(const block *b) {
    check_start(b, b->size);
    REQUIRE(b->size == 0 || b->start[b->size - 1] == b->pattern);
}

/* ---- allocation ---- */

static size_t some_size(worker *w) {
    size_t kind = random_below(&w->rng, 2000);
    size_t bound = kind < 1600 ? 128 : kind < 1990 ? 1024 : kind < 1999 ? 12000 : opt.largest;
    return random_below(&w->rng, bound < opt.largest ? bound : opt.largest);
}

static void require_zeros(const unsigned char *start, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        REQUIRE(start[i] == 0);
}

static unsigned char *allocate_some_way(fief *f, block *b, worker *w) {
    unsigned char *zeros = NULL;
    switch (random_below(&w->rng, 10)) {
    case 0:
        zeros = fief_zalloc(f, b->size);
        break;
    case 1:
        zeros = fief_calloc(f, 1, b->size);
        break;
    case 2:
        b->alignment = (size_t)1 << random_below(&w->rng, 10);
        return fief_alloc_aligned(f, b->size, b->alignment);
    case 3:
        return fief_alloc_tagged(f, b->size, tags[random_below(&w->rng, TAGS)]);
    case 4:
        b->domain = (fief_domain)(FIEF_DOMAIN_RAW + random_below(&w->rng, 3));
        return fief_domain_alloc(f, b->domain, b->size);
    case 5:
        b->domain = FIEF_DOMAIN_OBJ;
        zeros = fief_domain_calloc(f, b->domain, 1, b->size);
        break;
    case 6:
        return fief_inline_alloc(f, b->size);
    default:
        return fief_alloc(f, b->size);
    }
    REQUIRE(zeros != NULL);
    require_zeros(zeros, b->size);
    return zeros;
}

static void allocate(fief *f, block *b, worker *w) {
    *b = (block){.size = some_size(w)};
    b->start = allocate_some_way(f, b, w);
    REQUIRE(b->start != NULL);
    size_t alignment = b->alignment > opt.alignment ? b->alignment : opt.alignment;
    REQUIRE((uintptr_t)b->start % alignment == 0);
    mark(b, w);
}

/* ---- the end of a block, and of its place ---- */

static void empty_outbox(worker *w) {
    for (unsigned i = 0; i < w->out; i++)
        fief_free_remote(w->outbox[i]);
    w->out = 0;
}

static void release(fief *f, block *b, worker *w) {
    check(b);
    size_t way = random_below(&w->rng, 8);
    if (way == 0 && w->out < OUTBOX)
        w->outbox[w->out++] = b->start;
    else if (b->domain != FIEF_DOMAIN_PLAIN)
        fief_domain_free(f, b->domain, b->start);
    else if (b->alignment != 0)
        fief_free_aligned_sized(f, b->start, b->alignment, b->size);
    else if (way < 4)
        fief_free_sized(f, b->start, b->size);
    else if (way == 4)
        fief_inline_free_sized(f, b->start, b->size);
    else if (way == 5)
        fief_inline_free(f, b->start);
    else if (way == 6)
        fief_inline_free_hot(f, b->start);
    else
        fief_free(f, b->start);
    b->start = NULL;
}

static void resize(fief *f, block *b, worker *w) {
    check(b);
    size_t size = some_size(w);
    unsigned char *moved = b->domain != FIEF_DOMAIN_PLAIN  ? fief_domain_realloc(f, b->domain, b->start, size)
                           : random_below(&w->rng, 2) == 0 ? fief_realloc(f, b->start, size)
                                                           : fief_realloc_sized(f, b->start, b->size, size);
    REQUIRE(moved != NULL && (uintptr_t)moved % opt.alignment == 0);
    b->start = moved;
    check_start(b, size);
    b->size = size;
    b->alignment = 0;
    mark(b, w);
}

static void step(fief *f, block *b, worker *w) {
    size_t what = random_below(&w->rng, 8);
    if (b->start == NULL)
        allocate(f, b, w);
    else if (what == 0)
        resize(f, b, w);
    else if (what == 1)
        REQUIRE(fief_usable_size(b->start) >= b->size);
    else
        release(f, b, w);
}

/* ---- turns ---- */

static bool count_block(void *start, size_t bytes, void *arg) {
    (void)start, (void)bytes;
    ++*(unsigned *)arg;
    return true;
}

/* What others have freed is still on its way, or is counted until it is taken in. */
static void look(interpreter *i) {
    unsigned seen = 0, known = 0;
    REQUIRE(fief_check(i->heap) == 0);
    REQUIRE(fief_visit(i->heap, count_block, &seen) == FIEF_OK);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        known += i->blocks[slot].start != NULL;
    REQUIRE(seen >= known && race_stats(i->heap).live_blocks >= seen);
}

static void take_a_turn(interpreter *i, worker *w) {
    for (unsigned n = 0; n < TURN; n++)
        step(i->heap, &i->blocks[random_below(&w->rng, SLOTS)], w);
    w->operations += TURN;
    w->turns++;
    if (w->turns % 4096 == 0)
        fief_trim(i->heap);
    if (w->turns % 512 == 0)
        look(i);
}

static void *work(void *arg) {
    worker *w = arg;
    while (w->operations < opt.operations / THREADS) {
        interpreter *i = &interpreters[random_below(&w->rng, HEAPS)];
        if (pthread_mutex_trylock(&i->lock) != 0) {
            sched_yield();
            continue;
        }
        take_a_turn(i, w);
        pthread_mutex_unlock(&i->lock);
        empty_outbox(w);
    }
    return NULL;
}

/* ---- the program ---- */

static void begin(interpreter *i) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "valid";
    config.report = unexpected;
    config.debug = opt.level;
    config.sample = opt.sample;
    config.alignment = opt.alignment;
    pthread_mutex_init(&i->lock, NULL);
    REQUIRE(fief_create(&i->heap, &config) == FIEF_OK);
}

static void end(interpreter *i, worker *w) {
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (i->blocks[slot].start != NULL)
            release(i->heap, &i->blocks[slot], w);
    empty_outbox(w);
    fief_poll(i->heap);
    fief_stats stats = race_stats(i->heap);
    REQUIRE(stats.live_blocks == 0 && stats.live_bytes == 0 && stats.misuses == 0);
    REQUIRE(stats.foreign_in == 0 && stats.foreign_out == 0);
    REQUIRE(stats.allocations == stats.frees);
    REQUIRE(fief_check(i->heap) == 0);
    fief_trim(i->heap);
    REQUIRE(race_stats(i->heap).pools == 0 && race_stats(i->heap).large_blocks == 0);
    REQUIRE(fief_destroy(i->heap) == FIEF_OK);
}

static fief_debug level_of(const char *name) {
    static const char *const names[] = {"off", "check", "full", "guard"};
    for (unsigned level = 0; level < 4; level++)
        if (strcmp(name, names[level]) == 0)
            return (fief_debug)level;
    fprintf(stderr, "valid: no such level: %s\n", name);
    exit(2);
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t number = strtoull(argv[i + 1], NULL, 0);
        if (strcmp(argv[i], "--operations") == 0)
            opt.operations = number;
        else if (strcmp(argv[i], "--seed") == 0)
            opt.seed = strcmp(argv[i + 1], "clock") == 0 ? (uint64_t)time(NULL) : number;
        else if (strcmp(argv[i], "--level") == 0)
            opt.level = level_of(argv[i + 1]);
        else if (strcmp(argv[i], "--sample") == 0)
            opt.sample = (uint32_t)number;
        else if (strcmp(argv[i], "--alignment") == 0)
            opt.alignment = number;
        else if (strcmp(argv[i], "--largest") == 0)
            opt.largest = number;
    }
}

int main(int argc, char **argv) {
    static worker workers[THREADS];
    pthread_t threads[THREADS];
    read_options(argc, argv);
    printf("seed %" PRIu64 "\n", opt.seed);
    REQUIRE(fief_tag_register("table", &tags[0]) == FIEF_OK && fief_tag_register("string", &tags[1]) == FIEF_OK);
    for (unsigned i = 0; i < HEAPS; i++)
        begin(&interpreters[i]);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].rng = random_seeded(opt.seed + i);
        threads[i] = race_start(work, &workers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        race_join(threads[i]);
    for (unsigned i = 0; i < HEAPS; i++)
        end(&interpreters[i], &workers[0]);
    printf("%" PRIu64 " operations, no report\n", workers[0].operations + workers[1].operations);
    return 0;
}
