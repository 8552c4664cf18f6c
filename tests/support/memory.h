/* What the system says this process uses. */
#ifndef FI_TESTS_SUPPORT_MEMORY_H
#define FI_TESTS_SUPPORT_MEMORY_H

#include "support/emulator.h"
#include "support/sanitizer.h"

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

/* Why that tells nothing of ours here; NULL: it does. */
static inline const char *why_memory_is_not_measured(void) {
    if (UNDER_SANITIZER)
        return "a sanitizer's own memory drowns what the system says of ours";
    return is_emulated() ? "what the system says is about the emulator" : NULL;
}

#define skip_unless_memory_is_measured()                                                                          \
    do {                                                                                                          \
        if (why_memory_is_not_measured() != NULL)                                                                 \
            cr_skip_test("%s", why_memory_is_not_measured());                                                     \
    } while (0)

#endif
