/* Whether another program runs this one instruction by instruction: qemu, or Valgrind. All is slower there, and
 * what the system says of the process is about that program as well. */
#ifndef FI_TESTS_SUPPORT_EMULATOR_H
#define FI_TESTS_SUPPORT_EMULATOR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Such a program has its own name as the process's, whatever it shows under the other files there. */
static inline bool is_emulated(void) {
    const char *said = getenv("FIEF_TEST_EMULATED");
    if (said != NULL)
        return strcmp(said, "0") != 0;
    char name[32] = "";
    FILE *comm = fopen("/proc/self/comm", "r");
    if (comm == NULL)
        return false;
    bool known = fgets(name, sizeof name, comm) != NULL;
    fclose(comm);
    return known && (strncmp(name, "qemu-", 5) == 0 || strncmp(name, "memcheck-", 9) == 0);
}

#endif
