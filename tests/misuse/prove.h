/* Runs cases, and compares what is told with what was promised. */
#ifndef FI_TESTS_MISUSE_PROVE_H
#define FI_TESTS_MISUSE_PROVE_H

#include "misuse/scene.h"

/* Of one case at one level of the owner. */
typedef struct tally {
    unsigned cells;    /* runs of the bug */
    unsigned promised; /* of these, in which it must be told */
    unsigned found;    /* and in which it was, exactly as promised */
    unsigned quiet;    /* runs without the bug, in which nothing was told */
    unsigned clean;    /* all of these */
} tally;

/* All kinds of blocks, all levels of the other interpreter, both policies. False: `why` tells what was wrong
 * first. */
bool prove(const misuse_case *of, fief_debug level, tally *score, char *why, size_t room);

#endif
