/* In the manner of Larson's server: "larson CHAINS GENERATIONS BLOCKS OPERATIONS".
 *
 * A thread takes over an array of BLOCKS blocks that others have allocated, replaces a random one OPERATIONS
 * times, leaves the array to whoever comes next, and ends with starting its successor: so that blocks are freed by
 * other threads than their makers, most of which have ended. CHAINS threads run at once, each a chain of
 * GENERATIONS; there is one array more than chains, and they go round, so that blocks cross from chain to chain as
 * well. */
#include "load.h"

enum { MOST_CHAINS = 16, SMALLEST = 10, LARGEST = 500 };

static size_t chains, generations, blocks, operations;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t a_chain_ended = PTHREAD_COND_INITIALIZER;
static void **waiting; /* the array that nobody works with; under the lock */
static size_t ended;   /* chains; under the lock */

typedef struct generation {
    load_random random;
    size_t left; /* generations, this one included */
    void **array;
} generation;

static size_t any_size(load_random *r) {
    return SMALLEST + load_below(r, LARGEST - SMALLEST);
}

static void **new_array(load_random *r) {
    void **array = load_made(blocks * sizeof *array);
    for (size_t i = 0; i < blocks; i++)
        array[i] = load_made(any_size(r));
    return array;
}

static void end_array(void **array) {
    for (size_t i = 0; i < blocks; i++)
        load_dropped(array[i]);
    free(array);
}

static void end_chain(generation *last) {
    end_array(last->array);
    free(last);
    pthread_mutex_lock(&lock);
    ended++;
    pthread_cond_signal(&a_chain_ended);
    pthread_mutex_unlock(&lock);
}

static void *live_and_leave(void *arg) {
    generation *mine = arg;
    for (size_t i = 0; i < operations; i++) {
        void **block = &mine->array[load_below(&mine->random, blocks)];
        load_dropped(*block);
        *block = load_made(any_size(&mine->random));
    }
    if (mine->left == 1) {
        end_chain(mine);
        return NULL;
    }
    generation *next = load_made(sizeof *next);
    pthread_mutex_lock(&lock);
    *next = (generation){mine->random, mine->left - 1, waiting};
    waiting = mine->array;
    pthread_mutex_unlock(&lock);
    free(mine);
    pthread_detach(load_start(live_and_leave, next));
    return NULL;
}

int main(int argc, char **argv) {
    chains = load_argument(argc, argv, 1);
    generations = load_argument(argc, argv, 2);
    blocks = load_argument(argc, argv, 3);
    operations = load_argument(argc, argv, 4);
    load_require(chains > 0 && chains <= MOST_CHAINS && generations > 0 && blocks > 0, "an argument is wrong");
    load_random r = load_seeded(1);
    waiting = new_array(&r);
    for (size_t i = 0; i < chains; i++) {
        generation *first = load_made(sizeof *first);
        *first = (generation){load_seeded(i + 2), generations, new_array(&r)};
        pthread_detach(load_start(live_and_leave, first));
    }
    pthread_mutex_lock(&lock);
    while (ended < chains)
        pthread_cond_wait(&a_chain_ended, &lock);
    pthread_mutex_unlock(&lock);
    end_array(waiting);
    return 0;
}
