/* What follows a misuse, kind by kind, wherever that was said: in the configuration, by fief_policy_set, or in the
 * environment, which has the last word. */
#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"

#include <fief/debug.h>
#include <signal.h>
#include <stdlib.h>

/* ---- one misuse of each kind ---- */

static fief *heap, *other; /* `other` for what takes two */

static void *freed(size_t size) {
    void *p = opaque(fief_alloc(heap, size));
    fief_free(heap, p);
    return p;
}

static void free_twice(void) {
    fief_free(heap, freed(100));
}
static void free_inside(void) {
    fief_free(heap, (char *)opaque(fief_alloc(heap, 100)) + 16);
}
static void free_misaligned(void) {
    fief_free(heap, (char *)opaque(fief_alloc(heap, 100)) + 3);
}
static void free_wild(void) {
    fief_free(heap, opaque(&heap));
}
static void write_after_free(void) {
    *((volatile char *)freed(100) + 50) = 1;
    fief_trim(heap);
}
static void overflow(void) {
    volatile char *p = opaque(fief_alloc(heap, 100));
    p[100] = 1;
    fief_free(heap, (void *)p);
}
static void underflow(void) {
    volatile char *p = opaque(fief_alloc(heap, 100));
    p[-1] = 1;
    fief_free(heap, (void *)p);
}
static void realloc_after_free(void) {
    cr_assert_null(opaque(fief_realloc(heap, freed(100), 200)));
}
static void free_with_wrong_size(void) {
    fief_free_sized(heap, opaque(fief_alloc(heap, 100)), 99);
}
static void free_with_wrong_alignment(void) {
    fief_free_aligned_sized(heap, opaque(fief_alloc(heap, 100)), 64, 100);
}
static void free_with_wrong_domain(void) {
    fief_domain_free(heap, FIEF_DOMAIN_RAW, opaque(fief_alloc(heap, 100)));
}
static void free_foreign(void) {
    fief_free(heap, opaque(fief_alloc(other, 100)));
}
static void realloc_foreign(void) {
    (void)opaque(fief_realloc(heap, opaque(fief_alloc(other, 100)), 200));
}
static void free_late(void) {
    void *p = opaque(fief_alloc(other, 100));
    fief_destroy(other);
    other = NULL;
    fief_free(heap, p);
}

typedef struct misuse {
    fief_misuse kind;
    void (*commit)(void);
    const char *key; /* in FIEF_CONF */
} misuse;

static const misuse misuses[] = {
    {FIEF_MISUSE_DOUBLE_FREE, free_twice, "on_double_free"},
    {FIEF_MISUSE_INTERIOR, free_inside, "on_interior_pointer"},
    {FIEF_MISUSE_MISALIGNED, free_misaligned, "on_misaligned_pointer"},
    {FIEF_MISUSE_WILD, free_wild, "on_wild_pointer"},
    {FIEF_MISUSE_WRITE_AFTER_FREE, write_after_free, "on_write_after_free"},
    {FIEF_MISUSE_OVERFLOW, overflow, "on_overflow"},
    {FIEF_MISUSE_UNDERFLOW, underflow, "on_underflow"},
    {FIEF_MISUSE_REALLOC_AFTER_FREE, realloc_after_free, "on_realloc_after_free"},
    {FIEF_MISUSE_WRONG_SIZE, free_with_wrong_size, "on_wrong_size"},
    {FIEF_MISUSE_WRONG_ALIGNMENT, free_with_wrong_alignment, "on_wrong_alignment"},
    {FIEF_MISUSE_WRONG_DOMAIN, free_with_wrong_domain, "on_wrong_domain"},
    {FIEF_MISUSE_FOREIGN_FREE, free_foreign, "on_foreign_free"},
    {FIEF_MISUSE_FOREIGN_REALLOC, realloc_foreign, "on_foreign_realloc"},
    {FIEF_MISUSE_LATE_FREE, free_late, "on_late_free"},
};

enum { MISUSES = sizeof misuses / sizeof *misuses };

/* ---- where a policy is said ---- */

typedef enum saying { IN_CONFIG, BY_VERB, IN_ENVIRONMENT, PLACES } saying;

typedef struct trial {
    const misuse *of;
    fief_policy policy;
    saying place;
} trial;

