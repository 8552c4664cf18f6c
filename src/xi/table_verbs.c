/* The exported verbs of tables. */
#include "base/text.h"
#include "heap/misuse.h"
#include "xi/tables.h"

#include <string.h>

const char *fief_xi_table_result_text(fief_xi_table_result result) {
    static const char *const texts[] = {
        [FIEF_XI_TABLE_OK] = "success",
        [FIEF_XI_TABLE_MISSING] = "no entry has this key",
        [FIEF_XI_TABLE_EXISTS] = "an entry has this key",
        [FIEF_XI_TABLE_TOO_SMALL] = "the value is larger than the room for it",
        [FIEF_XI_TABLE_GONE] = "the table is gone",
        [FIEF_XI_TABLE_BUSY] = "called from within a callback of a table's",
        [FIEF_XI_TABLE_NO_MEMORY] = "out of memory",
        [FIEF_XI_TABLE_BAD_ARGUMENT] = "invalid argument",
    };
    return (unsigned)result < sizeof texts / sizeof *texts ? texts[result] : "unknown result";
}

/* ---- life ---- */

/* "ann: modules", watched as closely as the owner is. */
static fief_config config_of(const fief *f, const char *name, size_t most_bytes, fi_text *room) {
    fief_config config = FIEF_CONFIG_INIT;
    fi_text_add(room, "%.30s: %s", f->slot->name.text, name);
    config.name = room->bytes;
    config.limit.hard_bytes = most_bytes;
    config.debug = (fief_debug)fi_slot_level(f->slot);
    config.zeroed = f->zeroed;
    config.on_foreign = (fief_foreign_policy)f->on_foreign;
    config.on_misuse = (fief_misuse_policy)f->on_misuse;
    config.report = f->slot->report;
    config.report_arg = f->slot->report_arg;
    memcpy(config.policies, f->policies, sizeof config.policies);
    return config;
}

static fief_status create(fief *f, const char *name, size_t most_bytes, fief_xi_table *out) {
    char room[FI_NAME_BYTES];
    fi_text text = FI_TEXT(room);
    const fief_config config = config_of(f, name, most_bytes, &text);
    fief *heap;
    fief_status status = fief_create(&heap, &config);
    if (status != FIEF_OK)
        return status;
    fi_table *table = fi_table_make(heap, f->id);
    if (table == NULL) {
        (void)fief_destroy(heap);
        return FIEF_NO_MEMORY;
    }
    fi_tables_add(table);
    *out = table->id;
    return FIEF_OK;
}

fief_status fief_xi_table_create(fief *f, const char *name, size_t most_bytes, fief_xi_table *out) {
    if (out == NULL)
        return FIEF_BAD_ARGUMENT;
    *out = FIEF_XI_TABLE_NONE;
    if (name == NULL)
        return FIEF_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_xi_table_create") || f->state != FIEF_LIVE || fi_tables_inside())
        return FIEF_BAD_STATE;
    fief_status status = fi_tables_end_with(f);
    return status == FIEF_OK ? create(f, name, most_bytes, out) : status;
}

fief_xi_table_result fief_xi_table_destroy(fief_xi_table table) {
    fief_xi_table_result result;
    fi_table *found = fi_tables_enter(table, &result);
    if (found == NULL)
        return result;
    fi_tables_take_out(found);
    fi_table_end(found);
    return FIEF_XI_TABLE_OK;
}

/* ---- entries ---- */

static bool is_key(const void *key, size_t bytes) {
    return key != NULL || bytes == 0;
}

static fi_key key_of(const void *key, size_t bytes) {
    return (fi_key){key, bytes == FIEF_XI_STRING ? strlen(key) : bytes};
}

/* `value` NULL: the entry goes. */
static fief_xi_table_result change(fief_xi_table table, const void *key, size_t key_bytes, const fi_value *value,
                                   bool only_new) {
    if (!is_key(key, key_bytes))
        return FIEF_XI_TABLE_BAD_ARGUMENT;
    fief_xi_table_result result;
    fi_leftover leftover = {NULL, NULL};
    fi_table *found = fi_tables_enter(table, &result);
    if (found == NULL)
        return result;
    result = value != NULL ? fi_table_put(found, key_of(key, key_bytes), value, only_new, &leftover)
                           : fi_table_remove(found, key_of(key, key_bytes), &leftover);
    fi_tables_leave(table);
    fi_leftover_free(&leftover);
    return result;
}

static fief_xi_table_result put(fief_xi_table table, const void *key, size_t key_bytes, const fi_value *value,
                                bool only_new) {
    bool is_value = value->start != NULL || value->bytes == 0;
    return is_value ? change(table, key, key_bytes, value, only_new) : FIEF_XI_TABLE_BAD_ARGUMENT;
}

