/* Random damage to everything that a watched heap knows its blocks by: `corruption --count N` does N states, half
 * of them to memory that programs have, half to fief's own records. */
#define _GNU_SOURCE
#include "heaps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv) {
    uint64_t count = 10000, seed = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t number = strtoull(argv[i + 1], NULL, 0);
        if (strcmp(argv[i], "--count") == 0)
            count = number;
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strcmp(argv[i + 1], "clock") == 0 ? (uint64_t)time(NULL) * 1000000 : number;
    }
    printf("seed %" PRIu64 "\n", seed);
    setenv("FIEF_CONF", "leaks:0,tools:0", 1); /* every heap has some */
    fflush(stdout);
    corrupt_memory(count / 2, seed);
    corrupt_records(count / 2, seed);
    printf("%" PRIu64 " states, no crash\n", count);
    return 0;
}
