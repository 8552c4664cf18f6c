/* The command line of fief run. */
#ifndef FIEF_OPTIONS_H
#define FIEF_OPTIONS_H

#include "shims.h"

#include <fief/fief.h>

typedef struct options {
    const char *level;  /* of FIEF_CONF's debug; NULL: not given */
    size_t limit_bytes; /* 0: not given */
    const char *report; /* a file; NULL: stderr */
    bool stats;
    bool leaks;
    bool picks_shims; /* none was given: the program decides */
    shim_set shims;
    char **command; /* ends in NULL */
} options;

typedef enum options_verdict { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG } options_verdict;

/* `argv` begins with the verb. OPTIONS_DONE: help was asked for and given. OPTIONS_WRONG: it was said what is. */
options_verdict options_parse(options *o, int argc, char **argv);

#endif
