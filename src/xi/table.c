#include "xi/table.h"

#include "base/check.h"

#include <string.h>

enum { FIRST_BUCKETS = 8, VALUE_OFFSET = (sizeof(fi_entry) + 15) / 16 * 16 };

/* ---- keys ---- */

/* Fast, and no protection: keys are trusted (fief/table.h). The start spreads tables with the same keys. */
static uint64_t hash_of(const fi_table *table, fi_key key) {
    const unsigned char *bytes = key.start;
    uint64_t hash = ((uintptr_t)table ^ table->owner << 48) * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < key.bytes; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x00000100000001B3);
    hash = (hash ^ hash >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 32;
}

static char *value_of(const fi_entry *entry) {
    return (char *)(uintptr_t)entry + VALUE_OFFSET;
}

static char *key_of(const fi_entry *entry) {
    return value_of(entry) + entry->bytes;
}

static bool has_key(const fi_entry *entry, uint64_t hash, fi_key key) {
    return entry->hash == hash && entry->key_bytes == key.bytes &&
           (key.bytes == 0 || memcmp(key_of(entry), key.start, key.bytes) == 0);
}

static fi_entry **bucket_of(const fi_table *table, uint64_t hash) {
    return &table->buckets[hash & (table->bucket_count - 1)];
}

/* Where the entry hangs, or where one with this key would. */
static fi_entry **link_of(const fi_table *table, uint64_t hash, fi_key key) {
    fi_entry **link = bucket_of(table, hash);
    while (*link != NULL && !has_key(*link, hash, key))
        link = &(*link)->next;
    return link;
}

fi_entry *fi_table_find(const fi_table *table, fi_key key) {
    return *link_of(table, hash_of(table, key), key);
}

/* ---- entries ---- */

/* NULL on exhaustion. */
static fi_entry *make_entry(const fi_table *table, uint64_t hash, fi_key key, const fi_value *value) {
    size_t bytes;
    if (__builtin_add_overflow(key.bytes, value->bytes, &bytes) || bytes > PTRDIFF_MAX - VALUE_OFFSET - 1)
        return NULL;
    fi_entry *entry = fief_alloc(table->heap, VALUE_OFFSET + bytes + 1);
    if (entry == NULL)
        return NULL;
    *entry = (fi_entry){.hash = hash,
                        .key_bytes = key.bytes,
                        .bytes = value->bytes,
                        .pointer = value->pointer,
                        .free_value = value->free_value,
                        .is_pointer = value->is_pointer};
    if (value->bytes > 0)
        memcpy(value_of(entry), value->start, value->bytes);
    if (key.bytes > 0)
        memcpy(key_of(entry), key.start, key.bytes);
    key_of(entry)[key.bytes] = '\0';
    return entry;
}

static fi_leftover free_entry(const fi_table *table, fi_entry *entry) {
    fi_leftover leftover = {entry->free_value, entry->pointer};
    fief_free(table->heap, entry);
    return leftover;
}

/* Twice the buckets. On exhaustion chains grow longer instead. */
static void grow(fi_table *table) {
    size_t count = table->bucket_count * 2;
    fi_entry **old = table->buckets, **buckets = fief_calloc(table->heap, count, sizeof(fi_entry *));
    size_t old_count = table->bucket_count;
    if (buckets == NULL)
        return;
    table->buckets = buckets;
    table->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        for (fi_entry *entry = old[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            fi_entry **bucket = bucket_of(table, entry->hash);
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    fief_free(table->heap, old);
}

fief_xi_table_result fi_table_put(fi_table *table, fi_key key, const fi_value *value, bool only_new,
                                  fi_leftover *leftover) {
    uint64_t hash = hash_of(table, key);
    fi_entry **link = link_of(table, hash, key), *old = *link;
    if (old != NULL && only_new)
        return FIEF_XI_TABLE_EXISTS;
    fi_entry *entry = make_entry(table, hash, key, value);
    if (entry == NULL)
        return FIEF_XI_TABLE_NO_MEMORY;
    entry->next = old != NULL ? old->next : NULL;
    *link = entry;
    if (old != NULL)
        *leftover = free_entry(table, old);
    else if (++table->count > table->bucket_count)
        grow(table);
    return FIEF_XI_TABLE_OK;
}

fief_xi_table_result fi_table_remove(fi_table *table, fi_key key, fi_leftover *leftover) {
    fi_entry **link = link_of(table, hash_of(table, key), key), *entry = *link;
    if (entry == NULL)
        return FIEF_XI_TABLE_MISSING;
    *link = entry->next;
    table->count--;
    *leftover = free_entry(table, entry);
    return FIEF_XI_TABLE_OK;
}

fief_xi_entry fi_entry_shown(const fi_entry *entry) {
    return (fief_xi_entry){.key = key_of(entry),
                           .key_bytes = entry->key_bytes,
                           .value = entry->is_pointer ? NULL : value_of(entry),
                           .bytes = entry->bytes,
                           .pointer = entry->pointer};
}

void fi_table_visit(const fi_table *table, fief_xi_entry_fn *fn, void *arg) {
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (const fi_entry *entry = table->buckets[i]; entry != NULL; entry = entry->next) {
            const fief_xi_entry shown = fi_entry_shown(entry);
            if (!fn(&shown, arg))
                return;
        }
    }
}

/* ---- tables ---- */

fi_table *fi_table_make(fief *heap, fief_id owner) {
    fi_table *table = fief_zalloc(heap, sizeof *table);
    fi_entry **buckets = fief_calloc(heap, FIRST_BUCKETS, sizeof(fi_entry *));
    if (table == NULL || buckets == NULL) {
        fief_free(heap, table);
        fief_free(heap, buckets);
        return NULL;
    }
    *table = (fi_table){.owner = owner, .heap = heap, .buckets = buckets, .bucket_count = FIRST_BUCKETS};
    return table;
}

/* One by one, though the heap goes as a whole: what is left then is a leak. */
void fi_table_end(fi_table *table) {
    fief *heap = table->heap;
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (fi_entry *entry = table->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            fi_leftover leftover = free_entry(table, entry);
            fi_leftover_free(&leftover);
        }
    }
    fief_free(heap, table->buckets);
    fief_free(heap, table);
    fief_status ended = fief_destroy(heap);
    FI_ASSERT(ended == FIEF_OK);
}
