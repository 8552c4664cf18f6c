/* For Valgrind and AddressSanitizer: "planted [fault]". Without a fault there is nothing to find. */
#include <fief/fief.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct node {
    struct node *next;
    char *text; /* malloc's */
} node;

static int *make_counts(fief *f) {
    return fief_zalloc(f, 10 * sizeof(int));
}

static int read_at(volatile int *counts, int index) {
    return counts[index];
}

/* What is all right: blocks of each kind, their ends, their resizing, and blocks of malloc that only they know. */
static void use_much(fief *f) {
    node *list = NULL;
    for (size_t size = 1; size < 1 << 22; size += size / 3 + 1) {
        char *block = fief_alloc(f, size);
        memset(block, 1, size);
        block = fief_realloc(f, block, size + size / 2);
        memset(block + size, 2, size / 2);
        node *n = fief_alloc(f, sizeof *n);
        *n = (node){list, malloc(100)};
        list = n;
        if (size % 2 == 0)
            fief_free(f, block);
    }
    for (node *n = list; n != NULL; n = n->next)
        free(n->text);
}

static fief *create(fief_leak_policy on_leak) {
    fief *f;
    fief_config config = FIEF_CONFIG_INIT;
    config.on_leak = on_leak;
    if (fief_create(&f, &config) != FIEF_OK)
        exit(2);
    return f;
}

/* Memory comes back to other heaps: nothing may be forbidden in it, and no root may stay. */
static void use_again_and_again(void) {
    for (int round = 0; round < 5; round++) {
        fief *f = create(FIEF_LEAK_FORCE), *g = create(FIEF_LEAK_FORCE);
        use_much(f);
        use_much(g);
        fief_free_remote(fief_alloc(g, 100));
        fief_destroy(f);
        fief_trim(NULL);
        fief_destroy(g);
    }
}

/* A block of malloc's that only a block in a fief knows; nobody frees either. */
__attribute__((noinline)) static void keep_in(fief *f, size_t size) {
    char *volatile *block = f != NULL ? fief_zalloc(f, size) : calloc(1, size);
    block[size / sizeof *block / 2] = malloc(123);
}

__attribute__((noinline)) static void wipe_stack(void) {
    char volatile bytes[4096];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 0;
}

static void leave_behind(const char *what) {
    fief *f = create(strcmp(what, "kept") == 0 ? FIEF_LEAK_KEEP : FIEF_LEAK_FORCE);
    keep_in(f, 200);
    keep_in(f, 100 << 10);
    keep_in(f, 3 << 20);
    wipe_stack();
    if (strcmp(what, "roots") != 0)
        fief_destroy(f);
}

/* A child has its parent's heaps, and ends them. */
static int fork_with_heaps(void) {
    fief *f = create(FIEF_LEAK_FORCE);
    use_much(f);
    pid_t child = fork();
    if (child == 0) {
        fief_destroy(f);
        use_again_and_again();
        exit(0); /* with all that is done there */
    }
    int status;
    waitpid(child, &status, 0);
    fief_destroy(f);
    return status;
}

int main(int count, char **arguments) {
    const char *fault = count > 1 ? arguments[1] : "none";
    if (strcmp(fault, "malloc") == 0) {
        keep_in(NULL, 16);
        wipe_stack();
        return 0;
    }
    if (strcmp(fault, "roots") == 0 || strcmp(fault, "kept") == 0 || strcmp(fault, "lost") == 0) {
        leave_behind(fault);
        return 0;
    }
    fief *f = create(FIEF_LEAK_FORCE);
    int *counts = make_counts(f);
    if (strcmp(fault, "use-after-free") == 0) {
        fief_free(f, counts);
        printf("%d\n", read_at(counts, 2));
    } else if (strcmp(fault, "overflow") == 0) {
        printf("%d\n", read_at(counts, 10));
        fief_free(f, counts);
    } else if (strcmp(fault, "uninitialised") == 0) {
        int *more = fief_alloc(f, sizeof *more);
        puts(read_at(more, 0) > 3 ? "more" : "less");
    } else {
        fief_free(f, counts);
        use_again_and_again();
        if (fork_with_heaps() != 0)
            return 3;
    }
    return fief_destroy(f) != FIEF_OK;
}
