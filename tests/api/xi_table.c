/* Tables that every interpreter may use: what is put in is found, whoever asks; it is all copied, and allocated
 * for the owner's account; exhaustion changes nothing; a table that is gone says so for ever.
 * tests/race/xi_table.c has the threads. */
#include "support/child.h"
#include "support/levels.h"
#include "support/lists.h"
#include "support/random.h"

#include <fief/table.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(xi_table, .init = set_up);

#define S FIEF_XI_STRING

static fief_xi_table table_of(fief *f) {
    fief_xi_table table = FIEF_XI_TABLE_NONE;
    assert_equal(fief_xi_table_create(f, "names", 0, &table), FIEF_OK);
    cr_assert_neq(table, FIEF_XI_TABLE_NONE);
    return table;
}

static size_t count_of(fief_xi_table table) {
    size_t count = SIZE_MAX;
    assert_equal(fief_xi_table_count(table, &count), FIEF_XI_TABLE_OK);
    return count;
}

static fief_stats stats_of(fief_xi_table table) {
    fief_stats stats;
    assert_equal(fief_xi_table_stats(table, &stats), FIEF_XI_TABLE_OK);
    return stats;
}

static void assert_holds(fief_xi_table table, const char *key, const char *value) {
    char got[64] = "";
    size_t bytes = 0;
    assert_equal(fief_xi_table_get(table, key, S, got, sizeof got, &bytes), FIEF_XI_TABLE_OK);
    assert_equal(bytes, strlen(value) + 1);
    cr_assert_str_eq(got, value);
}

static fief_xi_table_result set_text(fief_xi_table table, const char *key, const char *value) {
    return fief_xi_table_set(table, key, S, value, strlen(value) + 1);
}

/* ---- entries ---- */

Test(xi_table, what_is_set_is_got_by_anybody) {
    FOR_LEVELS(level) {
        fief *owner = create(at_level(level, &heard)), *other = create(at_level(level, &heard));
        fief_xi_table table = table_of(owner);
        fief *before = fief_enter(other);
        assert_equal(set_text(table, "one", "uno"), FIEF_XI_TABLE_OK);
        fief_leave(before);
        assert_equal(set_text(table, "two", "due"), FIEF_XI_TABLE_OK);
        assert_holds(table, "one", "uno");
        assert_holds(table, "two", "due");
        assert_equal(set_text(table, "one", "eins"), FIEF_XI_TABLE_OK);
        assert_holds(table, "one", "eins");
        assert_equal(count_of(table), 2);
        assert_equal(fief_xi_table_get(table, "three", S, NULL, 0, NULL), FIEF_XI_TABLE_MISSING);
        assert_equal(fief_xi_table_remove(table, "one", S), FIEF_XI_TABLE_OK);
        assert_equal(fief_xi_table_remove(table, "one", S), FIEF_XI_TABLE_MISSING);
        assert_equal(fief_xi_table_get(table, "one", S, NULL, 0, NULL), FIEF_XI_TABLE_MISSING);
        assert_equal(count_of(table), 1);
        fief_destroy(other);
        assert_holds(table, "two", "due");
        fief_destroy(owner);
    }
    assert_equal(heard.count, 0);
}

Test(xi_table, keys_are_bytes) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    assert_equal(fief_xi_table_set(table, "a\0b", 3, "1", 1), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_set(table, "a\0c", 3, "2", 1), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_set(table, "a", 1, "3", 1), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_set(table, NULL, 0, "4", 1), FIEF_XI_TABLE_OK);
    assert_equal(count_of(table), 4);
    char got[4];
    assert_equal(fief_xi_table_get(table, "a\0b", 3, got, 1, NULL), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_get(table, "a\0c", 3, got + 1, 1, NULL), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_get(table, "a", S, got + 2, 1, NULL), FIEF_XI_TABLE_OK); /* a string is its bytes */
    assert_equal(fief_xi_table_get(table, "", S, got + 3, 1, NULL), FIEF_XI_TABLE_OK);
    cr_assert_eq(memcmp(got, "1234", 4), 0);
    fief_destroy(owner);
}

