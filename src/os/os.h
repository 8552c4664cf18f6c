/* What fief asks of the operating system, and nothing else does.
 *
 * Every function keeps errno. Lengths and addresses are multiples of the page size unless said otherwise.
 * Failure means: nothing changed. The one counter at the end lets a test make any of them fail. */
#ifndef FI_OS_OS_H
#define FI_OS_OS_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an OS page; a power of two, at least 4096. Set by fi_os_init, which comes before anything else here. */
extern size_t fi_os_page;
void fi_os_init(void);

static inline size_t fi_os_page_bytes(void) {
    return fi_os_page;
}

/* A power of two: the address space that is worth reserving here, before anything is tried. */
size_t fi_os_address_budget(void);

/* Address space without memory behind it, aligned to a power of two. NULL on failure. */
void *fi_os_reserve(size_t bytes, size_t alignment);

/* The same, at this very address if it is free there. */
bool fi_os_reserve_at(void *at, size_t bytes);

/* Zeros that can be read but are not charged; fi_os_enable makes a part of them writable. NULL on failure. */
void *fi_os_map_zeros(size_t bytes);
bool fi_os_enable(void *at, size_t bytes);

/* Makes reserved address space usable, as zeros if it was never used; and inaccessible again, its memory given
 * back. decommit may leave it accessible where the system refuses. */
bool fi_os_commit(void *at, size_t bytes);
void fi_os_decommit(void *at, size_t bytes);

/* Makes usable memory inaccessible, and keeps what it holds. */
bool fi_os_forbid(void *at, size_t bytes);

/* Makes usable memory read-only, and keeps what it holds; fi_os_commit makes it usable again. */
bool fi_os_freeze(void *at, size_t bytes);

/* Gives memory back and leaves the range usable, as zeros. */
void fi_os_purge(void *at, size_t bytes);

/* Unmaps. */
void fi_os_release(void *at, size_t bytes);

/* Moves the memory of [from, from + bytes) to committed space at `to` without copying; `from` stays reserved.
 * False: not possible here, nothing moved. */
bool fi_os_move_pages(void *from, void *to, size_t bytes);

/* Milliseconds of a monotonic clock, some milliseconds coarse. */
uint64_t fi_os_now_ms(void);

/* Nanoseconds of the same clock, exact, for what is rare. */
uint64_t fi_os_now_ns(void);

/* Sleeps while *word is `seen`, for some time at most (UINT64_MAX: any), or a little: look again. And wakes all
 * that do. */
void fi_os_sleep(const uint32_t *word, uint32_t seen, uint64_t timeout_ns);
void fi_os_wake(const uint32_t *word);

/* Lets another thread run. */
void fi_os_yield(void);

/* The system's number of this thread. Cheap: it is asked for once. */
extern FI_THREAD_LOCAL uint64_t fi_os_known_thread; /* 0: not asked yet */
uint64_t fi_os_ask_thread_id(void);

static inline uint64_t fi_os_thread_id(void) {
    return FI_LIKELY(fi_os_known_thread != 0) ? fi_os_known_thread : fi_os_ask_thread_id();
}

/* Stops in the debugger, or ends the program where there is none. */
void fi_os_stop(void);

/* An access to memory that may not be touched. */
typedef enum fi_fault_kind { FI_FAULT_ACCESS, FI_FAULT_READ, FI_FAULT_WRITE } fi_fault_kind;
struct fi_registers; /* backtrace.h */
typedef struct fi_fault {
    const char *address;
    const void *pc;
    fi_fault_kind kind;
    const struct fi_registers *at; /* where a walk begins that has the program's frames alone */
} fi_fault;

/* True: the access may be tried again. Runs in a signal handler. */
typedef bool fi_fault_fn(const fi_fault *fault);

/* Has `fn` see each fault of the process first that `concerns` says yes to; whoever handled them before gets the
 * others, and what it does not settle. `fn` has the stack that the fault happened on, not the small one of
 * signals: so that it may be no fault of the stack's. Once. */
bool fi_os_catch_faults(fi_fault_fn *concerns, fi_fault_fn *fn);

/* A variable of the environment; NULL if it is not set, or the program runs with more rights than its user. */
const char *fi_os_setting(const char *name);

/* Appends to a file, by one write(2) where the system allows. The file is made if need be. False: it can't be. */
bool fi_os_append_file(const char *path, const char *text, size_t bytes);

/* To stderr, by write(2); short writes are completed, errors ignored. Any length. */
void fi_os_write_error(const char *text, size_t bytes);

/* A file's text, in a mapping of its own that fi_os_release(text, mapped_bytes) gives back; a 0 stands behind it.
 */
typedef struct fi_os_file {
    char *text;
    size_t bytes;
    size_t mapped_bytes;
} fi_os_file;

typedef enum fi_os_read_result {
    FI_OS_READ,
    FI_OS_UNREADABLE, /* not there, no file, not allowed, or larger than a text is */
    FI_OS_NO_MEMORY
} fi_os_read_result;

/* Anything that can be read to its end: *out is set for FI_OS_READ alone. */
fi_os_read_result fi_os_read_file(const char *path, fi_os_file *out);

/* Fault injection, for tests: the nth request from here on that may fail does. 0: never, but counted still. */
void fi_os_fail_at(uint64_t nth);

/* How many requests that may fail there have been since fi_os_fail_at. */
uint64_t fi_os_request_count(void);

#endif
