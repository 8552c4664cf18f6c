/* options.h - what the command line asks for. */
#ifndef FIEF_LUA_OPTIONS_H
#define FIEF_LUA_OPTIONS_H

#include "plant.h"

#include <fief/fief.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct options {
    const char *program;
    unsigned state_count;
    unsigned thread_count;
    bool migrate;           /* every turn of a state on another thread than its last */
    bool quiet;             /* no progress */
    plant plant;            /* what one state does wrong, to be caught */
    fief_debug debug;       /* how closely the heaps are watched */
    size_t limit_bytes;     /* of each state; 0: none */
    size_t alignment;       /* of small blocks, in bytes */
    int slice_instructions; /* how long a turn is */
    char **scripts;         /* dealt out to the states in turn */
    unsigned script_count;
    char **script_arguments; /* what stands behind "--" */
    int script_argument_count;
} options;

typedef enum options_verdict {
    OPTIONS_RUN,
    OPTIONS_DONE, /* --help or --version: it has been printed */
    OPTIONS_WRONG /* what is wrong has been printed */
} options_verdict;

options_verdict options_parse(options *o, int argc, char **argv);

/* The script that a state runs; states are numbered from 1. */
const char *options_script_of(const options *o, unsigned state_number);

/* A path without its folders. */
const char *options_file_name(const char *path);

#endif
