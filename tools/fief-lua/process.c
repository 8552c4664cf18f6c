#define _POSIX_C_SOURCE 200809L

#include "process.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_BYTES = 8192 };

/* ---- memory ---- */

/* Reads a small file of /proc without touching malloc. False: there is no such file. */
static bool read_text(const char *path, char text[TEXT_BYTES]) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    size_t length = 0;
    ssize_t got;
    while (length < TEXT_BYTES - 1 && (got = read(file, text + length, TEXT_BYTES - 1 - length)) > 0)
        length += (size_t)got;
    close(file);
    text[length] = '\0';
    return length > 0;
}

/* The value of a line such as "Rss:      1234 kB"; 0 if it is not there. */
static size_t find_kilobytes(const char *text, const char *key) {
    const char *line = strstr(text, key);
    return line != NULL ? (size_t)strtoull(line + strlen(key), NULL, 10) * 1024 : 0;
}

/* smaps_rollup is exact; status, where there is no smaps_rollup, lags by some pages of each thread. */
process_memory process_memory_now(void) {
    char text[TEXT_BYTES];
    if (read_text("/proc/self/smaps_rollup", text))
        return (process_memory){find_kilobytes(text, "\nRss:"), find_kilobytes(text, "\nAnonymous:")};
    if (read_text("/proc/self/status", text))
        return (process_memory){find_kilobytes(text, "\nVmRSS:"), find_kilobytes(text, "\nRssAnon:")};
    return (process_memory){0, 0};
}

size_t process_peak_resident_bytes(void) {
    char text[TEXT_BYTES];
    return read_text("/proc/self/status", text) ? find_kilobytes(text, "\nVmHWM:") : 0;
}

void process_prepare_malloc(void) {
#ifdef M_ARENA_MAX
    mallopt(M_ARENA_MAX, 1);
#endif
}

void process_trim_malloc(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* ---- time ---- */

static uint64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t process_clock_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t process_thread_clock_ns(void) {
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
