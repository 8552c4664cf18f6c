/* Runs a part of a test in a child process, to see how it ends and what it writes to stderr.
 *
 * The child must not use Criterion's assertions: what it finds out it tells by its exit status. */
#ifndef FI_TESTS_SUPPORT_CHILD_H
#define FI_TESTS_SUPPORT_CHILD_H

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct child_end {
    int signal;        /* what ended it; 0: it returned */
    int status;        /* what it returned; -1 if it did not */
    size_t said_bytes; /* all that it wrote to stderr */
    char said[8192];   /* as much of that as fits, as a string */
} child_end;

static inline void child_listen(int from, child_end *end) {
    char chunk[4096];
    ssize_t got;
    while ((got = read(from, chunk, sizeof chunk)) > 0) {
        size_t bytes = (size_t)got;
        size_t room = end->said_bytes < sizeof end->said - 1 ? sizeof end->said - 1 - end->said_bytes : 0;
        memcpy(end->said + (sizeof end->said - 1 - room), chunk, bytes < room ? bytes : room);
        end->said_bytes += bytes;
    }
}

/* qemu has a last word of its own when a signal ends what it runs. */
static inline void child_forget_emulator(child_end *end) {
    char *last_word = strstr(end->said, "qemu: uncaught target signal");
    if (last_word == NULL)
        return;
    end->said_bytes -= strlen(last_word);
    *last_word = '\0';
}

static inline child_end run_in_child(int (*body)(void *arg), void *arg) {
    child_end end = {.status = -1};
    int pipe_ends[2];
    cr_assert_eq(pipe(pipe_ends), 0);
    pid_t child = fork();
    cr_assert_neq(child, -1);
    if (child == 0) {
        dup2(pipe_ends[1], STDERR_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        _exit(body(arg));
    }
    close(pipe_ends[1]);
    child_listen(pipe_ends[0], &end);
    child_forget_emulator(&end);
    close(pipe_ends[0]);
    int state;
    cr_assert_eq(waitpid(child, &state, 0), child);
    if (WIFSIGNALED(state))
        end.signal = WTERMSIG(state);
    else
        end.status = WEXITSTATUS(state);
    return end;
}

#define assert_says(end, text) cr_assert_not_null(strstr((end).said, (text)), "it said: %s", (end).said)

#define assert_aborted(end) cr_assert_eq((end).signal, SIGABRT, "signal %d, status %d", (end).signal, (end).status)

#define assert_returned(end) cr_assert_eq((end).status, 0, "signal %d, status %d", (end).signal, (end).status)

#endif
