/* Linux, on glibc and musl. */
#define _GNU_SOURCE
#include "os/os.h"

#include "base/atomics.h"
#include "base/attributes.h"
#include "base/bits.h"
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* As <linux/futex.h> has them, which musl's headers lack. */
enum { SLEEP_IF_SAME = 128, WAKE_SLEEPERS = 129 }; /* FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE */

#ifndef MREMAP_DONTUNMAP /* Linux 5.7; musl 1.2.3 and older headers lack it */
#define MREMAP_DONTUNMAP 4
#endif

enum { PROT_USABLE = PROT_READ | PROT_WRITE };

#define NS_PER_SECOND UINT64_C(1000000000)

/* ---- fault injection ---- */

static uint64_t requests_seen;
static uint64_t request_to_fail; /* 0: none */

static bool request_must_fail(void) {
    return fi_add_relaxed(&requests_seen, 1) + 1 == fi_load_relaxed(&request_to_fail);
}

void fi_os_fail_at(uint64_t nth) {
    fi_store_relaxed(&requests_seen, 0);
    fi_store_relaxed(&request_to_fail, nth);
}

uint64_t fi_os_request_count(void) {
    return fi_load_relaxed(&requests_seen);
}

/* ---- facts ---- */

size_t fi_os_page;

void fi_os_init(void) {
    fi_os_page = (size_t)sysconf(_SC_PAGESIZE);
}

/* Four times the memory leaves room to be chosen from; under a limit on address space, what the limit leaves. */
size_t fi_os_address_budget(void) {
    const uint64_t least = UINT64_C(64) << 30, most = UINT64_C(1) << 42;
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * fi_os_page_bytes();
    uint64_t budget = UINT64_C(1) << (fi_highest_bit(memory | 1) + 3);
    budget = budget < least ? least : budget > most ? most : budget;

    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < budget)
        budget = UINT64_C(1) << fi_highest_bit(limit.rlim_cur | 1);
    return (size_t)budget;
}

uint64_t fi_os_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t fi_os_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- sleeping ---- */

void fi_os_sleep(const uint32_t *word, uint32_t seen, uint64_t timeout_ns) {
    int saved = errno;
    struct timespec timeout = {(time_t)(timeout_ns / NS_PER_SECOND), (long)(timeout_ns % NS_PER_SECOND)};
    syscall(SYS_futex, word, SLEEP_IF_SAME, seen, timeout_ns != UINT64_MAX ? &timeout : NULL);
    errno = saved;
}

void fi_os_wake(const uint32_t *word) {
    int saved = errno;
    syscall(SYS_futex, word, WAKE_SLEEPERS, INT_MAX);
    errno = saved;
}

void fi_os_yield(void) {
    sched_yield();
}

/* A forked child is another thread: it asks again. */
FI_THREAD_LOCAL uint64_t fi_os_known_thread;

static void forget_thread_id(void) {
    fi_os_known_thread = 0;
}

uint64_t fi_os_ask_thread_id(void) {
    static uint64_t watches_forks;
    if (fi_or_acq_rel(&watches_forks, 1) == 0)
        (void)pthread_atfork(NULL, NULL, forget_thread_id);
    return fi_os_known_thread = (uint64_t)syscall(SYS_gettid);
}

void fi_os_stop(void) {
    raise(SIGTRAP);
}

/* ---- address space ---- */

static void *map(void *at, size_t bytes, int protection, int flags) {
    int saved = errno;
    void *p = mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    errno = saved;
    return p == MAP_FAILED ? NULL : p;
}

void *fi_os_reserve(size_t bytes, size_t alignment) {
    if (request_must_fail())
        return NULL;
    size_t slack = alignment > fi_os_page_bytes() ? alignment : 0;
    if (bytes + slack < bytes)
        return NULL;
    char *p = map(NULL, bytes + slack, PROT_NONE, 0);
    if (p == NULL)
        return NULL;
    char *aligned = (char *)fi_round_up((size_t)p, alignment);
    if (aligned > p)
        fi_os_release(p, (size_t)(aligned - p));
    size_t behind = slack - (size_t)(aligned - p);
    if (behind > 0)
        fi_os_release(aligned + bytes, behind);
    return aligned;
}