static void say_in_environment(const trial *t) {
    static const char *const words[] = {[FIEF_POLICY_ABORT] = "abort",
                                        [FIEF_POLICY_REPORT] = "report",
                                        [FIEF_POLICY_ROUTE] = "route",
                                        [FIEF_POLICY_IGNORE] = "ignore"};
    char conf[200];
    snprintf(conf, sizeof conf, "tools:0,on_misuse:abort,on_foreign:abort,leaks:0%s%s%s%s",
             t->place == IN_ENVIRONMENT ? "," : "", t->place == IN_ENVIRONMENT ? t->of->key : "",
             t->place == IN_ENVIRONMENT ? ":" : "", t->place == IN_ENVIRONMENT ? words[t->policy] : "");
    setenv("FIEF_CONF", conf, 1);
}

/* The opposite is said elsewhere, so that it shows who has the last word. */
static void begin(const trial *t) {
    fief_policy opposite = t->policy == FIEF_POLICY_ABORT ? FIEF_POLICY_IGNORE : FIEF_POLICY_ABORT;
    say_in_environment(t);
    fief_config config = named("heap");
    config.debug = FIEF_DEBUG_CHECK;
    config.policies[t->of->kind] = (uint8_t)(t->place == IN_CONFIG ? t->policy : opposite);
    if (fief_create(&heap, &config) != FIEF_OK || fief_create(&other, NULL) != FIEF_OK)
        _exit(1);
    if (t->place == BY_VERB && fief_policy_set(heap, t->of->kind, t->policy) != FIEF_OK)
        _exit(2);
}

static int commit(void *arg) {
    const trial *t = arg;
    begin(t);
    t->of->commit();
    fief_stats stats = exact_stats(heap);
    return stats.misuses + stats.foreign_out + stats.late_out == 1 ? 0 : 3;
}

static void assert_follows(const misuse *of, fief_policy policy) {
    for (saying place = IN_CONFIG; place < PLACES; place++) {
        trial t = {of, policy, place};
        child_end end = run_in_child(commit, &t);
        bool told = strstr(end.said, "fief: ") != NULL;
        cr_assert_eq(end.signal, policy == FIEF_POLICY_ABORT ? SIGABRT : 0, "%s, place %d: signal %d, it said: %s",
                     of->key, (int)place, end.signal, end.said);
        cr_assert(policy == FIEF_POLICY_ABORT || end.status == 0, "%s, place %d: status %d: %s", of->key,
                  (int)place, end.status, end.said);
        cr_assert_eq(told, policy != FIEF_POLICY_IGNORE, "%s, place %d: it said: %s", of->key, (int)place,
                     end.said);
    }
}

Test(policies, abort_is_followed_for_each_kind_wherever_it_is_said) {
    for (unsigned i = 0; i < MISUSES; i++)
        assert_follows(&misuses[i], FIEF_POLICY_ABORT);
}

Test(policies, report_is_followed_for_each_kind_wherever_it_is_said) {
    for (unsigned i = 0; i < MISUSES; i++)
        assert_follows(&misuses[i], FIEF_POLICY_REPORT);
}

Test(policies, ignore_is_followed_for_each_kind_wherever_it_is_said) {
    for (unsigned i = 0; i < MISUSES; i++)
        assert_follows(&misuses[i], FIEF_POLICY_IGNORE);
}

/* Of what is foreign only. */
Test(policies, a_block_goes_home_by_a_policy_of_its_own) {
    for (unsigned i = 0; i < MISUSES; i++)
        if (misuses[i].kind == FIEF_MISUSE_FOREIGN_FREE || misuses[i].kind == FIEF_MISUSE_FOREIGN_REALLOC)
            assert_follows(&misuses[i], FIEF_POLICY_ROUTE);
}

Test(policies, what_a_kind_does_not_know_is_refused) {
    fief *f = create(named("heap"));
    cr_assert_eq(fief_policy_set(f, FIEF_MISUSE_DOUBLE_FREE, FIEF_POLICY_ROUTE), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_policy_set(f, (fief_misuse)0, FIEF_POLICY_ABORT), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_policy_set(f, (fief_misuse)FIEF_MISUSE_COUNT, FIEF_POLICY_ABORT), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_policy_set(f, FIEF_MISUSE_WILD, (fief_policy)5), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_policy_set(f, FIEF_MISUSE_FOREIGN_FREE, FIEF_POLICY_ROUTE), FIEF_OK);
}
