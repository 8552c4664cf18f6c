/* Foreign frees: "foreign PAIRS BLOCKS [both]". In each pair of threads one allocates BLOCKS blocks and the other
 * frees them; with "both" each does both, so that every block is freed by the thread that did not make it.
 *
 * The two run on two processors, for there is nothing to measure if the scheduler happens to put both on one. The
 * blocks are a runtime's: 88% between 17 and 64 bytes. They go through a queue for one producer and one
 * consumer that publishes its positions in strides, so that the queue itself costs next to nothing. */
#include "load.h"

#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

enum { ROOM = 4096, STRIDE = 64, MOST_PAIRS = 32, LINE_BYTES = 64 };

typedef struct channel {
    void *blocks[ROOM];
    alignas(LINE_BYTES) size_t filled; /* the producer's own */
    size_t known_taken;
    alignas(LINE_BYTES) size_t drained; /* the consumer's own */
    size_t known_shown;
    alignas(LINE_BYTES) atomic_size_t shown;
    alignas(LINE_BYTES) atomic_size_t taken;
} channel;

typedef struct side {
    channel *fills, *drains; /* NULL: it does not */
    size_t blocks, seed;
    size_t processor; /* of those that the process may use, counted from 0 */
} side;

static size_t runtime_size(load_random *r) {
    size_t kind = load_below(r, 100);
    if (kind < 88)
        return 17 + load_below(r, 48);
    return kind < 94 ? 1 + load_below(r, 16) : 65 + load_below(r, 448);
}

/* Stays where it is if there are fewer. */
static void move_to(size_t processor) {
    cpu_set_t usable, one;
    CPU_ZERO(&one);
    load_require(sched_getaffinity(0, sizeof usable, &usable) == 0, "sched_getaffinity");
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &usable) && processor-- == 0) {
            CPU_SET(i, &one);
            load_require(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
            return;
        }
}

static int has_room(channel *c) {
    if (c->filled - c->known_taken >= ROOM)
        c->known_taken = atomic_load_explicit(&c->taken, memory_order_acquire);
    return c->filled - c->known_taken < ROOM;
}

static void push(channel *c, void *block, int is_last) {
    c->blocks[c->filled++ % ROOM] = block;
    if (is_last || c->filled % STRIDE == 0)
        atomic_store_explicit(&c->shown, c->filled, memory_order_release);
}

static int has_block(channel *c) {
    if (c->drained == c->known_shown)
        c->known_shown = atomic_load_explicit(&c->shown, memory_order_acquire);
    return c->drained < c->known_shown;
}

static void drop_one(channel *c) {
    load_dropped(c->blocks[c->drained++ % ROOM]);
    if (c->drained % STRIDE == 0)
        atomic_store_explicit(&c->taken, c->drained, memory_order_release);
}

static void *run(void *arg) {
    side *me = arg;
    move_to(me->processor);
    load_random r = load_seeded(me->seed);
    size_t to_make = me->fills != NULL ? me->blocks : 0, to_drop = me->drains != NULL ? me->blocks : 0;
    while (to_make + to_drop > 0) {
        size_t before = to_make + to_drop;
        for (; to_make > 0 && has_room(me->fills); to_make--)
            push(me->fills, load_made(runtime_size(&r)), to_make == 1);
        for (; to_drop > 0 && has_block(me->drains); to_drop--)
            drop_one(me->drains);
        if (to_make + to_drop == before)
            sched_yield();
    }
    return NULL;
}

static channel channels[MOST_PAIRS][2];

int main(int argc, char **argv) {
    size_t pairs = load_argument(argc, argv, 1), count = load_argument(argc, argv, 2);
    int is_both = argc > 3 && strcmp(argv[3], "both") == 0;
    load_require(pairs > 0 && pairs <= MOST_PAIRS, "PAIRS");
    side sides[MOST_PAIRS][2];
    pthread_t threads[MOST_PAIRS][2];
    for (size_t i = 0; i < pairs; i++) {
        channel *there = &channels[i][0], *back = is_both ? &channels[i][1] : NULL;
        sides[i][0] = (side){there, back, count, 2 * i + 1, 0};
        sides[i][1] = (side){back, there, count, 2 * i + 2, 1};
        for (size_t which = 0; which < 2; which++)
            threads[i][which] = load_start(run, &sides[i][which]);
    }
    for (size_t i = 0; i < pairs; i++)
        for (size_t which = 0; which < 2; which++)
            load_require(pthread_join(threads[i][which], NULL) == 0, "pthread_join");
    return 0;
}
