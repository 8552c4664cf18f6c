/* interp/life: an interpreter begins whole or not at all, and ends without a trace but its tombstones. */
#include "interp/life.h"

#include "arena/arena.h"
#include "arena/space.h"
#include "heap/pools.h"
#include "interp/registry.h"
#include "os/os.h"
#include "support/child.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/interpreter.h"
#include "support/pages.h"

static fief *begin(const char *name) {
    fief_config config = named(name);
    fief *f = NULL;
    assert_equal(fi_life_begin(&f, &config, NULL, false), FIEF_OK);
    return f;
}

/* ---- beginning ---- */

Test(life, a_fresh_handle_is_empty_and_has_one_small_arena) {
    const fief *f = begin("ann");
    assert_equal(f->state, FIEF_LIVE);
    assert_equal(f->count.arenas, 1);
    assert_equal(f->count.pools, 0);
    assert_equal(f->arenas[0]->bytes, FI_UNIT_BYTES);
    cr_assert_eq((const void *)f, f->arenas[0]->start);
    cr_assert_eq(f->arenas[0]->owner, f);
    assert_equal(f->fast.layout, FIEF_INLINE_LAYOUT);
}

Test(life, handles_are_at_least_a_unit_apart) {
    uintptr_t last = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uintptr_t f = (uintptr_t)begin("one of many");
        assert_equal(f % FI_UNIT_BYTES, 0);
        cr_assert_neq(f, last);
        last = f;
    }
}

/* The lists and classes of a handle: as a fresh one has them. */
static void assert_is_fresh(fief *f) {
    for (unsigned c = 0; c < FI_CLASSES; c++) {
        cr_assert_eq(*fi_heap_list(f, c), fi_heap_sentinel(f));
        assert_equal(f->classes[c].current | f->classes[c].ready, 0);
        assert_equal(f->worth[c], 1);
        assert_equal(f->patience[c], FI_PATIENCE);
        assert_equal(c < FI_FINE_CLASSES ? f->borrowed[c] : 0, 0);
    }
    assert_equal(f->touched[0] | f->touched[1], 0);
    assert_equal(f->count.listed | f->count.large_blocks | f->count.misuses, 0);
    assert_equal(f->count.charged_bytes, fi_os_page_bytes());
    cr_assert(f->exits == NULL && !f->shrinking && f->unwinding == 0 && f->told_foreign == 0);
}

/* Leaves nothing undone that a handle can be used for. */
static void use(fief *f) {
    for (size_t size = 0; size < 200000; size = size * 5 / 4 + 1)
        for (unsigned i = 0; i < 20; i++) {
            void *block = fief_alloc(f, size);
            if (i % 2 == 0)
                fief_free(f, block);
        }
    fief_unwind_begin(f);
    cr_assert_eq(fief_limit_set(f, &(fief_limit){.hard_bytes = 100 << 20, .soft_bytes = 1}), FIEF_OK);
}

Test(life, an_ended_interpreters_handle_serves_the_next_one_as_a_fresh_one_would) {
    fief *first = begin("ann");
    assert_is_fresh(first);
    use(first);
    fi_life_end(first);
    fief *next;
    do { /* all that it left is warm: its own arena comes last */
        next = begin("bob");
        assert_is_fresh(next);
        assert_equal(next->limit.hard_bytes, 0);
        cr_assert_str_eq(fief_name(next), "bob");
    } while (next != first);
    use(next);
}

enum { FAILED_WELL = 0, FAILED_BADLY, DID_NOT_FAIL };

/* The first interpreter of a process, with the nth request for it failing. */
static int begin_with_failure(void *arg) {
    const uint64_t nth = *(const uint64_t *)arg;
    fief_config config = named("unlucky");
    fief *f = NULL;
    fi_os_fail_at(nth);
    fief_status status = fi_life_begin(&f, &config, NULL, false);
    if (fi_os_request_count() < nth)
        return DID_NOT_FAIL;
    bool whole = status == FIEF_OK && f != NULL && fi_space_used_units() == 1;
    bool nothing = status == FIEF_NO_MEMORY && f == NULL && fi_space_used_units() == 0;
    if (!whole && !nothing)
        return FAILED_BADLY;
    return fi_life_begin(&f, &config, NULL, false) == FIEF_OK && fief_alloc(f, 100) != NULL ? FAILED_WELL : FAILED_BADLY;
}

Test(life, a_failure_anywhere_leaves_nothing_behind) {
    uint64_t nth = 1;
    child_end end;
    while ((end = run_in_child(begin_with_failure, &nth)).status == FAILED_WELL)
        nth++;
    cr_assert_eq(end.status, DID_NOT_FAIL, "request %ju: status %d, signal %d", (uintmax_t)nth, end.status,
                 end.signal);
    cr_assert_gt(nth, 5U);
}

/* ---- at exit ---- */

static unsigned calls[3], calls_count;

static void note_call(fief *f, void *arg) {
    assert_equal(f->state, FIEF_CLOSING);
    calls[calls_count++] = *(unsigned *)arg;
}

Test(life, callbacks_run_last_in_first_out_before_the_end) {
    fief *f = begin("ann");
    unsigned numbers[] = {0, 1, 2};
    for (unsigned i = 0; i < 3; i++)
        assert_equal(fi_life_at_exit(f, note_call, &numbers[i]), FIEF_OK);
    fi_life_end(f);
    for (unsigned i = 0; i < 3; i++)
        assert_equal(calls[i], 2 - i);
}

