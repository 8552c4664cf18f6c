/* Churn: "churn LIVE THREADS OPERATIONS". Each thread keeps its share of LIVE blocks of mixed sizes, and replaces
 * a random one OPERATIONS times: what a program does to its heap in a long life. */
#include "load.h"

typedef struct churn_thread {
    size_t seed, live, operations;
} churn_thread;

/* Mostly small, as programs are: one in ten of some hundred bytes, one in two hundred of kilobytes. */
static size_t mixed_size(load_random *r) {
    size_t kind = load_below(r, 200);
    if (kind >= 20)
        return 8 + load_below(r, 121);
    return kind > 0 ? 129 + load_below(r, 896) : 1025 + load_below(r, 7168);
}

static void *churn(void *arg) {
    churn_thread *t = arg;
    load_random r = load_seeded(t->seed);
    void **blocks = load_made(t->live * sizeof *blocks);
    for (size_t i = 0; i < t->live; i++)
        blocks[i] = load_made(mixed_size(&r));
    for (size_t i = 0; i < t->operations; i++) {
        void **block = &blocks[load_below(&r, t->live)];
        load_dropped(*block);
        *block = load_made(mixed_size(&r));
    }
    for (size_t i = 0; i < t->live; i++)
        load_dropped(blocks[i]);
    free(blocks);
    return NULL;
}

int main(int argc, char **argv) {
    enum { MOST_THREADS = 64 };
    size_t live = load_argument(argc, argv, 1), count = load_argument(argc, argv, 2);
    load_require(count > 0 && count <= MOST_THREADS && live >= count, "LIVE or THREADS");
    churn_thread shares[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    for (size_t i = 0; i < count; i++)
        shares[i] = (churn_thread){i + 1, live / count, load_argument(argc, argv, 3) / count};
    for (size_t i = 1; i < count; i++)
        threads[i] = load_start(churn, &shares[i]);
    churn(&shares[0]); /* the first is the program's own thread */
    for (size_t i = 1; i < count; i++)
        load_require(pthread_join(threads[i], NULL) == 0, "pthread_join");
    return 0;
}
