/* fief_policy_set, fief_config.policies and FIEF_CONF: what follows each kind of misuse. */
#include "support/child.h"
#include "support/levels.h"

#include <signal.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(policy, .init = set_up);

/* ---- what may be asked for ---- */

Test(policy, only_kinds_and_policies_that_there_are_can_be_set) {
    fief *f = create(at_level(FIEF_DEBUG_CHECK, &heard));
    assert_equal(fief_policy_set(f, (fief_misuse)0, FIEF_POLICY_REPORT), FIEF_BAD_ARGUMENT);
    assert_equal(fief_policy_set(f, (fief_misuse)FIEF_MISUSE_COUNT, FIEF_POLICY_REPORT), FIEF_BAD_ARGUMENT);
    assert_equal(fief_policy_set(f, (fief_misuse)-1, FIEF_POLICY_REPORT), FIEF_BAD_ARGUMENT);
    assert_equal(fief_policy_set(f, FIEF_MISUSE_WILD, (fief_policy)5), FIEF_BAD_ARGUMENT);
    for (int kind = 1; kind < FIEF_MISUSE_COUNT; kind++) {
        bool foreign = kind == FIEF_MISUSE_FOREIGN_FREE || kind == FIEF_MISUSE_FOREIGN_REALLOC;
        assert_equal(fief_policy_set(f, (fief_misuse)kind, FIEF_POLICY_ROUTE),
                     foreign ? FIEF_OK : FIEF_BAD_ARGUMENT);
        assert_equal(fief_policy_set(f, (fief_misuse)kind, FIEF_POLICY_IGNORE), FIEF_OK);
        assert_equal(fief_policy_set(f, (fief_misuse)kind, FIEF_POLICY_DEFAULT), FIEF_OK);
    }
    fief_destroy(f);
}

Test(policy, a_dead_handle_has_none) {
    fief *f = create(at_level(FIEF_DEBUG_CHECK, &heard));
    fief_destroy(f);
    assert_equal(fief_policy_set(f, FIEF_MISUSE_WILD, FIEF_POLICY_IGNORE), FIEF_BAD_STATE);
}

/* ---- what follows ---- */

typedef struct wrong_call {
    fief_debug level;
    fief_misuse kind;
    fief_policy policy;
    bool configured; /* by the configuration, not by fief_policy_set */
} wrong_call;

static void call_wrongly(fief *f, fief *other, fief_misuse kind) {
    static int local;
    char *block = opaque(fief_alloc(f, 40));
    switch (kind) {
    case FIEF_MISUSE_FOREIGN_FREE:
        fief_free(f, fief_alloc(other, 40));
        break;
    case FIEF_MISUSE_FOREIGN_REALLOC:
        (void)!fief_realloc(f, fief_alloc(other, 40), 50);
        break;
    case FIEF_MISUSE_DOUBLE_FREE:
        fief_free(f, block);
        fief_free(f, opaque(block));
        break;
    case FIEF_MISUSE_INTERIOR:
        fief_free(f, opaque(block + 8));
        break;
    case FIEF_MISUSE_MISALIGNED:
        fief_free(f, opaque(block + 1));
        break;
    case FIEF_MISUSE_OVERFLOW:
        block[40] = 1;
        fief_free(f, block);
        break;
    case FIEF_MISUSE_WRONG_SIZE:
        fief_free_sized(f, block, 41);
        break;
    case FIEF_MISUSE_WRONG_DOMAIN:
        fief_domain_free(f, FIEF_DOMAIN_OBJ, block);
        break;
    default:
        fief_free(f, opaque(&local));
    }
}

static int do_wrong(void *arg) {
    const wrong_call *call = arg;
    conf("");
    fief_config config = named("wrong");
    config.debug = call->level;
    config.on_misuse = call->policy == FIEF_POLICY_ABORT ? FIEF_MISUSE_REPORT : FIEF_MISUSE_ABORT;
    config.on_foreign = FIEF_FOREIGN_ABORT;
    if (call->policy == FIEF_POLICY_ABORT)
        config.on_foreign = FIEF_FOREIGN_ROUTE;
    if (call->configured)
        config.policies[call->kind] = (uint8_t)call->policy;
    fief *f, *other;
    if (fief_create(&f, &config) != FIEF_OK || fief_create(&other, &config) != FIEF_OK)
        return 1;
    if (!call->configured && fief_policy_set(f, call->kind, call->policy) != FIEF_OK)
        return 2;
    call_wrongly(f, other, call->kind);
    fief_stats stats;
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    return stats.misuses + stats.foreign_out == 1 ? 0 : 3;
}

