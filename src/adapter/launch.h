/* What the command that started this process wants of the libraries that it was given: FIEF_RUN, which `fief run`
 * sets.
 *
 *     FIEF_RUN=limit:64M,report:/tmp/report.txt,stats:1
 *
 * Items are parted by commas, a key from its value by the first colon. Like all of a preloaded library, none of
 * this allocates, and nothing of it goes to the program's stdout. */
#ifndef FI_ADAPTER_LAUNCH_H
#define FI_ADAPTER_LAUNCH_H

#include "fief/fief.h"

enum { FI_LAUNCH_PATH_BYTES = 1024 };

typedef struct fi_launch {
    size_t limit_bytes;                /* of the process's blocks together; 0: none */
    char report[FI_LAUNCH_PATH_BYTES]; /* where reports and statistics are appended; "": stderr */
    bool stats;                        /* tell at the end what was used */
    bool check;                        /* look through all heaps at the end */
    bool leaks;                        /* tell at the end what is live */
} fi_launch;

/* Read once, at the first call. An item that is not understood is told on stderr, and the rest applies. */
const fi_launch *fi_launch_get(void);

/* Whether anything is to be done at the process's end. */
bool fi_launch_wants_end(void);

/* A fief_report_fn: appends to the file. Use it as fi_launch_report_fn() says. */
void fi_launch_report(const fief_report *report, void *arg);

/* For fief_config.report: fi_launch_report where there is a file, else NULL (stderr). */
fief_report_fn *fi_launch_report_fn(void);

/* Appends a text to the file, or writes it to stderr: to the one that the process began with, if it has closed it
 * and something was to be told at the end. */
void fi_launch_tell(const char *text, size_t bytes);

#endif
