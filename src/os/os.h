/* What fief asks of the operating system, and nothing else does.
 *
 * Every function keeps errno. Lengths and addresses are multiples of the page size unless said otherwise.
 * Failure means: nothing changed. The one counter at the end lets a test make any of them fail. */
#ifndef FI_OS_OS_H
#define FI_OS_OS_H

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

/* Gives memory back and leaves the range usable, as zeros. */
void fi_os_purge(void *at, size_t bytes);

/* Unmaps. */
void fi_os_release(void *at, size_t bytes);

/* Moves the memory of [from, from + bytes) to committed space at `to` without copying; `from` stays reserved.
 * False: not possible here, nothing moved. */
bool fi_os_move_pages(void *from, void *to, size_t bytes);

/* Milliseconds of a monotonic clock, some milliseconds coarse. */
uint64_t fi_os_now_ms(void);

/* The system's number of this thread. */
uint64_t fi_os_thread_id(void);

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