static void assert_followed(const wrong_call *call) {
    child_end end = run_in_child(do_wrong, (void *)(uintptr_t)call);
    if (call->policy == FIEF_POLICY_ABORT) {
        assert_aborted(end);
        assert_says(end, "  verdict  abort\n");
        return;
    }
    assert_returned(end);
    cr_assert_eq(end.said_bytes == 0, call->policy == FIEF_POLICY_IGNORE, "it said: %s", end.said);
}

Test(policy, each_kind_follows_its_own_policy_and_not_the_general_one, .timeout = 100) {
    static const fief_misuse kinds[] = {
        FIEF_MISUSE_FOREIGN_FREE, FIEF_MISUSE_FOREIGN_REALLOC, FIEF_MISUSE_DOUBLE_FREE,
        FIEF_MISUSE_INTERIOR,     FIEF_MISUSE_MISALIGNED,      FIEF_MISUSE_WILD,
        FIEF_MISUSE_OVERFLOW,     FIEF_MISUSE_WRONG_SIZE,      FIEF_MISUSE_WRONG_DOMAIN};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (fief_policy policy = FIEF_POLICY_ABORT; policy <= FIEF_POLICY_IGNORE; policy++) {
            bool needs_level = kinds[i] >= FIEF_MISUSE_OVERFLOW, foreign = kinds[i] <= FIEF_MISUSE_FOREIGN_REALLOC;
            if (policy == FIEF_POLICY_ROUTE && !foreign)
                continue;
            assert_followed(&(wrong_call){FIEF_DEBUG_CHECK, kinds[i], policy, false});
            assert_followed(&(wrong_call){FIEF_DEBUG_FULL, kinds[i], policy, true});
            if (!needs_level)
                assert_followed(&(wrong_call){FIEF_DEBUG_OFF, kinds[i], policy, true});
        }
}

Test(policy, the_environment_has_the_last_word) {
    conf("on_interior_pointer:ignore,on_wild_pointer:ignore");
    fief_config config = at_level(FIEF_DEBUG_CHECK, &heard);
    config.on_misuse = FIEF_MISUSE_ABORT;
    config.policies[FIEF_MISUSE_INTERIOR] = FIEF_POLICY_ABORT;
    fief *f = create(config);
    call_wrongly(f, f, FIEF_MISUSE_INTERIOR);
    call_wrongly(f, f, FIEF_MISUSE_WILD);
    assert_equal(heard.count, 0);
    assert_equal(exact_stats(f).misuses, 2);
    fief_destroy(f);
}

Test(policy, late_frees_follow_theirs) {
    fief_config config = at_level(FIEF_DEBUG_CHECK, &heard);
    fief *f = create(config), *other = create(config);
    void *block = fief_alloc(f, 40);
    fief_destroy(f);
    assert_equal(fief_policy_set(other, FIEF_MISUSE_LATE_FREE, FIEF_POLICY_IGNORE), FIEF_OK);
    fief_free(other, block);
    assert_equal(heard.count, 0);
    assert_equal(fief_policy_set(other, FIEF_MISUSE_LATE_FREE, FIEF_POLICY_REPORT), FIEF_OK);
    fief_free(other, block);
    fief_free(other, block);
    assert_equal(heard.kinds[FIEF_MISUSE_LATE_FREE], 2);
    assert_equal(exact_stats(other).late_out, 3);
    fief_destroy(other);
}

/* ---- fief_break_at ---- */

typedef struct stop {
    fief_debug level;
    uint64_t at;
    const char *environment;
} stop;

static int allocate_ten(void *arg) {
    const stop *s = arg;
    conf(s->environment);
    fief_config config = FIEF_CONFIG_INIT;
    config.debug = s->level;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    if (s->at != 0)
        fief_break_at(f, s->at);
    for (unsigned i = 0; i < 10; i++)
        if (fief_alloc(f, 10) == NULL)
            return 2;
    return 0;
}

Test(policy, the_program_stops_in_the_allocation_that_was_named) {
    FOR_DEBUG_LEVELS(level) {
        assert_equal(run_in_child(allocate_ten, &(stop){level, 10, ""}).signal, SIGTRAP);
        assert_equal(run_in_child(allocate_ten, &(stop){level, 1, ""}).signal, SIGTRAP);
        assert_equal(run_in_child(allocate_ten, &(stop){level, 0, "break:7"}).signal, SIGTRAP);
        assert_returned(run_in_child(allocate_ten, &(stop){level, 11, ""}));
        assert_returned(run_in_child(allocate_ten, &(stop){level, 0, ""}));
    }
    assert_returned(run_in_child(allocate_ten, &(stop){FIEF_DEBUG_OFF, 5, ""}));
}
