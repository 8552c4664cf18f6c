/* Blocks and threads: whoever frees or resizes a block, whoever made it, and whether that one is still there. */
#include "blocks.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

typedef void *thread_function(void *);

static void run_thread(thread_function *run, void *arg) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, arg) != 0 || pthread_join(thread, NULL) != 0)
        abort();
}

/* ---- blocks of threads that have ended ---- */

enum { GIVEN = 1000 };

typedef struct gift {
    void *blocks[GIVEN];
    bool is_whole;
} gift;

static size_t size_of(size_t i) {
    return 1 + i * i % 5000;
}

static void *make_gift(void *arg) {
    gift *g = arg;
    for (size_t i = 0; i < GIVEN; i++)
        blocks_fill(g->blocks[i] = malloc(size_of(i)), size_of(i), (unsigned)i);
    return NULL;
}

static void *resize_gift(void *arg) {
    gift *g = arg;
    g->is_whole = true;
    for (size_t i = 0; i < GIVEN; i++) {
        size_t kept = size_of(i) / (i % 3 + 1);
        g->blocks[i] = realloc(g->blocks[i], i % 2 ? size_of(i) * 3 : kept);
        g->is_whole = g->is_whole && blocks_hold(g->blocks[i], kept, (unsigned)i);
    }
    return NULL;
}

static void *free_gift(void *arg) {
    gift *g = arg;
    for (size_t i = 0; i < GIVEN; i++)
        free(g->blocks[i]);
    return NULL;
}

static void check_ended_threads(void) {
    static gift g;
    run_thread(make_gift, &g);
    resize_gift(&g);
    tap_check(g.is_whole, "blocks of an ended thread can be resized");
    free_gift(&g);
    run_thread(make_gift, &g);
    run_thread(resize_gift, &g);
    tap_check(g.is_whole, "also by another thread than the first");
    run_thread(free_gift, &g);
    make_gift(&g);
    run_thread(resize_gift, &g);
    tap_check(g.is_whole, "as can a living thread's");
    run_thread(free_gift, &g);
}

/* ---- many short lives ---- */

static void *live_shortly(void *arg) {
    (void)arg;
    void *blocks[20];
    for (size_t i = 0; i < 20; i++)
        memset(blocks[i] = malloc(i * 100 + 1), 1, i * 100 + 1);
    for (size_t i = 0; i < 20; i++)
        free(blocks[i]);
    return strdup("what is left for whoever joins");
}

static bool live_shortly_often(unsigned threads) {
    bool good = true;
    for (unsigned i = 0; i < threads; i++) {
        pthread_t thread;
        void *left = NULL;
        good = good && pthread_create(&thread, NULL, live_shortly, NULL) == 0 &&
               pthread_join(thread, &left) == 0 && strncmp(left, "what", 4) == 0;
        free(left);
    }
    return good;
}

static void check_short_lives(void) {
    bool good = live_shortly_often(1000);
    size_t early = blocks_resident_bytes();
    good = live_shortly_often(9000) && good;
    size_t late = blocks_resident_bytes();
    tap_check(good && late < early + ((size_t)2 << 20), "10,000 threads come and go: %zu KiB, then %zu",
              early >> 10, late >> 10);
}

/* ---- many at once ---- */

static pthread_barrier_t everybody;

static void *meet(void *arg) {
    gift *g = arg;
    make_gift(g);
    pthread_barrier_wait(&everybody);
    resize_gift(g + 1); /* the neighbour's */
    pthread_barrier_wait(&everybody);
    free_gift(g);
    return NULL;
}

static void check_many_at_once(void) {
    enum { THREADS = 100 };
    static gift gifts[THREADS + 1];
    pthread_t threads[THREADS];
    pthread_barrier_init(&everybody, NULL, THREADS);
    make_gift(&gifts[THREADS]);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, meet, &gifts[i]) != 0)
            abort();
    bool good = true;
    for (size_t i = 0; i < THREADS; i++)
        good = pthread_join(threads[i], NULL) == 0 && good;
    for (size_t i = 1; i <= THREADS; i++)
        good = gifts[i].is_whole && good;
    free_gift(&gifts[THREADS]);
    tap_check(good, "%d threads at once, each resizing its neighbour's blocks", THREADS);
}

/* ---- everybody's blocks in everybody's hands ---- */

enum { SLOTS = 256, SWAPS = 200000 };

static _Atomic(unsigned char *) slots[SLOTS];

/* A block's first two bytes are its size, the rest follows from that. */
static void *swap_blocks(void *arg) {
    unsigned *damaged = arg;
    unsigned seed = *damaged;
    *damaged = 0;
    for (unsigned i = 0; i < SWAPS; i++) {
        seed = seed * 1103515245 + 12345;
        size_t bytes = 16 + (seed >> 8) % 600;
        unsigned char *mine = malloc(bytes);
        *(uint16_t *)(void *)mine = (uint16_t)bytes;
        blocks_fill(mine + 2, bytes - 2, (unsigned)bytes);
        unsigned char *other = atomic_exchange(&slots[(seed >> 20) % SLOTS], mine);
        if (other != NULL) {
            bytes = *(uint16_t *)(void *)other;
            *damaged += !blocks_hold(other + 2, bytes - 2, (unsigned)bytes);
        }
        free(other);
    }
    return NULL;
}

static void check_swaps(void) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    unsigned damaged[THREADS], sum = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        damaged[i] = i + 1;
        if (pthread_create(&threads[i], NULL, swap_blocks, &damaged[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += damaged[i];
    }
    for (size_t i = 0; i < SLOTS; i++)
        free(slots[i]);
    tap_check(sum == 0, "blocks change hands: %u are damaged", sum);
}

/* ---- cancellation ---- */

static void free_it(void *p) {
    free(p);
}

static void *wait_to_be_cancelled(void *arg) {
    atomic_bool *started = arg;
    void *p = malloc(1000);
    pthread_cleanup_push(free_it, p);
    for (;;) {
        free(strdup("between two tests"));
        atomic_store(started, true);
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void check_cancellation(void) {
    bool good = true;
    for (unsigned i = 0; i < 200; i++) {
        pthread_t thread;
        void *result;
        atomic_bool started = false;
        if (pthread_create(&thread, NULL, wait_to_be_cancelled, &started) != 0)
            abort();
        while (!atomic_load(&started))
            sched_yield();
        good = good && pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 &&
               result == PTHREAD_CANCELED;
    }
    tap_check(good, "threads that are cancelled free what they have");
}

int main(void) {
    check_ended_threads();
    check_short_lives();
    check_many_at_once();
    check_swaps();
    check_cancellation();
    return tap_end();
}