Test(xi_table, what_is_set_is_copied) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    char key[] = "key", value[] = "value";
    assert_equal(fief_xi_table_set(table, key, S, value, sizeof value), FIEF_XI_TABLE_OK);
    memset(key, 'x', 3);
    memset(value, 'x', 5);
    assert_holds(table, "key", "value");
    fief_destroy(owner);
}

Test(xi_table, a_value_may_be_empty_and_may_not_fit) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    char got[3] = "--";
    size_t bytes = 9;
    assert_equal(fief_xi_table_set(table, "empty", S, NULL, 0), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_get(table, "empty", S, NULL, 0, &bytes), FIEF_XI_TABLE_OK);
    assert_equal(bytes, 0);
    assert_equal(fief_xi_table_set(table, "abc", S, "abc", 3), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_get(table, "abc", S, got, 2, &bytes), FIEF_XI_TABLE_TOO_SMALL);
    assert_equal(bytes, 3);
    cr_assert_str_eq(got, "--");
    assert_equal(fief_xi_table_get(table, "abc", S, got, 3, NULL), FIEF_XI_TABLE_OK);
    cr_assert_eq(memcmp(got, "abc", 3), 0);
    fief_destroy(owner);
}

Test(xi_table, add_leaves_what_is_there) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    assert_equal(fief_xi_table_add(table, "one", S, "uno", 4), FIEF_XI_TABLE_OK);
    uint64_t allocations = stats_of(table).allocations;
    assert_equal(fief_xi_table_add(table, "one", S, "due", 4), FIEF_XI_TABLE_EXISTS);
    assert_equal(fief_xi_table_add_pointer(table, "one", S, owner, NULL), FIEF_XI_TABLE_EXISTS);
    assert_equal(stats_of(table).allocations, allocations);
    assert_holds(table, "one", "uno");
    assert_equal(fief_xi_table_remove(table, "one", S), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_add_pointer(table, "one", S, owner, NULL), FIEF_XI_TABLE_OK);
    void *got = NULL;
    assert_equal(fief_xi_table_get(table, "one", S, &got, sizeof got, NULL), FIEF_XI_TABLE_OK);
    cr_assert_eq(got, owner);
    fief_destroy(owner);
}

/* Against a model, through many growths. */
Test(xi_table, thousands_of_entries_come_and_go) {
    enum { KEYS = 3000, TURNS = 60000 };
    static uint64_t model[KEYS]; /* 0: not there */
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    random_source rng = random_seeded(3);
    size_t live = 0;
    for (uint64_t turn = 1; turn <= TURNS; turn++) {
        uint32_t key = (uint32_t)random_below(&rng, KEYS);
        uint64_t got = 0;
        fief_xi_table_result wanted = model[key] != 0 ? FIEF_XI_TABLE_OK : FIEF_XI_TABLE_MISSING;
        assert_equal(fief_xi_table_get(table, &key, sizeof key, &got, sizeof got, NULL), wanted);
        assert_equal(got, model[key]);
        if (random_below(&rng, 3) == 0) {
            assert_equal(fief_xi_table_remove(table, &key, sizeof key), wanted);
            live -= model[key] != 0;
            model[key] = 0;
        } else {
            assert_equal(fief_xi_table_set(table, &key, sizeof key, &turn, sizeof turn), FIEF_XI_TABLE_OK);
            live += model[key] == 0;
            model[key] = turn;
        }
    }
    assert_equal(count_of(table), live);
    fief_destroy(owner);
}

/* ---- pointers ---- */

static unsigned freed;
static void *freed_last;

static void free_value(void *pointer) {
    freed++;
    freed_last = pointer;
}

