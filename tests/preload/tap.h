/* What the programs of this suite have in common: they speak TAP, and work with any malloc, so that the C
 * library's own is the control. A first argument "fief" says that it is ours that they run on.
 *
 * They are compiled without the compiler's knowledge of malloc, which would take out what it holds to be useless.
 */
#ifndef FI_TESTS_PRELOAD_TAP_H
#define FI_TESTS_PRELOAD_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>

static int tap_count, tap_failures;

__attribute__((format(printf, 2, 3))) static inline void tap_check(bool good, const char *what, ...) {
    va_list arguments;
    va_start(arguments, what);
    printf("%sok %d - ", good ? "" : "not ", ++tap_count);
    vprintf(what, arguments);
    putchar('\n');
    fflush(stdout); /* a test that forks must not have lines to write twice */
    va_end(arguments);
    tap_failures += !good;
}

static inline void tap_skip(const char *what, const char *why) {
    printf("ok %d - %s # SKIP %s\n", ++tap_count, what, why);
    fflush(stdout);
}

/* What main returns. */
static inline int tap_end(void) {
    printf("1..%d\n", tap_count);
    return tap_failures != 0;
}

static inline bool tap_is_fief(int argc, char **argv) {
    return argc > 1 && strcmp(argv[1], "fief") == 0;
}

/* A child that does not end well is no success, however it ends. */
static inline bool child_succeeds(pid_t child) {
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
