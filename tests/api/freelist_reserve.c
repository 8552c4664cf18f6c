/* The reserve: blocks for when memory does not exist. */
#include "support/levels.h"
#include "support/lists.h"

#include <fief/inline.h>

enum { KIB = 1024, BYTES = 96, RESERVE = 16, MOST = 100000 };

static witness heard;

static fief *limited(fief_debug level, size_t bytes) {
    fief_config config = at_level(level, &heard);
    config.limit.hard_bytes = bytes;
    return create(config);
}

static void *blocks[MOST];
static unsigned block_count;

static void use_up_with(fief *f, size_t size) {
    while (block_count < MOST && (blocks[block_count] = fief_alloc(f, size)) != NULL)
        block_count++;
    cr_assert_lt(block_count, MOST);
}

/* Until there is nothing left, not even a block of the list's size. */
static void use_up(fief *f) {
    use_up_with(f, 4096);
    use_up_with(f, 512);
    use_up_with(f, BYTES);
}

static void free_all(fief *f) {
    while (block_count > 0)
        fief_free(f, blocks[--block_count]);
}

static void init(void) {
    conf("");
}

TestSuite(freelist_reserve, .init = init);

Test(freelist_reserve, it_is_there_from_the_beginning_as_zeros) {
    FOR_LEVELS (level) {
        fief *f = limited(level, 1024 * KIB);
        fief_freelist *list = make_list(f, BYTES, 4, RESERVE);
        assert_equal(list_stats(list).reserve_held, RESERVE);
        assert_equal(exact_stats(f).live_blocks, RESERVE);
        use_up(f);
        for (unsigned i = 0; i < RESERVE; i++) {
            unsigned char *block = fief_freelist_pop(list);
            cr_assert_not_null(block);
            for (unsigned byte = 0; byte < BYTES; byte++)
                assert_equal(block[byte], 0);
            memset(block, 0xEE, BYTES);
        }
        cr_assert_null(fief_freelist_pop(list));
        assert_equal(list_stats(list).from_reserve, RESERVE);
        assert_equal(list_stats(list).failed, 1);
        assert_books(list, RESERVE + 1, 0);
        free_all(f);
        fief_destroy(f);
    }
}

Test(freelist_reserve, while_there_is_memory_it_is_not_touched) {
    FOR_LEVELS (level) {
        fief *f = limited(level, 0);
        fief_freelist *list = make_list(f, BYTES, 4, RESERVE);
        void *popped[100];
        for (unsigned turn = 0; turn < 10; turn++) {
            pop_many(list, popped, 100);
            push_many(list, popped, 100);
        }
        assert_equal(list_stats(list).reserve_held, RESERVE);
        assert_equal(list_stats(list).from_reserve + list_stats(list).refilled, 0);
        assert_books(list, 1000, 1000);
        fief_trim(f);
        assert_equal(list_stats(list).reserve_held, RESERVE);
        assert_equal(list_stats(list).held, 0);
        assert_equal(exact_stats(f).live_blocks, RESERVE);
        fief_destroy(f);
        assert_equal(heard.count, 0);
    }
}

/* What a runtime does out of memory: it makes the error's object, throws it, and drops it. A hundred times out of a
 * hundred; and once something was freed it goes on. */
Test(freelist_reserve, the_error_object_is_always_delivered) {
    FOR_LEVELS (level) {
        fief *f = limited(level, 2048 * KIB);
        fief_freelist *errors = make_list(f, BYTES, 0, RESERVE);
        unsigned delivered = 0;
        for (unsigned turn = 0; turn < 100; turn++) {
            use_up(f);
            void *error[RESERVE]; /* as deep as errors may be nested */
            for (unsigned depth = 0; depth < RESERVE; depth++) {
                error[depth] = fief_freelist_pop(errors);
                cr_assert_not_null(error[depth]);
                memset(error[depth], (int)turn, BYTES);
                delivered++;
            }
            for (unsigned depth = RESERVE; depth-- > 0;) {
                assert_equal(*(unsigned char *)error[depth], turn);
                fief_freelist_push(errors, error[depth]);
            }
            if (turn % 10 == 9)
                free_all(f);
        }
        assert_equal(delivered, 100 * RESERVE);
        assert_equal(list_stats(errors).reserve_held, RESERVE);
        assert_books(errors, 100 * RESERVE, 100 * RESERVE);
        free_all(f);
        void *again = fief_alloc(f, 1000);
        cr_assert_not_null(again);
        fief_free(f, again);
        fief_destroy(f);
        assert_equal(heard.count, 0);
    }
}

Test(freelist_reserve, pushes_fill_it_up_before_anything_is_kept) {
    fief *f = limited(FIEF_DEBUG_OFF, 512 * KIB);
    fief_freelist *list = make_list(f, BYTES, 4, 3);
    use_up(f);
    void *popped[3];
    pop_many(list, popped, 3);
    cr_assert_null(fief_freelist_pop(list));
    free_all(f);
    push_many(list, popped, 2);
    assert_equal(list_stats(list).reserve_held, 2);
    assert_equal(list_stats(list).held, 0);
    void *fresh = fief_freelist_pop(list); /* there is memory again */
    assert_equal(list_stats(list).reserve_held, 2);
    fief_freelist_push(list, fresh);
    assert_equal(list_stats(list).reserve_held, 3);
    assert_equal(list_stats(list).refilled, 3);
    fief_freelist_push(list, popped[2]);
    assert_equal(list_stats(list).held, 1);
    cr_assert_eq(fief_freelist_pop(list), popped[2]);
    assert_books(list, 6, 4);
}