Test(xi_table, a_pointer_is_given_back_once_when_its_entry_goes) {
    static int a, b, c;
    FOR_LEVELS(level) {
        fief *owner = create(at_level(level, &heard));
        fief_xi_table table = table_of(owner);
        freed = 0;
        assert_equal(fief_xi_table_set_pointer(table, "k", S, &a, free_value), FIEF_XI_TABLE_OK);
        assert_equal(freed, 0);
        assert_equal(fief_xi_table_set_pointer(table, "k", S, &b, free_value), FIEF_XI_TABLE_OK);
        cr_assert(freed == 1 && freed_last == &a);
        assert_equal(fief_xi_table_set(table, "k", S, "text", 5), FIEF_XI_TABLE_OK);
        cr_assert(freed == 2 && freed_last == &b);
        assert_equal(fief_xi_table_set_pointer(table, "k", S, &c, free_value), FIEF_XI_TABLE_OK);
        assert_equal(fief_xi_table_remove(table, "k", S), FIEF_XI_TABLE_OK);
        cr_assert(freed == 3 && freed_last == &c);
        assert_equal(fief_xi_table_set_pointer(table, "k", S, &a, NULL), FIEF_XI_TABLE_OK); /* nobody's */
        assert_equal(fief_xi_table_set_pointer(table, "l", S, &b, free_value), FIEF_XI_TABLE_OK);
        assert_equal(fief_xi_table_destroy(table), FIEF_XI_TABLE_OK);
        cr_assert(freed == 4 && freed_last == &b);
        fief_destroy(owner);
        assert_equal(freed, 4);
    }
}

typedef struct hooked {
    fief_xi_table table;
    fief_xi_table_result got;
} hooked;

static void use_table(void *pointer) {
    hooked *h = pointer;
    h->got = fief_xi_table_set(h->table, "from a hook", S, "x", 2);
}

Test(xi_table, a_free_hook_may_use_the_table) {
    fief *owner = create(named("owner"));
    hooked h = {table_of(owner), FIEF_XI_TABLE_BUSY};
    fief_xi_table_set_pointer(h.table, "k", S, &h, use_table);
    fief_xi_table_remove(h.table, "k", S);
    assert_equal(h.got, FIEF_XI_TABLE_OK);
    assert_holds(h.table, "from a hook", "x");
    fief_xi_table_set_pointer(h.table, "k", S, &h, use_table);
    fief_destroy(owner);
    assert_equal(h.got, FIEF_XI_TABLE_GONE);
}

/* ---- looking ---- */

static bool copy_entry(const fief_xi_entry *entry, void *arg) {
    *(fief_xi_entry *)arg = *entry;
    cr_assert_eq(((const char *)entry->key)[entry->key_bytes], '\0');
    cr_assert_eq((uintptr_t)entry->value % 16, 0);
    return false;
}

Test(xi_table, an_entry_is_shown_in_its_place) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    fief_xi_entry seen = {0};
    set_text(table, "one", "uno");
    fief_xi_table_set_pointer(table, "two", S, &seen, NULL);
    assert_equal(fief_xi_table_look(table, "one", S, copy_entry, &seen), FIEF_XI_TABLE_OK);
    cr_assert_str_eq(seen.key, "one");
    cr_assert_str_eq(seen.value, "uno");
    cr_assert(seen.key_bytes == 3 && seen.bytes == 4 && seen.pointer == NULL);
    cr_assert_neq(fief_owner(seen.value), FIEF_ID_NONE);
    cr_assert_neq(fief_owner(seen.value), fief_id_of(owner));
    assert_equal(fief_xi_table_look(table, "two", S, copy_entry, &seen), FIEF_XI_TABLE_OK);
    cr_assert(seen.value == NULL && seen.bytes == 0 && seen.pointer == &seen);
    assert_equal(fief_xi_table_look(table, "three", S, copy_entry, &seen), FIEF_XI_TABLE_MISSING);
    fief_destroy(owner);
}

typedef struct tally {
    unsigned seen[1000], most, calls;
} tally;

static bool count_entry(const fief_xi_entry *entry, void *arg) {
    tally *t = arg;
    t->seen[*(const unsigned *)entry->value]++;
    return ++t->calls < t->most;
}

Test(xi_table, a_visit_sees_each_entry_once_and_stops_when_told) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    static tally all = {.most = 5000}, some = {.most = 10};
    for (unsigned i = 0; i < 1000; i++)
        fief_xi_table_set(table, &i, sizeof i, &i, sizeof i);
    assert_equal(fief_xi_table_visit(table, count_entry, &all), FIEF_XI_TABLE_OK);
    for (unsigned i = 0; i < 1000; i++)
        assert_equal(all.seen[i], 1);
    assert_equal(fief_xi_table_visit(table, count_entry, &some), FIEF_XI_TABLE_OK);
    assert_equal(some.calls, 10);
    fief_destroy(owner);
}

typedef struct within {
    fief_xi_table table, another;
    fief *owner;
    unsigned refused;
} within;

