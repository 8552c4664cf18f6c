/* fief: puts the allocator under a program as it is. */
#include "complaint.h"
#include "run.h"

#include <fief/fief.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: fief run [option...] [--] command [argument...]\n"
    "       fief --help | --version\n"
    "\n"
    "fief run      run a command, unchanged, with fief as its allocator; 'fief run --help' tells the options\n";

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "run") == 0)
        return run(argc - 1, argv + 1);
    if (strcmp(verb, "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(verb, "--version") == 0) {
        printf("fief %d.%d.%d\n", FIEF_VERSION_MAJOR, FIEF_VERSION_MINOR, FIEF_VERSION_PATCH);
        return EXIT_SUCCESS;
    }
    if (verb[0] != '\0')
        complain("there is no '%s'", verb);
    fputs(usage, stderr);
    return STATUS_IMPOSSIBLE;
}
