/* A library whose constructor, before any allocation of its own, has handlers called at a fork that allocate all
 * sizes: the program below forks, and comes back. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned calls;

static void allocate(void) {
    calls++;
    for (size_t bytes = 16; bytes <= (size_t)4 << 20; bytes *= 2)
        for (unsigned i = 0; i < 32; i++) {
            volatile char *p = malloc(bytes);
            if (p != NULL)
                p[0] = 1;
            free((void *)p);
        }
}

__attribute__((constructor)) static void install(void) {
    (void)pthread_atfork(allocate, allocate, allocate);
}

int main(void) {
    alarm(60); /* a deadlock is a failure */
    bool good = true;
    for (unsigned i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(calls == 2 * i + 2 ? 0 : 1);
        int status;
        good = good && waitpid(child, &status, 0) == child && status == 0;
    }
    printf("1..1\n%s 1 - handlers of a fork may allocate\n", good ? "ok" : "not ok");
    return 0;
}
