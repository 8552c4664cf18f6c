/* One table: entries by key, in a heap that is the table's alone.
 *
 * Nothing here takes a lock: whoever calls holds the table's, or has it to himself (xi/tables.h). Free hooks are
 * not called under a lock: an entry that goes leaves its hook to the caller. */
#ifndef FI_XI_TABLE_H
#define FI_XI_TABLE_H

#include "base/attributes.h"
#include "fief/table.h"

/* Its value and then its key stand behind it, in the same block. */
typedef struct fi_entry {
    struct fi_entry *next; /* in its bucket */
    uint64_t hash;
    size_t key_bytes;
    size_t bytes;  /* of the value; of a pointer 0 */
    void *pointer; /* where is_pointer */
    fief_xi_free_fn *free_value;
    bool is_pointer;
} fi_entry;

typedef struct fi_table {
    struct fi_table *next; /* see xi/tables.c */
    fief_xi_table id;
    fief_id owner;
    fief *heap; /* which this lies in, too */
    fi_entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
} fi_table;

typedef struct fi_key {
    const void *start;
    size_t bytes;
} fi_key;

/* What goes under a key: a copy of bytes, or a pointer. */
typedef struct fi_value {
    const void *start;
    size_t bytes;
    void *pointer;
    fief_xi_free_fn *free_value;
    bool is_pointer;
} fi_value;

/* What is to be called once the lock is left. */
typedef struct fi_leftover {
    fief_xi_free_fn *free_value; /* NULL: nothing is */
    void *pointer;
} fi_leftover;

/* In `heap`, which is the table's from then on. NULL on exhaustion: it is not. */
fi_table *fi_table_make(fief *heap, fief_id owner);

/* Calls every hook, and ends the heap. */
void fi_table_end(fi_table *table);

/* NULL: there is none. */
fi_entry *fi_table_find(const fi_table *table, fi_key key);

/* Puts a value under a key; an entry that is there is replaced, or with `only_new` left: OK, EXISTS, NO_MEMORY. */
FI_MUST_USE fief_xi_table_result fi_table_put(fi_table *table, fi_key key, const fi_value *value, bool only_new,
                                              fi_leftover *leftover);

/* OK, MISSING. */
FI_MUST_USE fief_xi_table_result fi_table_remove(fi_table *table, fi_key key, fi_leftover *leftover);

void fi_table_visit(const fi_table *table, fief_xi_entry_fn *fn, void *arg);

/* As callbacks see it. */
fief_xi_entry fi_entry_shown(const fi_entry *entry);

static inline void fi_leftover_free(const fi_leftover *leftover) {
    if (leftover->free_value != NULL)
        leftover->free_value(leftover->pointer);
}

#endif
