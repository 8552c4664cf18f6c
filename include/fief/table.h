/* table.h - tables that every interpreter may use, each kept by one of them.
 *
 * A table maps keys to values for the whole process: interned names, loaded libraries, registered codecs. Any
 * thread uses it, with any current interpreter or none; what it holds is allocated and freed for its owner's
 * account all the same: in a heap of its own, named after owner and table, that the table's lock guards. Keys and
 * values are copied, so that nothing in a table points into an interpreter that may have ended.
 *
 * A table ends with its owner, after the owner's at-exit callbacks, or before by fief_xi_table_destroy. It is
 * named by a number that is never reused: who still holds one is told FIEF_XI_TABLE_GONE, and reaches nothing
 * else.
 *
 * Threading contract: any thread, at any time, but for fief_xi_table_create, which is the owner's. Each verb takes
 * the table's lock once; tables are many and locks a few, so two tables may share one. Callbacks of
 * fief_xi_table_look and fief_xi_table_visit run under it: they are to be short, must not fork, must not wait for
 * another thread, and must not end an interpreter that has tables (which stops the program); a verb of any table
 * within one does nothing and returns FIEF_XI_TABLE_BUSY. Free hooks run outside of it.
 *
 * After a fork the child has the tables as they were, and no verb is in the middle of one. */
#ifndef FIEF_TABLE_H
#define FIEF_TABLE_H

#include "fief.h"
#include "xi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t fief_xi_table; /* names one table for ever: counted up from 1, never reused */

#define FIEF_XI_TABLE_NONE ((fief_xi_table)0)

typedef enum fief_xi_table_result {
    FIEF_XI_TABLE_OK = 0,
    FIEF_XI_TABLE_MISSING,     /* no entry has this key */
    FIEF_XI_TABLE_EXISTS,      /* an entry has it already; nothing was changed */
    FIEF_XI_TABLE_TOO_SMALL,   /* the value is larger than the room for it */
    FIEF_XI_TABLE_GONE,        /* there is no such table, or there is none any more */
    FIEF_XI_TABLE_BUSY,        /* called from within a callback of a table's; nothing was done */
    FIEF_XI_TABLE_NO_MEMORY,   /* nothing was changed */
    FIEF_XI_TABLE_BAD_ARGUMENT /* nothing was done */
} fief_xi_table_result;

/* A short English text, static, never NULL. Any thread. */
FIEF_API const char *fief_xi_table_result_text(fief_xi_table_result result);

/* As a key's length: up to its first 0, which is not part of it. A string and the bytes of it are the same key. */
#define FIEF_XI_STRING SIZE_MAX

/* Makes an empty table that f owns. `name` is copied; 30 bytes of the owner's and 31 of it name the heap.
 * `most_bytes` is the hard limit of its heap, as fief_limit.hard_bytes: 0 for none. The heap has f's debug level,
 * policies and report callback, and the system's memory even if f has a host's. FIEF_NO_MEMORY; FIEF_BAD_ARGUMENT
 * if `name` is NULL; FIEF_BAD_STATE if f is ending, or within a callback of fief_xi_table_look or _visit. On
 * failure *out is FIEF_XI_TABLE_NONE. Cost: a fief_create. */
FIEF_API fief_status fief_xi_table_create(fief *f, const char *name, size_t most_bytes, fief_xi_table *out);

/* Ends a table: each free hook runs here and now. OK, GONE, BUSY. Cost: in its entries, and a fief_destroy. */
FIEF_API fief_xi_table_result fief_xi_table_destroy(fief_xi_table table);

/* ---- entries ------------------------------------------------------------------------------------------ */

/* A key is any bytes, none of them too, or a string: `key_bytes` says how many, or FIEF_XI_STRING. BAD_ARGUMENT
 * for NULL, unless it has no bytes. Each verb may return GONE and BUSY. Constant cost, but for what is copied; a
 * table grows now and then: if nobody chooses keys to make them slow. The hash is none against an adversary:
 * whoever may choose keys can find many that collide, so they must be trusted, or hashed with a secret before. */

/* Puts a copy of `bytes` bytes under a key, in place of what was there. Or a pointer, which the table does not
 * look into: `free_value` (NULL: nobody) is called with it once, when its entry goes, on the thread that made it
 * go, after the lock was left. OK, NO_MEMORY (the table is as it was, the pointer is still the caller's),
 * BAD_ARGUMENT. */
FIEF_API fief_xi_table_result fief_xi_table_set(fief_xi_table table, const void *key, size_t key_bytes,
                                                const void *value, size_t bytes);
FIEF_API fief_xi_table_result fief_xi_table_set_pointer(fief_xi_table table, const void *key, size_t key_bytes,
                                                        void *pointer, fief_xi_free_fn *free_value);

/* The same, where there is no such entry yet; EXISTS if there is. */
FIEF_API fief_xi_table_result fief_xi_table_add(fief_xi_table table, const void *key, size_t key_bytes,
                                                const void *value, size_t bytes);
FIEF_API fief_xi_table_result fief_xi_table_add_pointer(fief_xi_table table, const void *key, size_t key_bytes,
                                                        void *pointer, fief_xi_free_fn *free_value);

/* Copies a value to `out`, if it fits `room` bytes; *bytes (NULL: not wanted) is its size in any case. Of a
 * pointer the value is the pointer: somebody else may be about to free what it points to, which fief_xi_table_look
 * keeps from happening. OK, MISSING, TOO_SMALL, BAD_ARGUMENT. */
FIEF_API fief_xi_table_result fief_xi_table_get(fief_xi_table table, const void *key, size_t key_bytes, void *out,
                                                size_t room, size_t *bytes);

/* Takes an entry out. OK, MISSING, BAD_ARGUMENT. */
FIEF_API fief_xi_table_result fief_xi_table_remove(fief_xi_table table, const void *key, size_t key_bytes);

/* ---- looking ------------------------------------------------------------------------------------------ */

/* An entry in its place, for the time of a callback: nobody changes it. */
typedef struct fief_xi_entry {
    const void *key; /* a 0 stands behind it */
    size_t key_bytes;
    const void *value; /* aligned to 16; NULL: it is a pointer */
    size_t bytes;
    void *pointer;
} fief_xi_entry;

/* False ends a visit. See above for what it must not do. */
typedef bool fief_xi_entry_fn(const fief_xi_entry *entry, void *arg);

/* Shows one entry to `fn`: OK, MISSING, BAD_ARGUMENT. */
FIEF_API fief_xi_table_result fief_xi_table_look(fief_xi_table table, const void *key, size_t key_bytes,
                                                 fief_xi_entry_fn *fn, void *arg);

/* Shows each entry once, in no order: OK, BAD_ARGUMENT. Cost: in the entries, and the table is locked meanwhile.
 */
FIEF_API fief_xi_table_result fief_xi_table_visit(fief_xi_table table, fief_xi_entry_fn *fn, void *arg);

/* How many entries there are, in *count: OK, BAD_ARGUMENT. */
FIEF_API fief_xi_table_result fief_xi_table_count(fief_xi_table table, size_t *count);

/* The counters of its heap, exactly: OK, BAD_ARGUMENT. Cost: in the number of its pools. */
FIEF_API fief_xi_table_result fief_xi_table_stats(fief_xi_table table, fief_stats *out);

#ifdef __cplusplus
}
#endif

#endif
