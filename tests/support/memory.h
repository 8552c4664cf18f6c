/* What the system says this process uses. */
#ifndef FI_TESTS_SUPPORT_MEMORY_H
#define FI_TESTS_SUPPORT_MEMORY_H

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* Resident bytes. statm is exact enough: the kernel folds its per-thread counters in when it is read. */
static inline size_t resident_bytes(void) {
    unsigned long size = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL)
        return 0;
    int fields = fscanf(statm, "%lu %lu", &size, &resident);
    fclose(statm);
    return fields == 2 ? resident * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

#endif