fief_xi_table_result fief_xi_table_set(fief_xi_table table, const void *key, size_t key_bytes, const void *value,
                                       size_t bytes) {
    return put(table, key, key_bytes, &(fi_value){.start = value, .bytes = bytes}, false);
}

fief_xi_table_result fief_xi_table_add(fief_xi_table table, const void *key, size_t key_bytes, const void *value,
                                       size_t bytes) {
    return put(table, key, key_bytes, &(fi_value){.start = value, .bytes = bytes}, true);
}

fief_xi_table_result fief_xi_table_set_pointer(fief_xi_table table, const void *key, size_t key_bytes,
                                               void *pointer, fief_xi_free_fn *free_value) {
    const fi_value value = {.pointer = pointer, .free_value = free_value, .is_pointer = true};
    return put(table, key, key_bytes, &value, false);
}

fief_xi_table_result fief_xi_table_add_pointer(fief_xi_table table, const void *key, size_t key_bytes,
                                               void *pointer, fief_xi_free_fn *free_value) {
    const fi_value value = {.pointer = pointer, .free_value = free_value, .is_pointer = true};
    return put(table, key, key_bytes, &value, true);
}

fief_xi_table_result fief_xi_table_remove(fief_xi_table table, const void *key, size_t key_bytes) {
    return change(table, key, key_bytes, NULL, false);
}

/* ---- looking ---- */

fief_xi_table_result fief_xi_table_look(fief_xi_table table, const void *key, size_t key_bytes,
                                        fief_xi_entry_fn *fn, void *arg) {
    if (!is_key(key, key_bytes) || fn == NULL)
        return FIEF_XI_TABLE_BAD_ARGUMENT;
    fief_xi_table_result result;
    const fi_table *found = fi_tables_enter(table, &result);
    if (found == NULL)
        return result;
    const fi_entry *entry = fi_table_find(found, key_of(key, key_bytes));
    if (entry != NULL) {
        const fief_xi_entry shown = fi_entry_shown(entry);
        (void)fn(&shown, arg);
    }
    fi_tables_leave(table);
    return entry != NULL ? FIEF_XI_TABLE_OK : FIEF_XI_TABLE_MISSING;
}

/* Where a value goes, and how large it was. */
typedef struct taker {
    void *out;
    size_t room;
    size_t bytes;
} taker;

static bool take(const fief_xi_entry *entry, void *arg) {
    taker *t = arg;
    const void *from = entry->value != NULL ? entry->value : &entry->pointer;
    t->bytes = entry->value != NULL ? entry->bytes : sizeof entry->pointer;
    if (t->bytes <= t->room && t->bytes > 0)
        memcpy(t->out, from, t->bytes);
    return true;
}

fief_xi_table_result fief_xi_table_get(fief_xi_table table, const void *key, size_t key_bytes, void *out,
                                       size_t room, size_t *bytes) {
    if (out == NULL && room > 0)
        return FIEF_XI_TABLE_BAD_ARGUMENT;
    taker t = {out, room, 0};
    fief_xi_table_result result = fief_xi_table_look(table, key, key_bytes, take, &t);
    if (result == FIEF_XI_TABLE_OK && bytes != NULL)
        *bytes = t.bytes;
    return result == FIEF_XI_TABLE_OK && t.bytes > room ? FIEF_XI_TABLE_TOO_SMALL : result;
}

/* The whole of a table, under its lock. */
typedef void look_fn(const fi_table *table, void *arg);

static fief_xi_table_result look_at(fief_xi_table table, look_fn *fn, void *arg) {
    fief_xi_table_result result;
    const fi_table *found = fi_tables_enter(table, &result);
    if (found == NULL)
        return result;
    fn(found, arg);
    fi_tables_leave(table);
    return FIEF_XI_TABLE_OK;
}

typedef struct visitor {
    fief_xi_entry_fn *fn;
    void *arg;
} visitor;

static void show_all(const fi_table *table, void *arg) {
    const visitor *v = arg;
    fi_table_visit(table, v->fn, v->arg);
}

static void read_count(const fi_table *table, void *count) {
    *(size_t *)count = table->count;
}

static void read_stats(const fi_table *table, void *out) {
    fief_stats_publish(table->heap);
    fief_stats_read(table->heap, out);
}

fief_xi_table_result fief_xi_table_visit(fief_xi_table table, fief_xi_entry_fn *fn, void *arg) {
    return fn != NULL ? look_at(table, show_all, &(visitor){fn, arg}) : FIEF_XI_TABLE_BAD_ARGUMENT;
}

fief_xi_table_result fief_xi_table_count(fief_xi_table table, size_t *count) {
    return count != NULL ? look_at(table, read_count, count) : FIEF_XI_TABLE_BAD_ARGUMENT;
}

fief_xi_table_result fief_xi_table_stats(fief_xi_table table, fief_stats *out) {
    return out != NULL ? look_at(table, read_stats, out) : FIEF_XI_TABLE_BAD_ARGUMENT;
}
