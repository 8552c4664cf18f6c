/* adapter/sqlite.h - SQLite 3 on a fief: the process's one SQLite, for its allocator is process-wide.
 *
 *     config.alignment = 8; // all that SQLite asks for
 *     if (fief_create(&f, &config) == FIEF_OK && fief_sqlite_install(f) == SQLITE_OK)
 *         ... // sqlite3_open(), and at the end sqlite3_shutdown(), fief_destroy(f)
 *
 * Install before SQLite is initialised, from one source file. At the hard limit an allocation fails: SQLITE_NOMEM.
 * SQLite calls its allocator from any thread, beneath a mutex of its own only while SQLITE_CONFIG_MEMSTATUS is on:
 * so the fief has a mutex here. A pressure callback would run beneath both, and must not call SQLite. */
#ifndef FIEF_ADAPTER_SQLITE_H
#define FIEF_ADAPTER_SQLITE_H

#include "../fief.h"
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>

static pthread_mutex_t fief_sqlite_mutex = PTHREAD_MUTEX_INITIALIZER;
static fief *fief_sqlite_heap;
static inline fief *fief_sqlite_lock(void) {
    pthread_mutex_lock(&fief_sqlite_mutex);
    return fief_sqlite_heap;
}
static inline void *fief_sqlite_unlock(void *block) {
    pthread_mutex_unlock(&fief_sqlite_mutex);
    return block;
}
/* SQLite never asks for 0 bytes. A negative number of them is more than there can be, and fails. */
static inline void *fief_sqlite_malloc(int size) {
    return fief_sqlite_unlock(fief_alloc(fief_sqlite_lock(), (size_t)size));
}
static inline void *fief_sqlite_realloc(void *block, int size) {
    return fief_sqlite_unlock(fief_realloc(fief_sqlite_lock(), block, (size_t)size));
}
static inline void fief_sqlite_free(void *block) {
    fief_free(fief_sqlite_lock(), block);
    fief_sqlite_unlock(NULL);
}
/* These two are called without SQLite's mutex, too. The largest block has more pages than an int can tell. */
static inline int fief_sqlite_size(void *block) {
    size_t usable_bytes = fief_usable_size(block);
    return usable_bytes <= INT_MAX ? (int)usable_bytes : INT_MAX;
}
static inline int fief_sqlite_roundup(int size) {
    return size <= INT_MAX - 7 ? (size + 7) & ~7 : 0;
}
static inline int fief_sqlite_init(void *heap) {
    fief_sqlite_heap = (fief *)heap;
    return SQLITE_OK;
}
static inline void fief_sqlite_shutdown(void *heap) {
    (void)heap;
}
static inline int fief_sqlite_install(fief *heap) {
    const sqlite3_mem_methods methods = {
        fief_sqlite_malloc,  fief_sqlite_free, fief_sqlite_realloc,  fief_sqlite_size,
        fief_sqlite_roundup, fief_sqlite_init, fief_sqlite_shutdown, heap};
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
#endif