Test(life, a_callback_that_finds_no_memory_is_refused_and_none_is_lost) {
    fief *f = begin("ann");
    unsigned number = 7;
    fi_os_fail_at(1);
    assert_equal(fi_life_at_exit(f, note_call, &number), FIEF_NO_MEMORY);
    assert_equal(fi_life_at_exit(f, note_call, &number), FIEF_OK);
    fi_life_end(f);
    assert_equal(calls_count, 1);
}

static void note_last(fief *f, void *arg) {
    (void)arg;
    assert_equal(fi_life_at_exit(f, note_call, NULL), FIEF_BAD_STATE);
    assert_equal(fi_life_at_last(f, note_last), FIEF_BAD_STATE);
    calls[calls_count++] = 100;
}

Test(life, what_comes_at_last_comes_after_all_callbacks) {
    fief *f = begin("ann");
    unsigned number = 7;
    fi_life_at_exit(f, note_call, &number);
    assert_equal(fi_life_at_last(f, note_last), FIEF_OK);
    fi_life_at_exit(f, note_call, &number);
    fi_life_end(f);
    cr_assert(calls_count == 3 && calls[0] == 7 && calls[1] == 7 && calls[2] == 100);
}

Test(life, what_can_not_come_at_last_is_refused) {
    fief *f = begin("ann");
    unsigned number = 7;
    fi_os_fail_at(1);
    assert_equal(fi_life_at_last(f, note_last), FIEF_NO_MEMORY);
    assert_equal(fi_life_at_exit(f, note_call, &number), FIEF_OK);
    fi_life_end(f);
    cr_assert(calls_count == 1 && calls[0] == 7);
}

/* ---- ending ---- */

Test(life, all_address_space_is_given_back) {
    fief *f = begin("ann");
    for (size_t size = 1; size < 64 << 20; size *= 2)
        cr_assert_not_null(fief_alloc(f, size));
    fi_life_end(f);
    fi_arena_release_warm();
    assert_equal(fi_space_used_units(), 0);
}

Test(life, all_of_a_hosts_memory_is_given_back) {
    host h = {.out = 0};
    fief_config config = named("guest");
    config.provider = (fief_provider){&h, host_alloc, host_free};
    fief *f = NULL;
    assert_equal(fi_life_begin(&f, &config, NULL, false), FIEF_OK);
    for (size_t size = 1; size < 8 << 20; size *= 2)
        cr_assert_not_null(fief_alloc(f, size));
    cr_assert_gt(h.out, 1U);
    fi_life_end(f);
    assert_equal(h.out, 0);
    assert_equal(h.strangers, 0);
    assert_equal(fi_space_used_units(), 0);
}

/* Its arena becomes another's, as an ordinary one. */
Test(life, an_ended_handles_page_is_not_taken_for_zeros) {
    fief *f = begin("ann");
    fi_life_end(begin("ended"));
    for (unsigned i = 0; i < 8; i++)
        cr_assert(is_zeros(fief_zalloc(f, 120000), 120000));
}

Test(life, the_next_one_knows_nothing_of_what_was_done_with_an_ended_handle) {
    static witness told;
    fief_config config = watched("ended", &told);
    fief *f = NULL, *next = NULL;
    assert_equal(fi_life_begin(&f, &config, NULL, false), FIEF_OK);
    fi_life_end(f);
    fief_unwind_begin(f);
    fief_poll(f);
    assert_equal(told.kinds[FIEF_MISUSE_DEAD_HANDLE], 2);
    assert_equal(fi_life_begin(&next, &config, NULL, false), FIEF_OK);
    cr_assert_eq(next, f);
    assert_equal(next->unwinding, 0);
    assert_equal(next->count.misuses, 0);
}

/* A write behind a block's end, into a free one's link. */
Test(life, a_damaged_list_does_not_keep_it_from_ending) {
    fief *f = begin("sick");
    char *block = opaque(fief_alloc(f, 64));
    *(uintptr_t *)(void *)(block + 64) = 0x4141414141414140;
    assert_equal(fi_life_end(f), FIEF_OK);
}

Test(life, what_lives_at_the_end_is_a_leak_with_its_bytes) {
    fief_leaks before, after;
    fief *f = begin("messy");
    size_t bytes = 0;
    for (size_t size = 8; size < 1 << 20; size *= 2)
        bytes += fief_usable_size(fief_alloc(f, size));
    fi_registry_leaks(&before);
    fi_life_end(f);
    fi_registry_leaks(&after);
    assert_equal(after.interpreters - before.interpreters, 1);
    assert_equal(after.blocks - before.blocks, 17);
    assert_equal(after.bytes - before.bytes, bytes);
}

static void end_again(fief *f, void *arg) {
    *(fief_status *)arg = fi_life_end(f);
}

Test(life, an_interpreter_that_is_ending_cannot_be_ended) {
    fief_status status = FIEF_OK;
    fief *f = begin("ann");
    fi_life_at_exit(f, end_again, &status);
    assert_equal(fi_life_end(f), FIEF_OK);
    assert_equal(status, FIEF_BAD_STATE);
}
