/* Malloc where there is little: of address space, of stack, of peace from signals. */
#include "blocks.h"
#include "tap.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

/* ---- address space ---- */

typedef struct block {
    struct block *next;
    size_t bytes;
} block;

/* Takes all there is, is refused, gives it back, and can have it again: so many blocks at least. */
static int use_all(size_t block_bytes, size_t least) {
    for (unsigned round = 0; round < 3; round++) {
        block *all = NULL, *one;
        size_t count = 0;
        errno = 0;
        while ((one = malloc(block_bytes)) != NULL) {
            one->next = all;
            one->bytes = block_bytes;
            all = one;
            count++;
        }
        if (errno != ENOMEM || count < least)
            return 1;
        while (all != NULL) {
            block *next = all->next;
            if (all->bytes != block_bytes)
                return 2;
            free(all);
            all = next;
        }
    }
    return 0;
}

static void limit_address_space(size_t mebibytes) {
    struct rlimit limit = {mebibytes << 20, mebibytes << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(9);
}

/* From the start of the process, so that what the malloc reserves is reserved under the limit. */
static bool succeeds_from_start(const char *self, size_t mebibytes, const char *block_bytes) {
    pid_t child = fork();
    if (child == 0) {
        limit_address_space(mebibytes);
        execl(self, self, "use-all", block_bytes, (char *)NULL);
        _exit(9);
    }
    return child_succeeds(child);
}

/* How much there is then depends on what has been reserved: but it is refused, and that is all. */
static bool survives_from_now(size_t mebibytes, size_t block_bytes) {
    pid_t child = fork();
    if (child == 0) {
        limit_address_space(mebibytes);
        _exit(use_all(block_bytes, 0));
    }
    return child_succeeds(child);
}

static void check_address_space(const char *self) {
    tap_check(succeeds_from_start(self, 100, "100"), "100 MiB from the start on, small blocks");
    tap_check(succeeds_from_start(self, 100, "5000"), "of some pages");
    tap_check(succeeds_from_start(self, 100, "3000000"), "large ones");
    tap_check(succeeds_from_start(self, 1000, "70000"), "1,000 MiB");
    bool small = survives_from_now(200, 1000), large = survives_from_now(200, 1000000);
    tap_check(small && large, "a limit that comes later");
}

/* ---- stack ---- */

static void *use_little_stack(void *arg) {
    FOR_EVERY_STEP(size) {
        void *p = malloc(size);
        p = realloc(p, size * 2);
        free(p);
    }
    free(arg);
    return NULL;
}

static void check_small_stacks(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    bool good = pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0;
    for (unsigned i = 0; i < 20; i++) {
        pthread_t thread;
        good = good && pthread_create(&thread, &attributes, use_little_stack, malloc(i)) == 0 &&
               pthread_join(thread, NULL) == 0;
    }
    pthread_attr_destroy(&attributes);
    tap_check(good, "threads with the smallest stack there is");
}

/* ---- signals ---- */

static volatile sig_atomic_t ticks;

static void tick(int signal_number) {
    (void)signal_number;
    ticks = ticks + 1;
}

static void *work_under_signals(void *arg) {
    bool *good = arg;
    void *blocks[64] = {NULL};
    *good = true;
    for (unsigned i = 0; ticks < 1000; i++) {
        size_t bytes = 1 + i * 37 % 3000;
        void **p = &blocks[i % 64];
        free(*p);
        *p = malloc(bytes);
        blocks_fill(*p, bytes, i);
        *p = realloc(*p, bytes + 100);
        *good = *good && blocks_hold(*p, bytes, i);
    }
    for (size_t i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

static void check_signals(void) {
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    pthread_t thread;
    bool good[2];
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &every, NULL);
    if (pthread_create(&thread, NULL, work_under_signals, &good[0]) != 0)
        abort();
    work_under_signals(&good[1]);
    pthread_join(thread, NULL);
    setitimer(ITIMER_PROF, &never, NULL);
    tap_check(good[0] && good[1], "%d signals in the middle of malloc", (int)ticks);
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "use-all") == 0)
        return use_all(strtoul(argv[2], NULL, 10), 20);
    check_address_space(argv[0]);
    check_small_stacks();
    check_signals();
    return tap_end();
}