static bool try_all_verbs(const fief_xi_entry *entry, void *arg) {
    within *w = arg;
    size_t count;
    fief_stats stats;
    (void)entry;
    const fief_xi_table tables[] = {w->table, w->another};
    for (unsigned i = 0; i < 2; i++) {
        w->refused += fief_xi_table_set(tables[i], "x", S, "y", 1) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_add(tables[i], "x", S, "y", 1) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_set_pointer(tables[i], "x", S, w, NULL) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_add_pointer(tables[i], "x", S, w, NULL) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_get(tables[i], "x", S, NULL, 0, NULL) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_remove(tables[i], "x", S) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_look(tables[i], "x", S, try_all_verbs, w) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_visit(tables[i], try_all_verbs, w) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_count(tables[i], &count) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_stats(tables[i], &stats) == FIEF_XI_TABLE_BUSY;
        w->refused += fief_xi_table_destroy(tables[i]) == FIEF_XI_TABLE_BUSY;
    }
    fief_xi_table fresh = 7;
    for (unsigned i = 0; i < 100; i++) /* one of them would have this table's lock */
        w->refused += fief_xi_table_create(w->owner, "fresh", 0, &fresh) == FIEF_BAD_STATE;
    assert_equal(fresh, FIEF_XI_TABLE_NONE);
    fief_free(w->owner, opaque(fief_alloc(w->owner, 40))); /* heaps are not locked */
    return true;
}

Test(xi_table, no_verb_works_within_a_callback) {
    fief *owner = create(named("owner"));
    within w = {table_of(owner), table_of(owner), owner, 0};
    set_text(w.table, "one", "uno");
    assert_equal(fief_xi_table_visit(w.table, try_all_verbs, &w), FIEF_XI_TABLE_OK);
    assert_equal(w.refused, 122);
    assert_equal(fief_xi_table_look(w.table, "one", S, try_all_verbs, &w), FIEF_XI_TABLE_OK);
    assert_equal(w.refused, 244);
    assert_holds(w.table, "one", "uno");
    assert_equal(count_of(w.another), 0);
    fief_destroy(owner);
}

static bool end_owner(const fief_xi_entry *entry, void *owner) {
    (void)entry;
    fief_destroy(owner);
    return true;
}

static int end_owner_within(void *arg) {
    const within *w = arg;
    alarm(20);
    fief_xi_table_visit(w->table, end_owner, w->owner);
    return 0;
}

/* It would wait for itself: it is stopped instead. */
Test(xi_table, an_owner_does_not_end_within_a_callback) {
    fief *owner = create(named("owner"));
    within w = {table_of(owner), FIEF_XI_TABLE_NONE, owner, 0};
    set_text(w.table, "one", "uno");
    child_end end = run_in_child(end_owner_within, &w);
    assert_equal(end.signal, SIGABRT);
    fief_destroy(owner);
}

/* ---- whose account ---- */

typedef struct errand {
    fief_xi_table table;
    fief *own;
    unsigned failed;
} errand;

static void *fill_from_a_thread(void *arg) {
    errand *e = arg;
    fief *before = fief_enter(e->own);
    for (unsigned i = 0; i < 1000; i++)
        e->failed += fief_xi_table_set(e->table, &i, sizeof i, "0123456789", 10) != FIEF_XI_TABLE_OK;
    for (unsigned i = 0; i < 500; i++)
        e->failed += fief_xi_table_remove(e->table, &i, sizeof i) != FIEF_XI_TABLE_OK;
    fief_leave(before);
    return NULL;
}

Test(xi_table, entries_are_on_its_own_account_whoever_calls) {
    FOR_LEVELS(level) {
        fief *owner = create(at_level(level, &heard)), *other = create(at_level(level, &heard));
        fief_xi_table table = table_of(owner);
        uint64_t empty = stats_of(table).live_blocks;
        pthread_t thread;
        errand e = {table, other, 0};
        cr_assert_eq(pthread_create(&thread, NULL, fill_from_a_thread, &e), 0);
        pthread_join(thread, NULL);
        assert_equal(e.failed, 0);
        assert_equal(stats_of(table).live_blocks, empty + 500);
        assert_equal(exact_stats(owner).allocations + exact_stats(other).allocations, 0);
        assert_equal(exact_stats(owner).foreign_in + exact_stats(other).foreign_out, 0);
        fief *heap = fief_find(stats_of(table).id);
        cr_assert_str_eq(fief_name(heap), "levels: names");
        fief_destroy(other);
        fief_destroy(owner);
    }
    assert_equal(heard.count, 0);
}

