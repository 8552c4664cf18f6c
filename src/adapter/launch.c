#define _GNU_SOURCE 1 /* secure_getenv, environ; the same as -D_GNU_SOURCE */
#include "adapter/launch.h"

#include "base/piece.h"
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static fi_launch launch;
static pthread_once_t is_read = PTHREAD_ONCE_INIT;

/* A second descriptor of stderr, for what is told at the end: well-behaved programs close theirs before. */
enum { NO_FILE = -1, SPARE_STDERR_FROM = 200 };
static int spare_stderr = NO_FILE;
static struct stat spare_is;

/* ---- writing ---- */

/* Opened for each text: a descriptor that is kept can be closed by the program, and its number be another file's
 * then. One write at the file's end keeps the texts of several processes apart. */
static bool append(const char *path, const char *text, size_t bytes) {
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (file < 0)
        return false;
    fi_write_all(file, text, bytes);
    close(file);
    return true;
}

static bool wants_end(void) {
    return launch.stats || launch.check || launch.leaks;
}

/* The spare is there only if something is wanted at the end. The program may have closed it, and have another file
 * there. */
static void keep_stderr(void) {
    if (launch.report[0] != '\0' || !wants_end())
        return;
    spare_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, SPARE_STDERR_FROM);
    if (spare_stderr != NO_FILE)
        (void)fstat(spare_stderr, &spare_is);
}

static int find_stderr(void) {
    struct stat is;
    bool is_closed = fcntl(STDERR_FILENO, F_GETFD) < 0;
    bool has_spare = spare_stderr != NO_FILE && fstat(spare_stderr, &is) == 0 && is.st_dev == spare_is.st_dev &&
                     is.st_ino == spare_is.st_ino;
    return is_closed && has_spare ? spare_stderr : STDERR_FILENO;
}

void fi_launch_tell(const char *text, size_t bytes) {
    int saved = errno;
    const char *path = fi_launch_get()->report;
    if (path[0] == '\0' || !append(path, text, bytes))
        fi_write_all(find_stderr(), text, bytes);
    errno = saved;
}

void fi_launch_report(const fief_report *report, void *arg) {
    (void)arg;
    fi_launch_tell(report->text, strlen(report->text));
}

fief_report_fn *fi_launch_report_fn(void) {
    return fi_launch_get()->report[0] != '\0' ? fi_launch_report : NULL;
}

/* ---- reading ---- */

static void warn(fi_piece item) {
    char text[256];
    int most = fi_piece_bytes(item) < 128 ? (int)fi_piece_bytes(item) : 128;
    int length = snprintf(text, sizeof text, "fief: FIEF_RUN: not understood: \"%.*s\"\n", most, item.start);
    fi_write_all(STDERR_FILENO, text, (size_t)length);
}

static bool read_size(fi_piece value, size_t *out) {
    uint64_t bytes;
    if (!fi_piece_number(value, true, PTRDIFF_MAX, &bytes))
        return false;
    *out = bytes;
    return true;
}

static bool read_switch(fi_piece value, bool *out) {
    *out = fi_piece_equals(value, "1");
    return *out || fi_piece_equals(value, "0");
}

static bool read_item(fi_piece item) {
    fi_piece value = item;
    fi_piece key = fi_piece_split_off(&value, ':');
    if (fi_piece_equals(key, "limit"))
        return read_size(value, &launch.limit_bytes);
    if (fi_piece_equals(key, "report"))
        return fi_piece_copy(value, launch.report, sizeof launch.report);
    if (fi_piece_equals(key, "stats"))
        return read_switch(value, &launch.stats);
    if (fi_piece_equals(key, "check"))
        return read_switch(value, &launch.check);
    return fi_piece_equals(key, "leaks") && read_switch(value, &launch.leaks);
}

static void read_all(void) {
    for (fi_piece rest = fi_piece_of(secure_getenv("FIEF_RUN")); rest.start < rest.end;) {
        fi_piece item = fi_piece_split_off(&rest, ',');
        if (fi_piece_bytes(item) > 0 && !read_item(item))
            warn(item);
    }
    keep_stderr();
}

/* The dynamic linker may allocate before the C library knows the environment: that is not to be taken for an
 * empty one, and remembered. */
const fi_launch *fi_launch_get(void) {
    int saved = errno;
    if (environ != NULL)
        pthread_once(&is_read, read_all);
    errno = saved;
    return &launch;
}

bool fi_launch_wants_end(void) {
    (void)fi_launch_get();
    return wants_end();
}
