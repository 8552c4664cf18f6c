/* SQLite 3, for the checks of all runtimes: an instance is a database in memory, and all share the process's heap.
 */
#include "embedded.h"

#include <fief/adapter/sqlite.h>

#include <stdlib.h>

/* Its mutex protects the allocator as long as it counts what is allocated. */
enum { WITH_MUTEX, WITHOUT_MUTEX };

static bool install(fief *heap, embedded_variant variant) {
    static sqlite3_mem_methods stock;
    if (stock.xMalloc == NULL && sqlite3_config(SQLITE_CONFIG_GETMALLOC, &stock) != SQLITE_OK)
        return false;
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, (int)variant == WITH_MUTEX) == SQLITE_OK &&
           (heap != NULL ? fief_sqlite_install(heap) : sqlite3_config(SQLITE_CONFIG_MALLOC, &stock)) ==
               SQLITE_OK &&
           sqlite3_initialize() == SQLITE_OK;
}

static bool uninstall(void) {
    return sqlite3_shutdown() == SQLITE_OK;
}

static void *create(fief *heap, embedded_variant variant) {
    sqlite3 *db;
    (void)heap, (void)variant;
    if (sqlite3_open(":memory:", &db) == SQLITE_OK)
        return db;
    sqlite3_close(db);
    return NULL;
}

static void destroy(void *instance) {
    sqlite3_close(instance);
}

/* Keeps the last row's first column. */
static int keep(void *text, int count, char **values, char **names) {
    (void)names;
    if (count > 0)
        embedded_tell(text, values[0]);
    return 0;
}

static bool run(void *instance, const char *script, char *text) {
    embedded_tell(text, NULL);
    int status = sqlite3_exec(instance, script, keep, text, NULL);
    if (status == SQLITE_OK)
        return true;
    embedded_tell(text, sqlite3_errstr(status));
    return false;
}

static void *resize(fief *heap, embedded_variant variant, void *block, size_t size) {
    (void)heap, (void)variant;
    if (size != 0)
        return block != NULL ? fief_sqlite_realloc(block, (int)size) : fief_sqlite_malloc((int)size);
    if (block != NULL)
        fief_sqlite_free(block);
    return NULL;
}

/* Two gigabytes, which a debug level would fill: 0x7ffffeff is the most that SQLite asks for. */
static bool tells_largest(fief *heap) {
    if (getenv("FIEF_CONF") != NULL)
        return true;
    fief_limit limit = {0}, before = {.hard_bytes = sqlite_embedded.limit_bytes};
    fief_limit_set(heap, &limit);
    void *block = fief_sqlite_malloc(fief_sqlite_roundup(0x7ffffeff));
    bool good = block == NULL || fief_sqlite_size(block) >= 0x7ffffeff;
    if (block != NULL)
        fief_sqlite_free(block);
    return fief_limit_set(heap, &before) == FIEF_OK && good;
}

static const char *wrong_rule(fief *heap, embedded_variant variant) {
    volatile int negative = -1; /* the compiler would mind it */
    (void)variant;
    for (int size = 1; size < 5000; size++) {
        int rounded = fief_sqlite_roundup(size);
        void *block = fief_sqlite_malloc(size);
        int usable_bytes = fief_sqlite_size(block);
        fief_sqlite_free(block);
        if (rounded < size || rounded % 8 != 0 || rounded >= size + 8)
            return "sizes are rounded up to multiples of 8";
        if (usable_bytes < size)
            return "a block has at least the size that was asked for";
    }
    if (fief_sqlite_roundup(INT_MAX) != 0 || fief_sqlite_roundup(0x7ffffeff) != 0x7fffff00)
        return "the largest size is rounded up, what is beyond an int is refused";
    if (!tells_largest(heap))
        return "the largest block's size is told as an int";
    if (fief_sqlite_malloc(negative) != NULL || sqlite3_malloc64(1ull << 40) != NULL || sqlite3_malloc(-1) != NULL)
        return "what is too much fails";
    return sqlite3_malloc(0) == NULL ? NULL : "nothing is nothing";
}

const embedded sqlite_embedded = {
    .name = "SQLite",
    .variants = {[WITH_MUTEX] = "under SQLite's mutex", [WITHOUT_MUTEX] = "without it"},
    .is_process_wide = true,
    .can_fail_to_begin = true,
    .limit_bytes = (size_t)8 << 20,
    .busy_script =
        "DROP TABLE IF EXISTS words;\n"
        "CREATE TABLE words(id INTEGER PRIMARY KEY, word TEXT, many INT);\n"
        "WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < 3000)\n"
        "  INSERT INTO words SELECT i, printf('word %d', i * 7919 % 2003), i % 17 FROM up;\n"
        "CREATE INDEX by_word ON words(word);\n"
        "UPDATE words SET word = replace(word, '9', 'nine') WHERE many > 8;\n"
        "DELETE FROM words WHERE id % 5 = 0;\n"
        "SELECT count(*) || ' ' || sum(length(a.word)) || ' ' || length(group_concat(DISTINCT b.word))\n"
        "  FROM words a JOIN words b ON a.word = b.word AND a.id <> b.id;",
    .busy_result = "1088 9498 5292",
    .step_script = "CREATE TABLE IF NOT EXISTS steps(text TEXT);\n"
                   "INSERT INTO steps SELECT hex(randomblob(1 + count(*) % 100)) FROM steps;\n"
                   "SELECT CAST(count(*) AS TEXT) FROM steps;",
    .hoarding_script = "CREATE TABLE IF NOT EXISTS hoard(text TEXT);\n"
                       "WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < 1000000)\n"
                       "  INSERT INTO hoard SELECT hex(randomblob(100)) FROM up;",
    .hoarding_result = "out of memory",
    .install = install,
    .uninstall = uninstall,
    .create = create,
    .destroy = destroy,
    .run = run,
    .resize = resize,
    .wrong_rule = wrong_rule,
};
