/* A program whose threads are in the middle of malloc makes processes of every kind. A child that hangs ends by
 * its own alarm, and fails the test. */
#include "blocks.h"
#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>

enum { BUSY_THREADS = 3, KEPT = 200, CHILD_SECONDS = 30, FORKS = 1000 };

extern char **environ;

static atomic_bool done;
static void *shared_blocks[BUSY_THREADS][KEPT]; /* each thread's */

static void *be_busy(void *arg) {
    void **mine = arg;
    unsigned seed = (unsigned)((uintptr_t)arg >> 4);
    while (!atomic_load(&done)) {
        seed = seed * 1103515245 + 12345;
        size_t i = (seed >> 8) % KEPT, bytes = 1 + (seed >> 16) % 3000;
        free(mine[i]);
        mine[i] = seed % 16 ? malloc(bytes) : calloc(100, bytes);
        mine[(i + 1) % KEPT] = realloc(mine[(i + 1) % KEPT], bytes);
    }
    return NULL;
}

static void *use_malloc(void *arg) {
    size_t rounds = (size_t)(uintptr_t)arg;
    void *blocks[100] = {NULL};
    for (size_t i = 0; i < rounds; i++) {
        blocks[i % 100] = realloc(blocks[i % 100], i * 31 % 4000 + 1);
        memset(blocks[i % 100], 1, i * 31 % 4000 + 1);
    }
    for (size_t i = 0; i < 100; i++)
        free(blocks[i]);
    return NULL;
}

/* What the parent has filled, the child reads, resizes and frees. */
static bool use_inherited(void **inherited) {
    bool good = true;
    for (size_t i = 0; i < KEPT; i++) {
        good = good && blocks_hold(inherited[i], i + 1, (unsigned)i);
        inherited[i] = realloc(inherited[i], i * 10 + 1);
        good = good && blocks_hold(inherited[i], i + 1, (unsigned)i);
        free(inherited[i]);
    }
    return good;
}

static _Noreturn void be_child(unsigned turn, void **inherited) {
    alarm(CHILD_SECONDS);
    bool good = use_inherited(inherited);
    use_malloc((void *)(uintptr_t)1000);
    if (turn % 4 == 1) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    if (turn % 4 == 2) {
        pthread_t thread;
        good = good && pthread_create(&thread, NULL, use_malloc, (void *)(uintptr_t)1000) == 0 &&
               pthread_join(thread, NULL) == 0;
    }
    if (turn % 4 == 3) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            use_malloc((void *)(uintptr_t)1000);
            _exit(0);
        }
        good = good && child_succeeds(grandchild);
    }
    _exit(!good);
}

static bool fork_often(unsigned forks) {
    void *inherited[KEPT];
    bool good = true;
    for (size_t i = 0; i < KEPT; i++)
        blocks_fill(inherited[i] = malloc(i + 1), i + 1, (unsigned)i);
    for (unsigned turn = 0; turn < forks; turn++) {
        pid_t child = fork();
        if (child == 0)
            be_child(turn, inherited);
        good = child_succeeds(child) && good;
    }
    return use_inherited(inherited) && good;
}

static void *fork_in_thread(void *arg) {
    *(bool *)arg = fork_often(FORKS / 10);
    return NULL;
}

static void check_concurrent_forks(void) {
    pthread_t threads[2];
    bool good[2];
    for (size_t i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, fork_in_thread, &good[i]) != 0)
            abort();
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    tap_check(good[0] && good[1], "threads fork against each other");
}

static char *true_arguments[] = {"true", NULL};

static pid_t by_spawn(void) {
    pid_t child;
    return posix_spawn(&child, "/bin/true", NULL, NULL, true_arguments, environ) == 0 ? child : -1;
}

static pid_t by_vfork(void) {
    pid_t child = vfork();
    if (child == 0) {
        execv("/bin/true", true_arguments);
        _exit(1);
    }
    return child;
}

static void check_other_ways(void) {
    enum { TIMES = 50 };
    bool spawned = true, vforked = true, asked = true;
    for (unsigned i = 0; i < TIMES; i++)
        spawned = child_succeeds(by_spawn()) && spawned;
    tap_check(spawned, "posix_spawn");
    for (unsigned i = 0; i < TIMES; i++)
        vforked = child_succeeds(by_vfork()) && vforked;
    tap_check(vforked, "vfork and exec");
    for (unsigned i = 0; i < TIMES; i++)
        asked = system("true") == 0 && asked;
    tap_check(asked, "system");
}

int main(void) {
    pthread_t busy[BUSY_THREADS];
    alarm(580); /* a parent that hangs */
    for (size_t i = 0; i < BUSY_THREADS; i++)
        if (pthread_create(&busy[i], NULL, be_busy, shared_blocks[i]) != 0)
            abort();
    tap_check(fork_often(FORKS), "%d forks while %d threads are busy", FORKS, BUSY_THREADS);
    check_concurrent_forks();
    check_other_ways();
    atomic_store(&done, true);
    for (size_t i = 0; i < BUSY_THREADS; i++)
        pthread_join(busy[i], NULL);
    for (size_t i = 0; i < BUSY_THREADS * KEPT; i++)
        free(shared_blocks[i / KEPT][i % KEPT]);
    return tap_end();
}
