/* Runs the tests that criterion.h has collected: each in a child process, whose end is compared with what was
 * expected. What a failing assertion has to say reaches the parent through a page that both share, so that no exit
 * status, and no output of the test's own, is mistaken for it.
 *
 * Arguments: names of tests, as `suite::name` or `suite`; none means all. Of Criterion's options --always-succeed
 * is followed, the others mean nothing here. */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef enum how { WENT_ON = 0, FAILED, SKIPPED, RETURNED } how;

typedef struct outcome {
    how how;         /* written by the child */
    char text[4000]; /* why */
} outcome;

static plain_suite *suites;
static plain_test *tests, **tests_end = &tests;
static outcome *shared;

void plain_add_suite(plain_suite *suite) {
    suite->next = suites;
    suites = suite;
}

void plain_add_test(plain_test *test) {
    *tests_end = test;
    tests_end = &test->next;
}

/* ---- in the child ---- */

_Noreturn static void end_with(how end, int status) {
    shared->how = end;
    fflush(NULL);
    _exit(status);
}

_Noreturn void plain_fail(const char *file, int line, const char *what, const char *message, ...) {
    size_t room = sizeof shared->text;
    int length = snprintf(shared->text, room, "%s:%d: not so: %s", file, line, what);
    if (message != NULL && length >= 0 && (size_t)length + 1 < room) {
        va_list arguments;
        va_start(arguments, message);
        shared->text[length++] = '\n';
        vsnprintf(shared->text + length, room - (size_t)length, message, arguments);
        va_end(arguments);
    }
    end_with(FAILED, EXIT_FAILURE);
}

_Noreturn void plain_skip(const char *reason, ...) {
    va_list arguments;
    va_start(arguments, reason);
    vsnprintf(shared->text, sizeof shared->text, reason, arguments);
    va_end(arguments);
    end_with(SKIPPED, EXIT_SUCCESS);
}

static const plain_options *options_of_suite(const char *name) {
    static const plain_options none;
    for (const plain_suite *suite = suites; suite != NULL; suite = suite->next)
        if (strcmp(suite->name, name) == 0)
            return &suite->options;
    return &none;
}

_Noreturn static void run_in_this_process(const plain_test *test) {
    const plain_options *suite = options_of_suite(test->suite);
    void (*init)(void) = test->options.init != NULL ? test->options.init : suite->init;
    void (*fini)(void) = test->options.fini != NULL ? test->options.fini : suite->fini;
    double timeout = test->options.timeout > 0 ? test->options.timeout : suite->timeout;
    if (timeout > 0)
        alarm((unsigned)timeout + 1);
    if (init != NULL)
        init();
    test->body();
    if (fini != NULL)
        fini();
    if (shared->how == WENT_ON) /* else a child of its own has failed */
        shared->how = RETURNED;
    exit(EXIT_SUCCESS); /* not _exit: tools that look at the whole process have something to say at its end */
}

/* ---- in the parent ---- */

static int expected_signal(const plain_test *test) {
    return test->options.signal != 0 ? test->options.signal : options_of_suite(test->suite)->signal;
}

static int expected_status(const plain_test *test) {
    return test->options.exit_code != 0 ? test->options.exit_code : options_of_suite(test->suite)->exit_code;
}

/* Completes `text` where the end was not the expected one. */
static bool is_as_expected(const plain_test *test, int state) {
    int killed_by = WIFSIGNALED(state) ? WTERMSIG(state) : 0, status = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    int wanted_signal = expected_signal(test), wanted_status = expected_status(test);
    if (shared->how == FAILED || (shared->how == SKIPPED && killed_by == 0 && status == 0))
        return shared->how == SKIPPED;
    if (wanted_signal != 0 && killed_by == wanted_signal)
        return true;
    bool came_to_its_end = shared->how == RETURNED || wanted_status != 0;
    if (wanted_signal == 0 && killed_by == 0 && status == wanted_status && came_to_its_end)
        return true;
    snprintf(shared->text, sizeof shared->text,
             "it ended with signal %d, status %d%s; wanted: signal %d, status %d%s", killed_by, status,
             shared->how == RETURNED ? " at its end" : "", wanted_signal, wanted_signal != 0 ? -1 : wanted_status,
             killed_by == SIGALRM ? " in time" : "");
    return false;
}

/* As comments, whatever is in it. */
static void print_text(const char *text) {
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        printf("# %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static bool run(const plain_test *test, unsigned number) {
    if (test->options.disabled || options_of_suite(test->suite)->disabled) {
        printf("ok %u - %s::%s # SKIP disabled\n", number, test->suite, test->name);
        return true;
    }
    double start = now();
    int state = 0;
    shared->how = WENT_ON;
    shared->text[0] = '\0';
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_in_this_process(test);
    bool passed = child > 0 && waitpid(child, &state, 0) == child && is_as_expected(test, state);
    printf("%s %u - %s::%s", passed ? "ok" : "not ok", number, test->suite, test->name);
    if (passed && shared->how == SKIPPED)
        printf(" # SKIP %s\n", shared->text);
    else
        printf("  (%.2fs)\n", now() - start);
    if (!passed)
        print_text(child > 0 ? shared->text : "it could not be run");
    fflush(stdout);
    return passed;
}

static bool is_meant(const plain_test *test, const char *argument) {
    size_t length = strlen(test->suite);
    if (strncmp(argument, test->suite, length) != 0)
        return false;
    return argument[length] == '\0' ||
           (strncmp(argument + length, "::", 2) == 0 && strcmp(argument + length + 2, test->name) == 0);
}

static bool is_wanted(const plain_test *test, int argc, char **argv) {
    bool named = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        named = true;
        if (is_meant(test, argv[i]))
            return true;
    }
    return !named;
}

static bool has_option(int argc, char **argv, const char *option) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], option) == 0)
            return true;
    return false;
}

int main(int argc, char **argv) {
    unsigned count = 0, number = 0, failed = 0;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (const plain_test *test = tests; test != NULL; test = test->next)
        count += is_wanted(test, argc, argv);
    if (shared == MAP_FAILED || count == 0) {
        printf("Bail out! %s\n", count == 0 ? "there is no such test" : "no memory");
        return 2;
    }
    printf("TAP version 13\n1..%u\n", count);
    for (const plain_test *test = tests; test != NULL; test = test->next)
        if (is_wanted(test, argc, argv))
            failed += !run(test, ++number);
    return failed == 0 || has_option(argc, argv, "--always-succeed") ? EXIT_SUCCESS : EXIT_FAILURE;
}
