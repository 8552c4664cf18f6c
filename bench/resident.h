// What of this process is in memory.
#ifndef BENCH_RESIDENT_H
#define BENCH_RESIDENT_H

#include <cstdio>

namespace bench {

// Resident bytes, as the kernel adds them up for this process now.
inline double resident() {
    char line[256];
    double kilobytes = 0;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    while (rollup != nullptr && fgets(line, sizeof line, rollup) != nullptr)
        if (sscanf(line, "Rss: %lf", &kilobytes) == 1)
            break;
    if (rollup != nullptr)
        fclose(rollup);
    return kilobytes * 1024;
}

} // namespace bench

#endif
