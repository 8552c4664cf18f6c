/* Malloc before main and after it, in destructors of threads and of libraries: "lifetimes WHOSE MODULE", where
 * MODULE is early.c once more, to be loaded. */
#include "blocks.h"
#include "early.h"
#include "tap.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

static void check_constructor(void) {
    char **text = early_text();
    tap_check(strcmp(*text, "made before main") == 0, "a library's constructor has a block");
    *text = realloc(*text, 1000);
    tap_check(strcmp(*text, "made before main") == 0, "which main can resize, and the library free");
    *early_to_free() = malloc(100);
}

/* ---- modules ---- */

static bool load_and_unload(const char *path) {
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        return false;
    char **(*text)(void);
    void **(*to_free)(void);
    *(void **)&text = dlsym(module, "early_text");
    *(void **)&to_free = dlsym(module, "early_to_free");
    bool good = strcmp(*text(), "made before main") == 0;
    *to_free() = malloc(10);
    return dlclose(module) == 0 && good;
}

static void *load_in_thread(void *path) {
    return load_and_unload(path) ? path : NULL;
}

static void check_modules(char *path) {
    bool good = load_and_unload(path);
    size_t before = blocks_resident_bytes();
    for (unsigned i = 0; i < 300; i++)
        good = load_and_unload(path) && good;
    size_t after = blocks_resident_bytes();
    tap_check(good && after < before + ((size_t)1 << 20), "a module loads and unloads 300 times");
    pthread_t thread;
    void *result = NULL;
    tap_check(pthread_create(&thread, NULL, load_in_thread, path) == 0 && pthread_join(thread, &result) == 0 &&
                  result == path,
              "and in a thread");
}

/* ---- destructors of a thread ---- */

static pthread_key_t keys[3];
static unsigned destructor_calls;
static char *left_by_destructor;

/* In the first rounds it leaves work for the next; in the last it leaves a block that outlives the thread. */
static void in_destructor(void *arg) {
    char *text = arg;
    free(text);
    for (size_t i = 0; i < 100; i++)
        free(malloc(i * 50));
    if (++destructor_calls % 2 == 1)
        pthread_setspecific(keys[destructor_calls % 3], strdup("for another round"));
    free(left_by_destructor);
    left_by_destructor = strdup("the thread's last words");
}

static void *with_destructors(void *allocates_before) {
    for (size_t i = 0; i < 3; i++)
        pthread_setspecific(keys[i], allocates_before != NULL ? strdup("a value") : left_by_destructor);
    if (allocates_before == NULL)
        left_by_destructor = NULL;
    return NULL;
}

static void *with_one_destructor(void *arg) {
    pthread_setspecific(keys[0], arg);
    return NULL;
}

static void check_thread_destructors(void) {
    bool good = true;
    for (size_t i = 0; i < 3; i++)
        good = good && pthread_key_create(&keys[i], in_destructor) == 0;
    for (unsigned i = 0; i < 1000; i++) {
        pthread_t thread;
        bool is_idle = i % 2 == 1; /* its destructor is the first of it that allocates */
        good = good &&
               pthread_create(&thread, NULL, is_idle ? with_one_destructor : with_destructors,
                              is_idle ? strdup("main's") : (void *)&keys) == 0 &&
               pthread_join(thread, NULL) == 0;
    }
    tap_check(good && destructor_calls >= 2000 && strcmp(left_by_destructor, "the thread's last words") == 0,
              "destructors of threads allocate and free: %u calls", destructor_calls);
    free(left_by_destructor);
}

/* ---- after main ---- */

static int told; /* a pipe */
static char *for_the_end;

static void tell(const char *text) {
    char *copy = strdup(text);
    free(malloc(5000));
    if (write(told, copy, strlen(copy)) < 0)
        _exit(9);
    free(copy);
}

static void at_end(void) {
    tell(for_the_end);
    free(for_the_end);
    for_the_end = strdup("after the end");
}

__attribute__((destructor)) static void after_main(void) {
    if (for_the_end != NULL) {
        tell(for_the_end);
        free(for_the_end);
    }
}

static void *busy_for_ever(void *arg) {
    for (;;)
        free(malloc(100));
    return arg;
}

static void check_after_main(void) {
    int ends[2];
    char said[100] = "";
    if (pipe(ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        told = ends[1];
        for_the_end = strdup("at the end, ");
        atexit(at_end);
        pthread_create(&thread, NULL, busy_for_ever, NULL); /* it is still there at the end */
        exit(0);
    }
    close(ends[1]);
    for (size_t length = 0; length < sizeof said - 1;) {
        ssize_t got = read(ends[0], said + length, sizeof said - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    close(ends[0]);
    tap_check(child_succeeds(child) && strcmp(said, "at the end, after the end") == 0,
              "handlers and destructors of the program's end allocate and free");
}

static void *exit_program(void *arg) {
    usleep(10000);
    free(arg);
    exit(0);
}

static void check_main_thread_ends(void) {
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exit_program, malloc(100));
        pthread_exit(NULL);
    }
    tap_check(child_succeeds(child), "the first thread ends before the program does");
}

int main(int argc, char **argv) {
    check_constructor();
    if (argc > 2)
        check_modules(argv[2]);
    check_thread_destructors();
    check_after_main();
    check_main_thread_ends();
    return tap_end();
}
