/* What was told, and whether it is what was expected. */
#ifndef FI_TESTS_MISUSE_TOLD_H
#define FI_TESTS_MISUSE_TOLD_H

#include "misuse/scene.h"

enum { MOST_TOLD = 12, TEXT_BYTES = 16 * 1024 };

/* A report, copied. */
typedef struct kept {
    fief_report report; /* its strings are the copies below */
    char operation[64], verdict[64], kind_name[32], owner_name[64], caller_name[64], tag[32], domain[32];
    char text[TEXT_BYTES], json[TEXT_BYTES];
} kept;

/* The first so many; the count goes on. */
typedef struct all_told {
    unsigned count;
    kept reports[MOST_TOLD];
} all_told;

extern all_told the_told;

/* For fief_config.report. */
void told_report(const fief_report *report, void *arg);

/* A line of a report: how it begins, and how it ends. Between is what nobody can know beforehand. */
typedef struct line {
    char begin[200], end[120];
} line;

enum { MOST_LINES = 10 };

/* The lines that a text must have. */
unsigned lines_of(const expected *e, const char *verdict, line out[MOST_LINES]);

/* Says which one is missing. */
void compare_text(const char *text, const line *lines, unsigned count);

/* Says what differs. */
void compare_report(const kept *t, const expected *e);

/* The same of the JSON alone; without a parser, that it is JSON. */
void compare_json(const kept *t, const expected *e);

#endif
