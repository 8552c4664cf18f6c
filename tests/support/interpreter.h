/* Interpreters for tests: made with few words, their reports kept, their counters read exactly. */
#ifndef FI_TESTS_SUPPORT_INTERPRETER_H
#define FI_TESTS_SUPPORT_INTERPRETER_H

#include <criterion/criterion.h>
#include <fief/fief.h>
#include <stdio.h>
#include <string.h>

/* Keeps what a report callback was told. */
typedef struct witness {
    unsigned count;                    /* reports so far */
    unsigned kinds[FIEF_MISUSE_COUNT]; /* of each kind */
    fief_report last;                  /* its strings are the copies below */
    char kind_name[32], operation[64], verdict[64], owner_name[64], caller_name[64], text[8192];
} witness;

static inline const char *witness_copy(char *to, size_t room, const char *from) {
    snprintf(to, room, "%s", from);
    return to;
}

static inline void witness_report(const fief_report *report, void *arg) {
    witness *w = arg;
    w->count++;
    w->kinds[report->kind]++;
    w->last = *report;
    w->last.kind_name = witness_copy(w->kind_name, sizeof w->kind_name, report->kind_name);
    w->last.operation = witness_copy(w->operation, sizeof w->operation, report->operation);
    w->last.verdict = witness_copy(w->verdict, sizeof w->verdict, report->verdict);
    w->last.owner_name = witness_copy(w->owner_name, sizeof w->owner_name, report->owner_name);
    w->last.caller_name = witness_copy(w->caller_name, sizeof w->caller_name, report->caller_name);
    w->last.text = witness_copy(w->text, sizeof w->text, report->text);
}

/* The default configuration under a name. */
static inline fief_config named(const char *name) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    return config;
}

/* One that goes on after a misuse, and tells the witness. */
static inline fief_config watched(const char *name, witness *w) {
    fief_config config = named(name);
    config.on_misuse = FIEF_MISUSE_REPORT;
    config.report = witness_report;
    config.report_arg = w;
    return config;
}

static inline fief *create(fief_config config) {
    fief *f = NULL;
    cr_assert_eq(fief_create(&f, &config), FIEF_OK);
    return f;
}

static inline fief_stats exact_stats(fief *f) {
    fief_stats stats;
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    return stats;
}

/* The compiler knows that two allocations differ, and how large they may be: this makes it forget. */
static inline void *opaque(void *p) {
    __asm__ volatile("" : "+r"(p));
    return p;
}

static inline size_t opaque_size(size_t size) {
    __asm__ volatile("" : "+r"(size));
    return size;
}

#endif