Test(xi_table, long_names_are_cut) {
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fief *owner = create(named(name));
    fief_xi_table table;
    assert_equal(fief_xi_table_create(owner, name, 0, &table), FIEF_OK);
    const char *heap = fief_name(fief_find(stats_of(table).id));
    assert_equal(strlen(heap), 63);
    cr_assert_eq(strncmp(heap + 30, ": n", 3), 0);
    fief_destroy(owner);
}

static bool free_entry(const fief_xi_entry *entry, void *arg) {
    fief_free(arg, (void *)(uintptr_t)entry->value);
    return true;
}

Test(xi_table, who_meddles_is_told_to_the_owners_callback) {
    fief *owner = create(at_level(FIEF_DEBUG_OFF, &heard)), *other = create(named("other"));
    fief_xi_table table = table_of(owner);
    set_text(table, "one", "uno");
    fief_policy_set(other, FIEF_MISUSE_INTERIOR, FIEF_POLICY_REPORT);
    fief_xi_table_visit(table, free_entry, other); /* values lie within their entries */
    assert_equal(heard.count, 1);
    cr_assert_str_eq(heard.owner_name, "levels: names");
    assert_holds(table, "one", "uno");
    fief_destroy(other);
    fief_destroy(owner);
}

/* ---- exhaustion ---- */

Test(xi_table, at_its_limit_nothing_changes) {
    FOR_LEVELS(level) {
        fief *owner = create(at_level(level, &heard));
        fief_xi_table table;
        assert_equal(fief_xi_table_create(owner, "small", 64 << 10, &table), FIEF_OK);
        static char value[900];
        unsigned set = 0;
        freed = 0;
        for (fief_xi_table_result result = FIEF_XI_TABLE_OK; result == FIEF_XI_TABLE_OK; set++) {
            memset(value, (int)(set % 255), sizeof value);
            result = fief_xi_table_set(table, &set, sizeof set, value, sizeof value);
            cr_assert(result == FIEF_XI_TABLE_OK || result == FIEF_XI_TABLE_NO_MEMORY);
        }
        assert_equal(count_of(table), set - 1);
        unsigned first = 0;
        assert_equal(fief_xi_table_set(table, &first, sizeof first, NULL, 0), FIEF_XI_TABLE_OK);
        assert_equal(fief_xi_table_add(table, "large", S, value, sizeof value), FIEF_XI_TABLE_OK);
        assert_equal(fief_xi_table_set(table, "large", S, value, sizeof value), FIEF_XI_TABLE_NO_MEMORY);
        assert_equal(fief_xi_table_set(table, "huge", S, value, SIZE_MAX / 2), FIEF_XI_TABLE_NO_MEMORY);
        assert_equal(count_of(table), set);
        for (unsigned i = 1; i + 1 < set; i++) {
            memset(value, 255, sizeof value);
            assert_equal(fief_xi_table_get(table, &i, sizeof i, value, sizeof value, NULL), FIEF_XI_TABLE_OK);
            cr_assert((unsigned char)value[0] == i % 255 && (unsigned char)value[899] == i % 255);
            assert_equal(fief_xi_table_remove(table, &i, sizeof i), FIEF_XI_TABLE_OK);
        }
        assert_equal(fief_xi_table_set(table, "large", S, value, sizeof value), FIEF_XI_TABLE_OK);
        fief_destroy(owner);
    }
}

Test(xi_table, a_pointer_that_was_not_taken_is_the_callers) {
    fief *owner = create(named("owner"));
    fief_xi_table table;
    static char key[100000];
    assert_equal(fief_xi_table_create(owner, "small", 64 << 10, &table), FIEF_OK);
    freed = 0;
    assert_equal(fief_xi_table_set_pointer(table, key, sizeof key, key, free_value), FIEF_XI_TABLE_NO_MEMORY);
    assert_equal(count_of(table), 0);
    fief_destroy(owner);
    assert_equal(freed, 0);
}

