/* SQLite on a fief, of at most 8 MiB. */
#include <fief/adapter/sqlite.h>
#include <stdio.h>

static int show(void *unused, int count, char **values, char **names) {
    (void)unused, (void)count, (void)names;
    return printf("%s\n", values[0]) < 0;
}

int main(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "SQLite";
    config.alignment = 8;
    config.limit.hard_bytes = 8 << 20;
    fief *f;
    sqlite3 *db;
    if (fief_create(&f, &config) != FIEF_OK || fief_sqlite_install(f) != SQLITE_OK)
        return 1;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        return 1;
    if (sqlite3_exec(db, "CREATE TABLE t AS SELECT zeroblob(100000000) AS blob", NULL, NULL, NULL) == SQLITE_NOMEM)
        printf("error: %s\n", sqlite3_errmsg(db));
    sqlite3_exec(db, "SELECT 'and on it goes'", show, NULL, NULL);
    sqlite3_close(db);
    sqlite3_shutdown();
    return fief_destroy(f) != FIEF_OK;
}
