/* Prints what each level promises to tell, and how much of it was told, as a table in Markdown. */
#include "misuse/cases.h"
#include "misuse/prove.h"

#include <stdio.h>
#include <string.h>

static bool failed;

static void print_cell(const tally *score) {
    if (score->promised == 0)
        printf(" - |");
    else
        printf(" %u of %u |", score->found, score->promised);
}

static void print_row(const misuse_case *of, unsigned *quiet, unsigned *clean) {
    printf("| %s |", of->name);
    for (unsigned level = FIEF_DEBUG_OFF; level <= FIEF_DEBUG_GUARD; level++) {
        static char why[4096];
        tally score;
        if (!prove(of, (fief_debug)level, &score, why, sizeof why)) {
            fprintf(stderr, "%s\n", why);
            failed = true;
        }
        print_cell(&score);
        *quiet += score.quiet;
        *clean += score.clean;
    }
    printf("\n");
    fflush(stdout);
}

#define PRINT_ROW(name)                                                                                           \
    if (argc < 2 || strcmp(argv[1], #name) == 0)                                                                  \
        print_row(&case_##name, &quiet, &clean);

/* The name of a case: that row alone. */
int main(int argc, char **argv) {
    unsigned quiet = 0, clean = 0;
    printf("| misuse | off | check | full | guard |\n| --- | ---: | ---: | ---: | ---: |\n");
    FOR_CASES(PRINT_ROW)
    printf("\nOf the same programs without the bug %u of %u were told nothing of.\n", quiet, clean);
    return failed;
}
