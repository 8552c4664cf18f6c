/* Calls whose memory is refused: the result says so, the argument is given back, nothing stays behind. */
#include "xi/calls.h"

#include "interp/commons.h"
#include "support/compare.h"
#include "support/interpreter.h"

enum { MOST_BLOCKS = 40 };

static unsigned ran, freed;

static int run(fief *f, void *arg) {
    (void)f, (void)arg;
    ran++;
    return 0;
}

static void count_free(void *arg) {
    (void)arg;
    freed++;
}

static void wake(fief_id id, void *arg) {
    (void)id, (void)arg;
}

typedef fief_xi_result way_to_call(fief *f, fief_id target);

static fief_xi_result plainly(fief *f, fief_id target) {
    return fief_xi_call(f, target, run, NULL);
}

static fief_xi_result by_nobody(fief *f, fief_id target) {
    (void)f;
    return fief_xi_call(NULL, target, run, NULL);
}

static fief_xi_result owned(fief *f, fief_id target) {
    unsigned before = freed;
    fief_xi_result result = fief_xi_call_owned(f, target, run, NULL, count_free);
    assert_equal(freed - before, result == FIEF_XI_NO_MEMORY);
    return result;
}

static fief_xi_result copied(fief *f, fief_id target) {
    char data[1000] = "";
    return fief_xi_call_copied(f, target, run, data, sizeof data);
}

static fief_xi_result awaited(fief *f, fief_id target) {
    fief_xi_result result = fief_xi_call_wait(f, target, run, NULL, 0, NULL);
    return result == FIEF_XI_TIMED_OUT ? FIEF_XI_QUEUED : result;
}

static fief_xi_result awaited_by_nobody(fief *f, fief_id target) {
    (void)f;
    return awaited(NULL, target);
}

static fief_xi_result hooked(fief *f, fief_id target) {
    fief *hooks = fief_find(target);
    (void)f;
    switch (fief_xi_on_wake(hooks, wake, NULL)) {
    case FIEF_OK:
        return FIEF_XI_QUEUED;
    case FIEF_NO_MEMORY:
        return FIEF_XI_NO_MEMORY;
    default:
        return FIEF_XI_BAD_ARGUMENT;
    }
}

static uint64_t live_blocks(void) {
    fief_trim(NULL);
    return fi_commons_live_blocks();
}

/* The nth block is refused to two that have not met yet. True: they could do without. */
static bool refuse(way_to_call *call, uint64_t nth) {
    fief *a = create(named("a")), *b = create(named("b"));
    ran = freed = 0;
    fi_commons_fail_at(nth);
    fief_xi_result result = call(a, fief_id_of(b));
    fi_commons_fail_at(0);
    cr_assert(result == FIEF_XI_QUEUED || result == FIEF_XI_NO_MEMORY, "%s", fief_xi_result_text(result));
    unsigned before = ran;
    fief_poll(b);
    assert_equal(before, 0);
    cr_assert(result == FIEF_XI_QUEUED || ran == 0);
    assert_equal(call(a, fief_id_of(b)), FIEF_XI_QUEUED); /* it was not for ever */
    fief_destroy(a);
    fief_destroy(b);
    assert_equal(live_blocks(), 0);
    return result == FIEF_XI_QUEUED;
}

Test(xi_calls, whatever_is_refused_nothing_is_lost) {
    static way_to_call *const ways[] = {plainly, by_nobody, owned, copied, awaited, awaited_by_nobody, hooked};
    for (unsigned way = 0; way < sizeof ways / sizeof *ways; way++) {
        unsigned refused = 0;
        for (uint64_t nth = 1; nth <= MOST_BLOCKS; nth++)
            refused += !refuse(ways[way], nth);
        cr_assert(refused > 0 && refused < MOST_BLOCKS, "way %u was refused %u times", way, refused);
    }
}

Test(xi_calls, an_interpreter_that_was_never_called_has_no_exchange) {
    fief *f = create(named("f"));
    cr_assert_null(f->slot->exchange);
    cr_assert_null(fi_exchange_known(f));
    fief_poll(f);
    cr_assert_null(f->slot->exchange);
    fief_destroy(f);
}

/* More calls than chains are kept for. */
Test(xi_calls, memory_of_many_calls_goes_back) {
    fief *a = create(named("a")), *b = create(named("b"));
    for (unsigned i = 0; i < 100000; i++)
        assert_equal(fief_xi_call(a, fief_id_of(b), run, NULL), FIEF_XI_QUEUED);
    uint64_t most = fi_commons_live_blocks();
    assert_equal(fief_xi_poll(b, SIZE_MAX), 100000);
    cr_assert(most > 100000 && fi_commons_live_blocks() < 5000, "%ju of %ju blocks are live",
              (uintmax_t)fi_commons_live_blocks(), (uintmax_t)most);
    fief_destroy(a);
    fief_destroy(b);
    assert_equal(live_blocks(), 0);
}

/* A port that is wanted for another target is closed; the old target is reached again all the same. */
Test(xi_calls, there_are_more_targets_than_ports) {
    enum { TARGETS = 3 * FI_PORTS };
    fief *f = create(named("f")), *targets[TARGETS];
    for (unsigned i = 0; i < TARGETS; i++)
        targets[i] = create(named("target"));
    ran = 0;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < TARGETS; i++)
            assert_equal(fief_xi_call(f, fief_id_of(targets[i]), run, NULL), FIEF_XI_QUEUED);
    for (unsigned i = 0; i < TARGETS; i++)
        assert_equal(fief_xi_poll(targets[i], SIZE_MAX), 3);
    assert_equal(ran, 3 * TARGETS);
    for (unsigned i = 0; i < TARGETS; i++)
        fief_destroy(targets[i]);
    fief_destroy(f);
    assert_equal(live_blocks(), 0);
}
