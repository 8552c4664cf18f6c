/* What an interpreter leaves behind at its end, told by place, by tag and by domain. */
#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"

#include <fief/debug.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

/* ---- places that leak ---- */

NOINLINE void *leak_small(fief *f);
NOINLINE void *leak_large(fief *f);
NOINLINE void *leak_huge(fief *f);
NOINLINE void *leak_tagged(fief *f);
NOINLINE void *leak_in_a_domain(fief *f);

NOINLINE void *leak_small(fief *f) {
    return opaque(fief_alloc(f, 100));
}
NOINLINE void *leak_large(fief *f) {
    return opaque(fief_alloc(f, 100000));
}
NOINLINE void *leak_huge(fief *f) {
    return opaque(fief_zalloc(f, 2000000));
}
NOINLINE void *leak_tagged(fief *f) {
    fief_tag tag = 0;
    fief_tag_register("leaky", &tag);
    return opaque(fief_alloc_tagged(f, 48, tag));
}
NOINLINE void *leak_in_a_domain(fief *f) {
    return opaque(fief_domain_alloc(f, FIEF_DOMAIN_OBJ, 56));
}

typedef struct leak {
    void *(*make)(fief *f);
    const char *function;
    const char *amount; /* of two of them */
    const char *kind;
} leak;

static const leak leaks[] = {
    {leak_small, "leak_small", "  200 bytes in 2 blocks of 100", ""},
    {leak_large, "leak_large", "  200,000 bytes in 2 blocks of 100,000", ""},
    {leak_huge, "leak_huge", "  4,000,000 bytes in 2 blocks of 2,000,000", ""},
    {leak_tagged, "leak_tagged", "  96 bytes in 2 blocks of 48", ", tag \"leaky\""},
    {leak_in_a_domain, "leak_in_a_domain", "  112 bytes in 2 blocks of 56", ", domain obj"},
};

enum { LEAKS = sizeof leaks / sizeof *leaks };

/* ---- at the end ---- */

typedef struct trial {
    const leak *of;
    fief_debug level;
    bool strict;
    void *at[2];
} trial;

/* A loop, so that both are from one place. */
static int end_with_two(void *arg) {
    trial *t = arg;
    fief_config config = named("leaky one");
    config.debug = t->level;
    config.on_leak = t->strict ? FIEF_LEAK_STRICT : FIEF_LEAK_FORCE;
    fief *f = NULL;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    void *first = t->of->make(f);
    if (t->of->make == leak_in_a_domain)
        fief_domain_free(f, FIEF_DOMAIN_OBJ, first);
    else
        fief_free(f, first);
    for (volatile unsigned i = 0; i < 2; i++)
        t->at[i] = t->of->make(f);
    fief_leaks before, after;
    fief_leaks_read(&before);
    if (fief_destroy(f) != FIEF_OK)
        return 2;
    fief_leaks_read(&after);
    return after.blocks - before.blocks == 2 ? 0 : 3;
}

static void assert_leaks_are_told(const child_end *end, const trial *t) {
    char head[200], amount[200], frame[100];
    snprintf(head, sizeof head, "fief: leaks of interpreter 1 \"leaky one\": %s from 1 place\n",
             strchr(t->of->amount, ' ') + 2);
    char *of = strstr(head, " of ");
    of = strstr(of + 4, " of "); /* the first is the interpreter's */
    memmove(of, strstr(of, " from"), strlen(strstr(of, " from")) + 1);
    snprintf(amount, sizeof amount, "%s%s, allocated ", t->of->amount, t->of->kind);
    snprintf(frame, sizeof frame, "    #0  %s", t->of->function);
    cr_assert_eq(strncmp(end->said, head, strlen(head)), 0, "not %s: %s", head, end->said);
    cr_assert_eq(strncmp(end->said + strlen(head), amount, strlen(amount)), 0, "not %s: %s", amount, end->said);
    assert_says(*end, " ms ago, serials 2 to 3\n    at 0x");
    assert_says(*end, frame);
}

static void use_own_tools(void) {
    setenv("FIEF_CONF", "tools:0", 1);
}

TestSuite(leaks, .init = use_own_tools);

Test(leaks, of_each_kind_are_told_at_each_level) {
    for (unsigned i = 0; i < LEAKS; i++)
        for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_GUARD; level++) {
            trial t = {.of = &leaks[i], .level = level};
            child_end end = run_in_child(end_with_two, &t);
            assert_returned(end);
            assert_leaks_are_told(&end, &t);
        }
}

Test(leaks, are_counted_and_not_told_where_nothing_is_watched) {
    for (unsigned i = 0; i < LEAKS; i++) {
        trial t = {.of = &leaks[i], .level = FIEF_DEBUG_OFF};
        child_end end = run_in_child(end_with_two, &t);
        assert_returned(end);
        assert_equal(end.said_bytes, 0);
    }
}

Test(leaks, end_the_program_where_they_may_not_be) {
    for (unsigned i = 0; i < LEAKS; i++)
        for (fief_debug level = FIEF_DEBUG_OFF; level <= FIEF_DEBUG_GUARD; level++) {
            trial t = {.of = &leaks[i], .level = level, .strict = true};
            child_end end = run_in_child(end_with_two, &t);
            assert_aborted(end);
            assert_says(end, "fief: leak in fief_destroy\n  found    2 blocks are live at the end\n");
            if (level != FIEF_DEBUG_OFF)
                assert_leaks_are_told(&end, &t);
        }
}

static int end_without(void *arg) {
    trial *t = arg;
    fief_config config = named("tidy one");
    config.debug = t->level;
    config.on_leak = FIEF_LEAK_STRICT;
    fief *f = NULL;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    for (unsigned i = 0; i < LEAKS; i++) {
        void *p = leaks[i].make(f);
        if (leaks[i].make == leak_in_a_domain)
            fief_domain_free(f, FIEF_DOMAIN_OBJ, p);
        else
            fief_free(f, p);
    }
    return fief_destroy(f) == FIEF_OK ? 0 : 2;
}

Test(leaks, who_frees_all_is_not_told_of) {
    for (fief_debug level = FIEF_DEBUG_OFF; level <= FIEF_DEBUG_GUARD; level++) {
        trial t = {.level = level};
        child_end end = run_in_child(end_without, &t);
        assert_returned(end);
        assert_equal(end.said_bytes, 0);
    }
}
