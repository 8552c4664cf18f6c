/* What the cases have in common. */
#include "misuse/scene.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

/* Of each group of size classes some that fill a class and some that don't; large, huge, aligned; every verb. */
const recipe hows[HOWS] = {
    {ALLOC, 0, 0},
    {ALLOC, 1, 0},
    {ALLOC, 16, 0},
    {ALLOC, 24, 0},
    {ALLOC, 100, 0},
    {ALLOC, 240, 0},
    {ALLOC, 496, 0},
    {ALLOC, 512, 0},
    {ALLOC, 513, 0},
    {ALLOC, 1008, 0},
    {ALLOC, 1024, 0},
    {ALLOC, 3000, 0},
    {ALLOC, 4096, 0},
    {ALLOC, 16368, 0},
    {ALLOC, 16384, 0},
    {ALLOC, 20 << 10, 0},
    {ALLOC, 100001, 0},
    {ALLOC, 512 << 10, 0},
    {ALLOC, 2 << 20, 0},
    {ALIGNED, 24, 64},
    {ALIGNED, 100, 4096},
    {ALIGNED, 100, 64 << 10},
    {ALIGNED, 100000, 1 << 20},
    {ZALLOC, 200, 0},
    {ZALLOC, 100000, 0},
    {CALLOC, 5000, 0},
    {GROWN, 300, 0},
    {GROWN, 300000, 0},
    {SHRUNK, 100, 0},
    {TAGGED, 80, 0},
    {DOMAIN, 120, 0},
    {DOMAIN_CALLOC, 30000, 0},
};

bool is_small(const recipe *how) {
    return how->size <= 16 << 10 && how->alignment <= 4096;
}

bool is_guarded(const scene *s) {
    return s->level == FIEF_DEBUG_GUARD && s->how->alignment <= 4096;
}

/* ---- blocks ---- */

static bool is_of_a_domain(const recipe *how) {
    return how->way == DOMAIN || how->way == DOMAIN_CALLOC;
}

static fief_tag matrix_tag(void) {
    fief_tag tag = 0;
    if (fief_tag_register("matrix", &tag) != FIEF_OK)
        say("no tag");
    return tag;
}

NOINLINE char *make_as(fief *f, const recipe *how, unsigned *allocations) {
    char *p = NULL, *first = NULL;
    switch (how->way) {
    case ALIGNED:
        return fief_alloc_aligned(f, how->size, how->alignment);
    case ZALLOC:
        return fief_zalloc(f, how->size);
    case CALLOC:
        return fief_calloc(f, how->size / 10, 10);
    case GROWN:
    case SHRUNK:
        first = opaque(fief_alloc(f, how->way == GROWN ? how->size / 6 : how->size * 30));
        p = opaque(fief_realloc(f, first, how->size));
        *allocations += p != first;
        return p;
    case TAGGED:
        return fief_alloc_tagged(f, how->size, matrix_tag());
    case DOMAIN:
        return fief_domain_alloc(f, FIEF_DOMAIN_OBJ, how->size);
    case DOMAIN_CALLOC:
        return fief_domain_calloc(f, FIEF_DOMAIN_OBJ, how->size / 10, 10);
    default:
        return fief_alloc(f, how->size);
    }
}

NOINLINE block make_block(scene *s, fief *f, const recipe *how) {
    unsigned allocations = 1;
    block b = {.size = how->size, .tag = "", .domain = ""};
    b.p = opaque(make_as(f, how, &allocations));
    if (b.p == NULL)
        say("no memory for a block of %zu bytes", how->size);
    b.usable = fief_usable_size(b.p);
    if (f == s->owner)
        s->serial += allocations;
    b.serial = s->serial;
    if (s->level != FIEF_DEBUG_OFF) {
        b.tag = how->way == TAGGED ? "matrix" : "";
        b.domain = is_of_a_domain(how) ? "obj" : "";
        b.usable = how->size;
    }
    if (b.p != NULL)
        memset(b.p, 0x11, b.size);
    return b;
}

