/* The process's few locks, taken in the order of their ranks. None is ever taken on a fast path, and no callback
 * of a host runs under one, but for a look at a table. A fork takes all of them, lowest rank first
 * (interp/fork.c). */
#ifndef FI_BASE_LOCK_H
#define FI_BASE_LOCK_H

#include "base/check.h"

#include <pthread.h>

enum { FI_TABLE_LOCKS = 8 };

typedef enum fi_lock_rank {
    /* Tables that all interpreters use: a few locks for all of them, of which a thread takes one at most. */
    FI_RANK_TABLES,
    FI_RANK_TABLES_LAST = FI_RANK_TABLES + (int)FI_TABLE_LOCKS - 1,

    FI_RANK_SETTINGS, /* the environment's, while they are read */
    FI_RANK_SYMBOLS,  /* names of code, found with the help of libraries that may allocate, and so come back to us
                       */
    FI_RANK_SPARES,   /* calls between interpreters that have run */
    FI_RANK_TYPES,    /* the process's types that can be shared */
    FI_RANK_COMMONS,  /* memory that is on its way between interpreters */
    FI_RANK_PROCESS,  /* who there is, address space, warm arenas: a life takes it twice, so it is one lock */
    FI_RANK_META,     /* small process-wide allocations */
    FI_RANK_NAMES,    /* of type tags and domains, while one is added */
    FI_RANK_TOOLS,    /* a sanitizer is told of roots: it has a lock of its own for that */
    FI_RANK_COUNT
} fi_lock_rank;

/* Defined in lock.c, indexed by rank. */
extern pthread_mutex_t fi_locks[FI_RANK_COUNT];

static inline void fi_lock(fi_lock_rank rank) {
    int failed = pthread_mutex_lock(&fi_locks[rank]);
    FI_ASSERT(failed == 0);
}

static inline void fi_unlock(fi_lock_rank rank) {
    int failed = pthread_mutex_unlock(&fi_locks[rank]);
    FI_ASSERT(failed == 0);
}

#endif
