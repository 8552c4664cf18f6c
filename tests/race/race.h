/* What the race tests share: they stop at the first thing that is not as it should be. */
#ifndef FI_TESTS_RACE_RACE_H
#define FI_TESTS_RACE_RACE_H

#include <fief/fief.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                                        \
    do {                                                                                                          \
        if (!(condition)) {                                                                                       \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                               \
            exit(1);                                                                                              \
        }                                                                                                         \
    } while (0)

typedef void *race_thread(void *arg);

static inline pthread_t race_start(race_thread *run, void *arg) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, run, arg) == 0);
    return thread;
}

static inline void race_join(pthread_t thread) {
    REQUIRE(pthread_join(thread, NULL) == 0);
}

static inline fief *race_create(const char *name, fief_report_fn *report) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.on_misuse = FIEF_MISUSE_REPORT;
    config.report = report;
    fief *f;
    REQUIRE(fief_create(&f, &config) == FIEF_OK);
    return f;
}

static inline fief_stats race_stats(fief *f) {
    fief_stats stats;
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    return stats;
}

/* How long a test runs, in rounds of its own: FIEF_RACE_ROUNDS, or what it says itself. */
static inline unsigned race_rounds(unsigned usual) {
    const char *text = getenv("FIEF_RACE_ROUNDS");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : usual;
}

#endif