NOINLINE void free_block(fief *f, const recipe *how, void *p) {
    if (is_of_a_domain(how))
        fief_domain_free(f, FIEF_DOMAIN_OBJ, p);
    else
        fief_free(f, p);
}

const char *free_verb(const scene *s) {
    return is_of_a_domain(s->how) && is_watched(s) ? "fief_domain_free" : "fief_free";
}

char *make_neighbour(scene *s) {
    return make_block(s, s->owner, s->how).p;
}

void make_neighbours(scene *s) {
    for (unsigned i = 0; i < sizeof s->neighbours / sizeof *s->neighbours; i++)
        s->neighbours[i] = make_neighbour(s);
}

void free_neighbours(scene *s) {
    for (unsigned i = 0; i < sizeof s->neighbours / sizeof *s->neighbours; i++)
        free_block(s->owner, s->how, s->neighbours[i]);
}

void end_owner(scene *s) {
    if (fief_destroy(s->owner) != FIEF_OK)
        say("the owner does not end");
    s->owner = NULL;
    s->owner_is.state = FIEF_DEAD;
}

/* ---- threads ---- */

typedef struct errand {
    void (*fn)(scene *s);
    scene *s;
} errand;

static void *run_errand(void *arg) {
    const errand *e = arg;
    e->fn(e->s);
    return NULL;
}

void in_a_thread(void (*fn)(scene *s), scene *s) {
    pthread_t thread;
    errand e = {fn, s};
    if (pthread_create(&thread, NULL, run_errand, &e) != 0 || pthread_join(thread, NULL) != 0)
        say("no thread");
}

/* ---- promises ---- */

expected expect(const scene *s, fief_misuse kind, const char *operation, const char *here) {
    return (expected){.kind = kind,
                      .operation = operation,
                      .verdict = "the call does nothing",
                      .pointer = s->it.p,
                      .block = s->it.p,
                      .block_size = s->it.usable,
                      .owner = s->owner_is,
                      .caller = s->owner_is,
                      .recorded = is_watched(s),
                      .of = &s->it,
                      .first_byte = -1,
                      .here = is_watched(s) ? here : NULL,
                      .fatal_verdict = "abort",
                      .signal = SIGABRT};
}

expected expect_of_caller(const scene *s, fief_misuse kind, const char *operation, const char *here) {
    expected e = expect(s, kind, operation, here);
    e.caller = s->caller_is;
    e.here = is_watched(s) || s->caller_level != FIEF_DEBUG_OFF ? here : NULL;
    return e;
}

expected expect_of_nobody(const scene *s, fief_misuse kind, const char *operation, const char *here) {
    expected e = expect(s, kind, operation, here);
    e.caller = (party){FIEF_ID_NONE, "", FIEF_DEAD};
    return e;
}

expected and_freed(expected e, fief_id freed_by, const char *in) {
    e.is_freed = e.recorded;
    e.freed_by = e.recorded ? freed_by : FIEF_ID_NONE;
    e.freed_in = in;
    return e;
}

expected and_no_block(expected e) {
    e.block = NULL;
    e.block_size = 0;
    e.recorded = false;
    e.is_freed = false;
    e.freed_by = FIEF_ID_NONE;
    return e;
}

expected and_no_owner(expected e) {
    e = and_no_block(e);
    e.owner = (party){FIEF_ID_NONE, "", FIEF_DEAD};
    return e;
}

expected and_goes_on(expected e) {
    e.verdict = "the call goes on";
    return e;
}

/* Some processors don't tell which of both it was. */
expected expect_fault(const scene *s, fief_misuse kind, bool write, const void *at, const char *here) {
#if defined(__x86_64__)
    expected e = and_goes_on(expect_of_nobody(s, kind, write ? "a write" : "a read", here));
#else
    (void)write;
    expected e = and_goes_on(expect_of_nobody(s, kind, "an access", here));
#endif
    e.pointer = at;
    e.fatal_verdict = "the fault is handed on";
    e.signal = SIGSEGV;
    return e;
}
