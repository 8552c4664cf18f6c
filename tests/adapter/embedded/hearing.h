/* Keeps the last report: which misuse, and both names. */
#ifndef FI_TESTS_ADAPTER_HEARING_H
#define FI_TESTS_ADAPTER_HEARING_H

#include <fief/fief.h>

#include <stdio.h>
#include <string.h>

typedef struct told {
    unsigned count;
    fief_misuse kind;
    char owner_name[64], caller_name[64];
} told;

static inline void hear(const fief_report *report, void *arg) {
    told *t = (told *)arg;
    t->count++;
    t->kind = report->kind;
    snprintf(t->owner_name, sizeof t->owner_name, "%s", report->owner_name);
    snprintf(t->caller_name, sizeof t->caller_name, "%s", report->caller_name);
}

static inline fief_config hearing(const char *name, told *heard) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.report = hear;
    config.report_arg = heard;
    return config;
}

static inline bool is_told(const told *t, fief_misuse kind, const char *owner_name, const char *caller_name) {
    return t->count == 1 && t->kind == kind && strcmp(t->owner_name, owner_name) == 0 &&
           strcmp(t->caller_name, caller_name) == 0;
}

#endif
