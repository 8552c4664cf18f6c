/* xi/table and xi/tables: each request to the system refused in turn, chains that stay short, tables that share a
 * bucket, and nothing left in a heap that ends. */
#include "xi/tables.h"

#include "os/os.h"
#include "support/levels.h"

static void set_up(void) {
    conf("");
}

TestSuite(table, .init = set_up);

static fi_table *make(void) {
    fi_table *table = fi_table_make(create(named("table")), 1);
    cr_assert_not_null(table);
    return table;
}

static fief_xi_table_result put(fi_table *table, unsigned key, const fi_value *value, fi_leftover *leftover) {
    *leftover = (fi_leftover){NULL, NULL};
    return fi_table_put(table, (fi_key){&key, sizeof key}, value, false, leftover);
}

static unsigned freed;

static void count_free(void *pointer) {
    freed += pointer == &freed;
}

Test(table, it_grows_with_its_entries) {
    fi_table *table = make();
    const fi_value none = {.bytes = 0};
    fi_leftover leftover;
    size_t longest = 0;
    for (unsigned i = 0; i < 10000; i++)
        assert_equal(put(table, i, &none, &leftover), FIEF_XI_TABLE_OK);
    assert_at_least(table->bucket_count, 10000);
    for (size_t i = 0; i < table->bucket_count; i++) {
        size_t length = 0;
        for (const fi_entry *entry = table->buckets[i]; entry != NULL; entry = entry->next)
            length++;
        longest = length > longest ? length : longest;
    }
    assert_at_most(longest, 12);
    fi_table_end(table);
}

Test(table, what_goes_leaves_its_hook_to_the_caller) {
    fi_table *table = make();
    const fi_value pointer = {.pointer = &freed, .free_value = count_free, .is_pointer = true};
    fi_leftover leftover;
    assert_equal(put(table, 1, &pointer, &leftover), FIEF_XI_TABLE_OK);
    cr_assert(leftover.free_value == NULL);
    assert_equal(put(table, 1, &pointer, &leftover), FIEF_XI_TABLE_OK);
    cr_assert(leftover.free_value == count_free && leftover.pointer == &freed && freed == 0);
    assert_equal(fi_table_remove(table, (fi_key){&(unsigned){1}, sizeof(unsigned)}, &leftover), FIEF_XI_TABLE_OK);
    cr_assert(leftover.free_value == count_free && freed == 0);
    assert_equal(put(table, 2, &pointer, &leftover), FIEF_XI_TABLE_OK);
    fi_table_end(table);
    assert_equal(freed, 1);
}

/* At the limit chains grow instead of the table. */
Test(table, without_memory_to_grow_it_goes_on) {
    fief_config config = named("small");
    config.limit.hard_bytes = 40 << 10;
    fi_table *table = fi_table_make(create(config), 1);
    const fi_value none = {.bytes = 0};
    fi_leftover leftover;
    unsigned there = 0;
    while (put(table, there, &none, &leftover) == FIEF_XI_TABLE_OK)
        there++;
    assert_equal(table->count, there);
    for (unsigned i = 0; i < there; i++)
        cr_assert_not_null(fi_table_find(table, (fi_key){&i, sizeof i}));
    cr_assert_null(fi_table_find(table, (fi_key){&there, sizeof there}));
    fi_table_end(table);
}

static fief_leaks leaks_now(void) {
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    return leaks;
}

/* Whatever creating a table asks of the system is refused once. */
Test(table, one_that_can_not_be_made_leaves_nothing) {
    FOR_LEVELS(level) {
        fief_config config = named("owner");
        config.debug = level;
        config.zeroed = true; /* no warm memory for the table */
        uint64_t k = 1;
        for (bool refused = true; refused; k++) {
            fief *owner = create(config);
            fief_xi_table table = 7;
            fi_os_fail_at(k);
            fief_status status = fief_xi_table_create(owner, "names", 0, &table);
            refused = fi_os_request_count() >= k;
            fi_os_fail_at(0);
            if (status != FIEF_OK) { /* at GUARD there may be another way */
                assert_equal(status, FIEF_NO_MEMORY);
                assert_equal(table, FIEF_XI_TABLE_NONE);
                assert_equal(fief_xi_table_create(owner, "names", 0, &table), FIEF_OK);
            }
            assert_equal(fief_xi_table_set(table, "x", FIEF_XI_STRING, "y", 2), FIEF_XI_TABLE_OK);
            fief_destroy(owner);
            assert_equal(fief_xi_table_destroy(table), FIEF_XI_TABLE_GONE);
            assert_equal(leaks_now().blocks, 0);
            fief_trim(NULL);
        }
        assert_at_least(k, 3);
    }
}

Test(table, tables_of_one_bucket_are_told_apart) {
    enum { TABLES = 3000 };
    static fief_xi_table tables[TABLES];
    fief *owner = create(named("owner"));
    for (unsigned i = 0; i < TABLES; i++) {
        assert_equal(fief_xi_table_create(owner, "many", 0, &tables[i]), FIEF_OK);
        assert_equal(fief_xi_table_set(tables[i], "n", 1, &i, sizeof i), FIEF_XI_TABLE_OK);
    }
    for (unsigned i = 0; i < TABLES; i += 3)
        assert_equal(fief_xi_table_destroy(tables[i]), FIEF_XI_TABLE_OK);
    for (unsigned i = 0; i < TABLES; i++) {
        unsigned got = TABLES;
        assert_equal(fief_xi_table_get(tables[i], "n", 1, &got, sizeof got, NULL),
                     i % 3 == 0 ? FIEF_XI_TABLE_GONE : FIEF_XI_TABLE_OK);
        assert_equal(got, i % 3 == 0 ? TABLES : i);
    }
    fief_destroy(owner);
    assert_equal(leaks_now().interpreters, TABLES + 1);
    assert_equal(leaks_now().blocks, 0);
}
