/* One limit for all threads: "limits idle", "limits waiting" under 100M, "limits many" under 16M. What a thread
 * was lent and does not use is there for others. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, BLOCKS = 80 };

static void *blocks[BLOCKS];

static bool has_room(size_t bytes) {
    void *p = malloc(bytes);
    free(p);
    return p != NULL;
}

static void *look_for_room(void *arg) {
    return has_room((size_t)arg) ? arg : NULL;
}

static void *fill(void *arg) {
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = malloc((size_t)arg);
    return NULL;
}

static void *take_one(void *arg) {
    *(void **)arg = malloc(100);
    return NULL;
}

static void *run_in_thread(void *(*run)(void *), void *arg) {
    pthread_t thread;
    void *result = NULL;
    if (pthread_create(&thread, NULL, run, arg) != 0 || pthread_join(thread, &result) != 0)
        exit(2);
    return result;
}

/* The first thread has had 70 of 100 MiB and freed them. */
static bool a_thread_that_freed_all_keeps_nothing(void) {
    fill((void *)(size_t)(70 * MIB / BLOCKS));
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    for (unsigned i = 0; i < 10; i++)
        free(malloc(7 * MIB));
    return run_in_thread(look_for_room, (void *)(size_t)(50 * MIB)) != NULL;
}

/* A thread ended with 80 of 100 MiB, of which another has freed all but one. */
static bool a_heap_that_waits_keeps_what_is_live(void) {
    run_in_thread(fill, (void *)(size_t)MIB);
    for (unsigned i = 1; i < BLOCKS; i++)
        free(blocks[i]);
    return blocks[0] != NULL && has_room(40 * MIB);
}

static bool many_small_threads_fit(void) {
    pthread_t threads[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++)
        if (pthread_create(&threads[i], NULL, take_one, &blocks[i]) != 0)
            exit(2);
    for (unsigned i = 0; i < BLOCKS; i++)
        pthread_join(threads[i], NULL);
    return has_room(MIB) && !has_room(17 * MIB);
}

int main(int argc, char **argv) {
    const char *which = argc > 1 ? argv[1] : "";
    bool good = strcmp(which, "idle") == 0      ? a_thread_that_freed_all_keeps_nothing()
                : strcmp(which, "waiting") == 0 ? a_heap_that_waits_keeps_what_is_live()
                                                : many_small_threads_fit();
    printf("1..1\n%s 1 - %s\n", good ? "ok" : "not ok", which);
    return 0;
}