bool fi_os_reserve_at(void *at, size_t bytes) {
    if (request_must_fail())
        return false;
    void *p = map(at, bytes, PROT_NONE, MAP_FIXED_NOREPLACE);
    if (p != NULL && p != at) { /* kernels before 4.17 take the address for a hint */
        fi_os_release(p, bytes);
        return false;
    }
    return p != NULL;
}

void *fi_os_map_zeros(size_t bytes) {
    return request_must_fail() ? NULL : map(NULL, bytes, PROT_READ, 0);
}

static bool protect(void *at, size_t bytes, int protection) {
    int saved = errno;
    bool done = mprotect(at, bytes, protection) == 0;
    errno = saved;
    return done;
}

bool fi_os_enable(void *at, size_t bytes) {
    return !request_must_fail() && protect(at, bytes, PROT_USABLE);
}

bool fi_os_commit(void *at, size_t bytes) {
    return !request_must_fail() && protect(at, bytes, PROT_USABLE);
}

/* A fresh mapping gives the memory back and uncharges it in one call. It may be refused where that would split
 * one mapping too many. */
void fi_os_decommit(void *at, size_t bytes) {
    if (map(at, bytes, PROT_NONE, MAP_FIXED) == NULL)
        fi_os_purge(at, bytes);
}

bool fi_os_forbid(void *at, size_t bytes) {
    return !request_must_fail() && protect(at, bytes, PROT_NONE);
}

bool fi_os_freeze(void *at, size_t bytes) {
    return !request_must_fail() && protect(at, bytes, PROT_READ);
}

void fi_os_purge(void *at, size_t bytes) {
    int saved = errno;
    madvise(at, bytes, MADV_DONTNEED);
    errno = saved;
}

void fi_os_release(void *at, size_t bytes) {
    int saved = errno;
    munmap(at, bytes);
    errno = saved;
}

bool fi_os_move_pages(void *from, void *to, size_t bytes) {
    if (request_must_fail())
        return false;
    int saved = errno;
    void *p = mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to);
    errno = saved;
    return p != MAP_FAILED;
}

/* ---- stderr ---- */

const char *fi_os_setting(const char *name) {
    return secure_getenv(name);
}

void fi_os_write_error(const char *text, size_t bytes) {
    int saved = errno;
    fi_write_all(STDERR_FILENO, text, bytes);
    errno = saved;
}

bool fi_os_append_file(const char *path, const char *text, size_t bytes) {
    int saved = errno;
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file >= 0) {
        fi_write_all(file, text, bytes);
        close(file);
    }
    errno = saved;
    return file >= 0;
}

/* ---- files ---- */

enum { LARGEST_FILE_BYTES = 16 << 20, FIRST_FILE_BYTES = 64 << 10 };

/* Twice the room, with what is in it. Pages that nothing is read to cost nothing. */
static bool make_room(fi_os_file *file) {
    size_t bytes = file->mapped_bytes != 0 ? 2 * file->mapped_bytes : FIRST_FILE_BYTES;
    char *larger = fi_os_map_zeros(bytes);
    if (larger == NULL)
        return false;
    if (!fi_os_enable(larger, bytes)) {
        fi_os_release(larger, bytes);
        return false;
    }
    if (file->text != NULL) {
        memcpy(larger, file->text, file->bytes);
        fi_os_release(file->text, file->mapped_bytes);
    }
    file->text = larger;
    file->mapped_bytes = bytes;
    return true;
}

static fi_os_read_result read_all(int descriptor, fi_os_file *file) {
    for (;;) { /* the last byte stays 0 */
        if (file->mapped_bytes - file->bytes < 2 && !make_room(file))
            return FI_OS_NO_MEMORY;
        ssize_t got = read(descriptor, file->text + file->bytes, file->mapped_bytes - file->bytes - 1);
        if (got == 0)
            return FI_OS_READ;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || file->bytes + (size_t)got > LARGEST_FILE_BYTES)
            return FI_OS_UNREADABLE;
        file->bytes += (size_t)got;
    }
}

fi_os_read_result fi_os_read_file(const char *path, fi_os_file *out) {
    int saved = errno;
    fi_os_file file = {NULL, 0, 0};
    fi_os_read_result result = FI_OS_UNREADABLE;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        result = read_all(descriptor, &file);
        close(descriptor);
    }
    if (result == FI_OS_READ)
        *out = file;
    else if (file.text != NULL)
        fi_os_release(file.text, file.mapped_bytes);
    errno = saved;
    return result;
}
