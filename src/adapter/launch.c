#define _GNU_SOURCE 1 /* secure_getenv, environ; the same as -D_GNU_SOURCE */
#include "adapter/launch.h"

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

typedef struct span {
    const char *start;
    size_t bytes;
} span;

static fi_launch launch;
static pthread_once_t is_read = PTHREAD_ONCE_INIT;

/* A second descriptor of stderr, for what is told at the end: well-behaved programs close theirs before. */
enum { NO_FILE = -1, SPARE_STDERR_FROM = 200 };
static int spare_stderr = NO_FILE;
static struct stat spare_is;

/* ---- writing ---- */

static void write_all(int to, const char *text, size_t bytes) {
    while (bytes > 0) {
        ssize_t written = write(to, text, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        text += written;
        bytes -= (size_t)written;
    }
}

/* Opened for each text: a descriptor that is kept can be closed by the program, and its number be another file's
 * then. One write at the file's end keeps the texts of several processes apart. */
static bool append(const char *path, const char *text, size_t bytes) {
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (file < 0)
        return false;
    write_all(file, text, bytes);
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
        write_all(find_stderr(), text, bytes);
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

static void warn(span item) {
    char text[256];
    int most = item.bytes < 128 ? (int)item.bytes : 128;
    int length = snprintf(text, sizeof text, "fief: FIEF_RUN: not understood: \"%.*s\"\n", most, item.start);
    write_all(STDERR_FILENO, text, (size_t)length);
}

/* The text up to the first `mark`, which is taken off it, too. */
static span split_off(span *text, char mark) {
    const char *at = memchr(text->start, mark, text->bytes);
    span first = {text->start, at != NULL ? (size_t)(at - text->start) : text->bytes};
    size_t taken = first.bytes + (at != NULL);
    text->start += taken;
    text->bytes -= taken;
    return first;
}

static bool equals(span s, const char *string) {
    return strlen(string) == s.bytes && memcmp(s.start, string, s.bytes) == 0;
}

static unsigned shift_of(char suffix) {
    return suffix == 'K' || suffix == 'k'   ? 10
           : suffix == 'M' || suffix == 'm' ? 20
           : suffix == 'G' || suffix == 'g' ? 30
                                            : 0;
}

static bool read_size(span value, size_t *out) {
    unsigned shift = value.bytes > 1 ? shift_of(value.start[value.bytes - 1]) : 0;
    value.bytes -= shift != 0;
    size_t number = 0, most = (size_t)PTRDIFF_MAX >> shift;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned digit = (unsigned)(unsigned char)value.start[i] - '0';
        if (digit > 9 || number > (most - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number << shift;
    return value.bytes > 0;
}

static bool read_path(span value, char *out) {
    if (value.bytes == 0 || value.bytes >= FI_LAUNCH_PATH_BYTES)
        return false;
    memcpy(out, value.start, value.bytes);
    out[value.bytes] = '\0';
    return true;
}

static bool read_switch(span value, bool *out) {
    *out = equals(value, "1");
    return *out || equals(value, "0");
}

static bool read_item(span item) {
    span value = item;
    span key = split_off(&value, ':');
    if (equals(key, "limit"))
        return read_size(value, &launch.limit_bytes);
    if (equals(key, "report"))
        return read_path(value, launch.report);
    if (equals(key, "stats"))
        return read_switch(value, &launch.stats);
    if (equals(key, "check"))
        return read_switch(value, &launch.check);
    return equals(key, "leaks") && read_switch(value, &launch.leaks);
}

static void read_all(void) {
    const char *text = secure_getenv("FIEF_RUN");
    span rest = {text, text != NULL ? strlen(text) : 0};
    while (rest.bytes > 0) {
        span item = split_off(&rest, ',');
        if (item.bytes > 0 && !read_item(item))
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
