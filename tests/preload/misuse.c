/* What is wrong with a free ends the program, as with glibc; ours says first what it was. Each case runs in a
 * child whose stderr is read. */
#include "blocks.h"
#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

typedef void misuse_function(void);

/* The compiler knows what these would be called with. */
static void (*volatile drop)(void *) = free;
static void *(*volatile resize)(void *, size_t) = realloc;

static void double_free(void) {
    void *p = malloc(100);
    drop(p);
    drop(p);
}

static void double_free_of_large(void) {
    void *p = malloc(1 << 20);
    drop(p);
    drop(p);
}

static void interior_free(void) {
    char *p = malloc(100);
    drop(p + 16);
}

static void misaligned_free(void) {
    char *p = malloc(100);
    drop(p + 3);
}

static void free_of_stack(void) {
    _Alignas(16) char buffer[64] = "";
    drop(buffer);
}

static void free_of_static(void) {
    static _Alignas(16) char buffer[64];
    drop(buffer + 16);
}

static void realloc_after_free(void) {
    void *p = malloc(100);
    drop(p);
    drop(resize(p, 5000));
}

static void *free_twice(void *p) {
    drop(p);
    drop(p);
    return NULL;
}

static void *free_once(void *p) {
    drop(p);
    return NULL;
}

static void in_thread(void *(*run)(void *), void *p) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, p) != 0 || pthread_join(thread, NULL) != 0)
        _exit(9);
}

static void double_free_by_another(void) {
    in_thread(free_twice, malloc(100));
}

/* Of the two frees the second may be noticed when the block comes home to its owner. */
static void let_blocks_come_home(void) {
    for (size_t i = 0; i < 10000; i++)
        drop(malloc(i % 4000));
    static void *kept[10000];
    for (size_t i = 0; i < 10000; i++)
        kept[i] = malloc(100);
    for (size_t i = 0; i < 10000; i++)
        drop(kept[i]);
}

static void free_after_anothers(void) {
    void *p = malloc(100);
    in_thread(free_once, p);
    drop(p);
    let_blocks_come_home();
}

static void free_by_another_after(void) {
    void *p = malloc(100);
    drop(p);
    in_thread(free_once, p);
    let_blocks_come_home();
}

typedef struct misuse_case {
    const char *what;
    misuse_function *run;
    const char *told;     /* by fief */
    bool ends_with_glibc; /* as well, if perhaps by a crash */
} misuse_case;

static const misuse_case cases[] = {
    {"a double free", double_free, "fief: double free", true},
    {"a double free of a large block", double_free_of_large, "fief: ", false},
    {"a free inside a block", interior_free, "fief: interior pointer", true},
    {"a misaligned free", misaligned_free, "fief: misaligned pointer", true},
    {"a free of the stack", free_of_stack, "fief: wild pointer", true},
    {"a free of static memory", free_of_static, "fief: wild pointer", true},
    {"a realloc after the free", realloc_after_free, "fief: ", false},
    {"a double free by another thread", double_free_by_another, "fief: double free", true},
    {"a free after another thread's", free_after_anothers, "fief: double free", false},
    {"another thread's free after the first", free_by_another_after, "fief: double free", false},
};

/* Whether it ended by a signal; what it said. */
static int signal_of(misuse_function *run, char *said, size_t room) {
    int ends[2], status = 0;
    if (pipe(ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        alarm(20);
        run();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while (length < room - 1 && (got = read(ends[0], said + length, room - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int main(int argc, char **argv) {
    bool is_fief = tap_is_fief(argc, argv);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static char said[8192];
        const misuse_case *c = &cases[i];
        if (!is_fief && !c->ends_with_glibc) {
            tap_skip(c->what, "with the C library's malloc the program may go on");
            continue;
        }
        int signal_number = signal_of(c->run, said, sizeof said);
        bool good = is_fief ? signal_number == SIGABRT && strstr(said, c->told) != NULL : signal_number != 0;
        tap_check(good, "%s is told, and the program's end", c->what);
        if (!good)
            printf("# signal %d, said %.200s\n", signal_number, said);
    }
    return tap_end();
}
