/* Memory that is nobody's. */
#include "interp/commons.h"

#include "support/compare.h"
#include "support/interpreter.h"

Test(commons, what_is_taken_is_counted_until_it_is_given_back) {
    assert_equal(fi_commons_live_blocks(), 0);
    char *small = fi_commons_alloc(40), *large = fi_commons_alloc(1 << 20);
    cr_assert(small != NULL && large != NULL);
    memset(small, 1, 40);
    memset(large, 2, 1 << 20);
    assert_equal(fi_commons_live_blocks(), 2);
    fi_commons_free(small);
    fi_commons_free(large);
    fi_commons_free(NULL);
    assert_equal(fi_commons_live_blocks(), 0);
}

Test(commons, it_outlives_every_interpreter_and_belongs_to_none) {
    fief *f = create(named("f"));
    char *p = fi_commons_alloc(100);
    strcpy(p, "still here");
    cr_assert_neq(fief_owner(p), fief_id_of(f));
    fief_destroy(f);
    fief_trim(NULL);
    cr_assert_str_eq(p, "still here");
    fi_commons_free(p);
}

Test(commons, a_batch_is_as_long_as_there_is_memory) {
    void *blocks[10];
    assert_equal(fi_commons_alloc_batch(64, blocks, 10), 10);
    fi_commons_free_batch(blocks, 10);
    fi_commons_free_batch(blocks, 0);
    fi_commons_fail_at(4);
    assert_equal(fi_commons_alloc_batch(64, blocks, 10), 3);
    fi_commons_free_batch(blocks, 3);
    fi_commons_fail_at(1);
    cr_assert_null(fi_commons_alloc(64));
    assert_equal(fi_commons_live_blocks(), 0);
    cr_assert_null(fi_commons_alloc(SIZE_MAX));
}

Test(commons, it_is_no_interpreter) {
    fief_totals before, after;
    fief_totals_read(&before);
    char *p = fi_commons_alloc(100);
    fief_totals_read(&after);
    assert_equal(after.interpreters, before.interpreters);
    cr_assert_null(fief_find(fief_owner(p)));
    fi_commons_free(p);
}