Test(freelist_reserve, a_reserve_that_can_not_be_filled_is_not_promised) {
    FOR_LEVELS (level) {
        fief *f = limited(level, 256 * KIB);
        fief_freelist_config config = list_config(8 * KIB, 4, 1000);
        fief_freelist *list = (fief_freelist *)&config;
        assert_equal(fief_freelist_create(f, &config, &list), FIEF_NO_MEMORY);
        cr_assert_null(list);
        assert_equal(exact_stats(f).live_blocks, 0);
        use_up(f);
        config.block_bytes = BYTES;
        config.reserve = 1;
        assert_equal(fief_freelist_create(f, &config, &list), FIEF_NO_MEMORY);
        assert_equal(exact_stats(f).live_blocks, block_count);
        free_all(f);
        assert_equal(fief_freelist_create(f, &config, &list), FIEF_OK);
        fief_destroy(f);
        assert_equal(heard.count, 0);
    }
}

/* ---- pressure ---- */

static fief_freelist *under_pressure;
static void *garbage[50];
static unsigned pressures;

static bool collect_garbage(fief *f, size_t wanted, void *arg) {
    (void)f, (void)wanted, (void)arg;
    pressures++;
    for (unsigned i = 0; i < 50; i++) {
        fief_freelist_push(under_pressure, garbage[i]);
        garbage[i] = NULL;
    }
    return garbage[0] != NULL;
}

Test(freelist_reserve, before_memory_is_refused_lists_are_drained) {
    fief *f = limited(FIEF_DEBUG_OFF, 512 * KIB);
    fief_freelist *list = make_list(f, 2 * KIB, 100, 3);
    void *popped[100];
    pop_many(list, popped, 100);
    push_many(list, popped, 100);
    assert_equal(list_stats(list).held, 100);
    use_up(f);
    assert_equal(list_stats(list).held, 0);
    assert_equal(list_stats(list).drained, 100);
    assert_equal(list_stats(list).reserve_held, 3);
    free_all(f);
    fief_destroy(f);
}

Test(freelist_reserve, what_the_collector_pushes_is_to_be_had) {
    fief *f = limited(FIEF_DEBUG_OFF, 512 * KIB);
    under_pressure = make_list(f, 1 * KIB, 100, 2);
    fief_limit limit = {.hard_bytes = 512 * KIB, .pressure = collect_garbage};
    pop_many(under_pressure, garbage, 50);
    assert_equal(fief_limit_set(f, &limit), FIEF_OK);
    while (pressures == 0)
        cr_assert_not_null(blocks[block_count++] = fief_alloc(f, 1 * KIB));
    assert_equal(list_stats(under_pressure).held, 0);
    for (unsigned i = 0; i < 40; i++)
        cr_assert_not_null(blocks[block_count++] = fief_alloc(f, 1 * KIB));
    free_all(f);
    fief_destroy(f);
}

/* ---- leaks ---- */

static uint64_t reported_blocks(fief *f) {
    static told t;
    t.bytes = 0;
    unsigned long long reported = 0;
    assert_equal(fief_leaks_report(f, FIEF_JSON, collect, &t), FIEF_OK);
    const char *at = strstr(t.text, "\"blocks\":");
    cr_assert(at != NULL && sscanf(at, "\"blocks\":%llu", &reported) == 1, "told: %s", t.text);
    return reported;
}

Test(freelist_reserve, leak_reports_leave_lists_out) {
    FOR_LEVELS (level) {
        fief *f = limited(level, 0);
        fief_freelist *list = make_list(f, BYTES, 10, RESERVE), *other = make_list(f, 32, 10, 2);
        void *popped[7], *leaked = fief_alloc(f, 10);
        pop_many(list, popped, 7);
        push_many(list, popped, 5);
        fief_freelist_push(other, opaque(fief_freelist_pop(other)));
        assert_equal(reported_blocks(f), 3);
        assert_equal(list_stats(list).reserve_held, RESERVE);
        fief_free(f, leaked);
        push_many(list, popped + 5, 2);
        assert_equal(reported_blocks(f), 0);
        fief_destroy(f);
        assert_equal(heard.count, 0);
    }
}

Test(freelist_reserve, a_strict_end_has_no_leaks_in_lists) {
    FOR_LEVELS (level) {
        fief_config config = at_level(level, &heard);
        config.on_leak = FIEF_LEAK_STRICT;
        fief *f = create(config);
        fief_freelist *list = make_list(f, BYTES, 10, RESERVE);
        fief_freelist_push(list, opaque(fief_freelist_pop(list)));
        fief_destroy(f);
        assert_equal(heard.count, 0);
    }
}

/* ---- closing ---- */

static void fail_at_exit(fief *f, void *arg) {
    fief_freelist *errors = arg;
    use_up(f);
    for (unsigned i = 0; i < 3; i++) {
        void *error[4];
        pop_many(errors, error, 4);
        cr_assert_null(fief_freelist_pop(errors));
        push_many(errors, error, 4);
    }
    free_all(f);
}

Test(freelist_reserve, it_works_in_at_exit_callbacks) {
    fief *f = limited(FIEF_DEBUG_OFF, 512 * KIB);
    fief_at_exit(f, fail_at_exit, make_list(f, BYTES, 5, 4));
    fief_destroy(f);
    assert_equal(heard.count, 0);
}
