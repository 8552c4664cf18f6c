/* A program that does something wrong with its memory, or wants too much of it: "wrong WHAT". It is
 * compiled without regard to what malloc and free are, so that nothing of it is seen through. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 100, MIB = 1 << 20, MOST_BLOCKS = 1 << 16 };

static int free_twice(void) {
    char *p = malloc(BLOCK_BYTES), *again = p;
    free(p);
    free(again);
    return 0;
}

static int overflow(void) {
    char *p = malloc(BLOCK_BYTES);
    memset(p, 1, BLOCK_BYTES + 1);
    free(p);
    return 0;
}

static int write_after_free(void) {
    char *p = malloc(BLOCK_BYTES), *again = p;
    free(p);
    again[20] = 1;
    return 0;
}

static int leak(void) {
    return malloc(BLOCK_BYTES) == NULL;
}

static int free_stack(void) {
    char block[BLOCK_BYTES];
    free(block);
    return 0;
}

/* Takes mebibytes until there is no more, gives all of them back, and can go on. */
static int take_all(void) {
    static void *blocks[MOST_BLOCKS];
    unsigned count = 0;
    while (count < MOST_BLOCKS && (blocks[count] = malloc(MIB)) != NULL)
        memset(blocks[count++], 1, MIB);
    for (unsigned i = 0; i < count; i++)
        free(blocks[i]);
    void *again = malloc(MIB);
    printf("%u MiB%s\n", count, again != NULL ? ", and again" : "");
    free(again);
    return 0;
}

static void *work(void *arg) {
    for (int i = 0; i < 1000; i++)
        free(malloc(BLOCK_BYTES));
    return arg;
}

static int work_in_threads(void) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}

static const struct verb {
    const char *name;
    int (*run)(void);
} verbs[] = {
    {"double-free", free_twice},  {"overflow", overflow}, {"write-after-free", write_after_free},
    {"stack", free_stack},        {"leak", leak},         {"hog", take_all},
    {"threads", work_in_threads},
};

int main(int argc, char **argv) {
    for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (argc == 2 && strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run();
    return 2;
}
