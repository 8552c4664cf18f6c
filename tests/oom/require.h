/* What a scenario requires, in the process of its own that it runs in. */
#ifndef FI_TESTS_OOM_REQUIRE_H
#define FI_TESTS_OOM_REQUIRE_H

#include <stdio.h>
#include <unistd.h>

#define REQUIRE(condition)                                                                                        \
    do {                                                                                                          \
        if (!(condition)) {                                                                                       \
            fprintf(stderr, "oom: line %d: not so: %s\n", __LINE__, #condition);                                  \
            _exit(1);                                                                                             \
        }                                                                                                         \
    } while (0)

#endif