/* ---- the end ---- */

static void assert_gone(fief_xi_table table) {
    size_t count = 5;
    fief_stats stats;
    fief_xi_entry seen;
    assert_equal(fief_xi_table_set(table, "x", S, "y", 1), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_add(table, "x", S, "y", 1), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_set_pointer(table, "x", S, &count, free_value), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_add_pointer(table, "x", S, &count, free_value), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_get(table, "x", S, NULL, 0, NULL), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_remove(table, "x", S), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_look(table, "x", S, copy_entry, &seen), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_visit(table, copy_entry, &seen), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_count(table, &count), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_stats(table, &stats), FIEF_XI_TABLE_GONE);
    assert_equal(fief_xi_table_destroy(table), FIEF_XI_TABLE_GONE);
    assert_equal(count, 5);
}

Test(xi_table, after_its_owners_end_it_is_gone) {
    FOR_LEVELS(level) {
        fief *owner = create(at_level(level, &heard)), *other = create(at_level(level, &heard));
        fief_xi_table tables[20], others = table_of(other);
        freed = 0;
        for (unsigned i = 0; i < 20; i++) {
            tables[i] = table_of(owner);
            set_text(tables[i], "one", "uno");
            fief_xi_table_set_pointer(tables[i], "two", S, owner, free_value);
        }
        set_text(others, "one", "uno");
        fief_leaks before, after;
        fief_leaks_read(&before);
        assert_equal(fief_destroy(owner), FIEF_OK);
        fief_leaks_read(&after);
        assert_equal(freed, 20);
        assert_equal(after.blocks, before.blocks);
        assert_equal(after.interpreters, before.interpreters + 21);
        for (unsigned i = 0; i < 20; i++)
            assert_gone(tables[i]);
        assert_holds(others, "one", "uno");
        fief_destroy(other);
        assert_gone(others);
    }
    assert_equal(heard.count, 0);
}

Test(xi_table, a_number_is_never_used_again) {
    fief *owner = create(named("owner"));
    fief_xi_table last = FIEF_XI_TABLE_NONE;
    for (unsigned i = 0; i < 3000; i++) {
        fief_xi_table table = table_of(owner);
        assert_relation(table, >, last);
        assert_equal(fief_xi_table_destroy(table), FIEF_XI_TABLE_OK);
        assert_equal(fief_xi_table_destroy(table), FIEF_XI_TABLE_GONE);
        last = table;
    }
    assert_gone(FIEF_XI_TABLE_NONE);
    assert_gone(last + 1);
    fief_destroy(owner);
}

static void use_it_to_the_last(fief *f, void *arg) {
    fief_xi_table table = *(fief_xi_table *)arg, fresh;
    assert_holds(table, "one", "uno");
    assert_equal(set_text(table, "two", "due"), FIEF_XI_TABLE_OK);
    assert_equal(fief_xi_table_create(f, "late", 0, &fresh), FIEF_BAD_STATE);
    assert_equal(fresh, FIEF_XI_TABLE_NONE);
}

Test(xi_table, at_exit_callbacks_find_it_there) {
    fief *owner = create(named("owner"));
    fief_xi_table table;
    fief_at_exit(owner, use_it_to_the_last, &table);
    table = table_of(owner);
    fief_at_exit(owner, use_it_to_the_last, &table);
    set_text(table, "one", "uno");
    fief_destroy(owner);
    assert_gone(table);
}

typedef struct listed {
    fief_freelist *list;
    fief *other;
    void *block;
} listed;

static unsigned listed_cleared;

static void count_cleared(fief *f, void *block, void *arg) {
    (void)f, (void)block, (void)arg;
    listed_cleared++;
}

static fief_freelist *make_cleared_list(fief *owner) {
    fief_freelist_config config = list_config(48, 5, 2);
    config.clear = count_cleared;
    return create_list(owner, config);
}

static void push_to_list(void *pointer) {
    const listed *l = pointer;
    cr_assert_neq(make_cleared_list(l->other), l->list); /* it is still there */
    fief_freelist_push(l->list, l->block);
}

/* A free hook gives back to a freelist of the owner's, whichever of the two was made first. */
Test(xi_table, the_owners_freelists_outlive_its_tables) {
    FOR_LEVELS(level) {
        for (unsigned order = 0; order < 3; order++) {
            fief *owner = create(at_level(level, &heard));
            listed l = {.list = order == 0 ? make_cleared_list(owner) : NULL, .other = create(named("other"))};
            fief_xi_table table = table_of(owner);
            if (order == 1)
                l.list = make_cleared_list(owner);
            if (order == 2) { /* it is not the first list that counts */
                fief_freelist_destroy(make_cleared_list(owner));
                assert_equal(fief_xi_table_destroy(table), FIEF_XI_TABLE_OK);
                table = table_of(owner);
                l.list = make_cleared_list(owner);
            }
            l.block = fief_freelist_pop(l.list);
            fief_xi_table_set_pointer(table, "k", S, &l, push_to_list);
            fief_leaks before, after;
            fief_leaks_read(&before);
            listed_cleared = 0;
            assert_equal(fief_destroy(owner), FIEF_OK);
            fief_leaks_read(&after);
            assert_equal(listed_cleared, 1);
            assert_equal(after.blocks, before.blocks);
            fief_destroy(l.other);
        }
    }
    assert_equal(heard.count, 0);
}

Test(xi_table, the_next_tenant_of_a_handle_keeps_its_tables_too) {
    for (unsigned i = 0; i < 50; i++) {
        fief *owner = create(named("owner"));
        fief_xi_table table = i % 3 != 0 ? table_of(owner) : FIEF_XI_TABLE_NONE;
        fief_destroy(owner);
        assert_gone(table);
    }
}

/* ---- wrong arguments ---- */

Test(xi_table, wrong_arguments_do_nothing) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner), none = 7;
    assert_equal(fief_xi_table_create(owner, NULL, 0, &none), FIEF_BAD_ARGUMENT);
    assert_equal(none, FIEF_XI_TABLE_NONE);
    assert_equal(fief_xi_table_create(owner, "x", SIZE_MAX, &none), FIEF_BAD_ARGUMENT);
    assert_equal(fief_xi_table_create(owner, "x", 0, NULL), FIEF_BAD_ARGUMENT);
    assert_equal(fief_xi_table_set(table, NULL, 1, "y", 1), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_set(table, NULL, S, "y", 1), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_set(table, "x", S, NULL, 1), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_get(table, "x", S, NULL, 1, NULL), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_get(table, NULL, S, NULL, 0, NULL), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_remove(table, NULL, 3), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_look(table, "x", S, NULL, NULL), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_visit(table, NULL, NULL), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_count(table, NULL), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(fief_xi_table_stats(table, NULL), FIEF_XI_TABLE_BAD_ARGUMENT);
    assert_equal(count_of(table), 0);
    fief_destroy(owner);
}

Test(xi_table, results_have_texts) {
    for (int i = FIEF_XI_TABLE_OK; i <= FIEF_XI_TABLE_BAD_ARGUMENT; i++)
        for (int other = FIEF_XI_TABLE_OK; other < i; other++)
            cr_assert_str_neq(fief_xi_table_result_text((fief_xi_table_result)i),
                              fief_xi_table_result_text((fief_xi_table_result)other));
    cr_assert_str_eq(fief_xi_table_result_text((fief_xi_table_result)-1), "unknown result");
    cr_assert_str_eq(fief_xi_table_result_text((fief_xi_table_result)100), "unknown result");
}

/* ---- fork ---- */

static int use_in_child(void *arg) {
    const errand *e = arg;
    char got[8];
    alarm(20);
    if (fief_xi_table_get(e->table, "one", S, got, sizeof got, NULL) != FIEF_XI_TABLE_OK ||
        strcmp(got, "uno") != 0 || set_text(e->table, "one", "child's") != FIEF_XI_TABLE_OK)
        return 1;
    return fief_destroy(e->own) == FIEF_OK && set_text(e->table, "x", "y") == FIEF_XI_TABLE_GONE ? 0 : 2;
}

Test(xi_table, a_child_has_its_parents) {
    fief *owner = create(named("owner"));
    fief_xi_table table = table_of(owner);
    set_text(table, "one", "uno");
    child_end end = run_in_child(use_in_child, &(errand){table, owner, 0});
    assert_returned(end);
    assert_holds(table, "one", "uno");
    fief_destroy(owner);
}
