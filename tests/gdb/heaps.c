/* Heaps of every level, of known contents and with known damage, for gdb to look at: tests/gdb/run.py knows what
 * is in them. Ends in a SIGTRAP.
 *
 *   heaps [small]      small: in little address space, so that a core file is small, too
 *
 * The addresses that are asked for are in variables; their names are the runner's. */
#include <fief/debug.h>
#include <fief/fief.h>
#include <fief/parcel.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KEEP __attribute__((noinline))

char *t_live, *t_freed, *t_listed, *t_sent, *t_large, *t_huge; /* plain */
char *t_node, *t_page, *t_held, *t_routed, *t_waits;           /* checked */
char *t_deep;                                                  /* deep */
char *t_guarded, *t_gone, *t_wide;                             /* guarded */
char *t_sampled;                                               /* sampled */
char *t_none, *t_nil;                                          /* frozen, and frozen checked */
char *t_ended, *t_forgotten;
fief *t_handle;
int t_local;
fief_tag t_tag;

static fief *make_one(const char *name, fief_debug level, bool immortal) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.debug = level;
    config.immortal = immortal;
    config.on_misuse = FIEF_MISUSE_REPORT;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        abort();
    return f;
}

static fief *make(const char *name, fief_debug level) {
    return make_one(name, level, false);
}

static char *need(void *p) {
    if (p == NULL)
        abort();
    return p;
}

/* ---- whole heaps ---- */

static void fill_plain(fief *other) {
    fief *f = t_handle = make("plain", FIEF_DEBUG_OFF);
    char *blocks[1000];
    for (int i = 0; i < 1000; i++)
        blocks[i] = need(fief_alloc(f, 48));
    t_live = blocks[500];
    t_freed = blocks[10];
    for (int i = 10; i < 20; i++)
        fief_free(f, blocks[i]);
    t_listed = blocks[999] + 48; /* the next one in the handle's list */
    t_large = need(fief_alloc(f, 100000));
    t_huge = need(fief_alloc(f, 3000000));
    t_sent = blocks[30];
    for (int i = 30; i < 33; i++) /* which nobody takes in any more */
        fief_free_remote(blocks[i]);
    fief_free(other, t_huge);
}

KEEP static void *leak_node(fief *f) {
    char *p = need(fief_alloc_tagged(f, 100, t_tag));
    return p;
}

KEEP static void *leak_page(fief *f) {
    char *p = need(fief_domain_alloc(f, FIEF_DOMAIN_MEM, 40000));
    return p;
}

static void fill_checked(fief *other) {
    fief *f = make("checked", FIEF_DEBUG_CHECK);
    for (int i = 0; i < 70; i++) /* so that the clock is looked at */
        fief_free(f, need(fief_alloc(f, 33)));
    for (int i = 0; i < 20; i++)
        t_node = leak_node(f);
    for (int i = 0; i < 2; i++)
        t_page = leak_page(f);
    t_held = need(fief_alloc(f, 77));
    fief_free(f, t_held);
    t_routed = need(fief_alloc(f, 55));
    fief_free(other, t_routed);
    t_waits = need(fief_alloc(f, 56));
    fief_free_remote(t_waits);
}

KEEP static void *descend(fief *f, int depth) {
    void *p = depth > 0 ? descend(f, depth - 1) : need(fief_domain_alloc(f, FIEF_DOMAIN_OBJ, 64));
    return (char *)p + 0 * t_local;
}

static void fill_deep(void) {
    fief *f = make("deep", FIEF_DEBUG_FULL);
    for (int i = 0; i < 7; i++)
        t_deep = descend(f, 3);
}

static void fill_guarded(void) {
    fief *f = make("guarded", FIEF_DEBUG_GUARD);
    t_gone = need(fief_alloc(f, 10));
    t_guarded = need(fief_alloc(f, 24));
    t_wide = need(fief_alloc(f, 10000));
    fief_free(f, t_gone);
}

static void fill_sampled(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "sampled";
    config.sample = 1;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        abort();
    for (int i = 0; i < 300; i++)
        t_sampled = need(fief_alloc(f, 40));
}

/* What it has is another's, free blocks included. */
static void fill_receiver(void) {
    fief *f = make("receiver", FIEF_DEBUG_OFF);
    fief_parcel *parcel;
    char *blocks[3000];
    if (fief_parcel_create(f, NULL, &parcel) != FIEF_OK)
        abort();
    for (int i = 0; i < 3000; i++)
        blocks[i] = need(fief_alloc(fief_parcel_heap(parcel), 48));
    for (int i = 0; i < 3000; i++)
        if (i % 3 != 0)
            fief_free(fief_parcel_heap(parcel), blocks[i]);
    if (fief_parcel_receive(f, parcel, NULL) != FIEF_OK || fief_parcel_create(f, NULL, &parcel) != FIEF_OK)
        abort();
}

static void fill_big(void) {
    fief *f = make("big", FIEF_DEBUG_CHECK);
    for (int i = 0; i < 100000; i++)
        need(fief_alloc(f, (size_t)(16 + i % 64)));
}

static void end_one(char **block, const char *name) {
    fief *f = make(name, FIEF_DEBUG_CHECK);
    *block = leak_node(f);
    (void)fief_destroy(f);
}

/* ---- damage: nothing may use these heaps afterwards ---- */

/* Two blocks that have come back to their pool: the second leads to the first. */
static char *two_freed(const char *name) {
    fief *f = make(name, FIEF_DEBUG_OFF);
    char *first = need(fief_alloc(f, 64)), *second = need(fief_alloc(f, 64));
    fief_free(f, first);
    fief_free(f, second);
    return second;
}

static void put_word(char *at, size_t word) {
    memcpy(at, &word, sizeof word);
}

static void damage_lists(void) {
    char *p = two_freed("circle");
    put_word(p, (size_t)p);
    put_word(two_freed("astray"), 0x4141414141414140);
    put_word(two_freed("elsewhere"), (size_t)&t_local & ~(size_t)15);
    put_word(two_freed("marked") + sizeof(size_t), 7);
}

static void damage_fences(void) {
    fief *f = make("overrun", FIEF_DEBUG_CHECK);
    char *p = leak_node(f);
    memset(p + 100, 'x', 3);
    f = make("underrun", FIEF_DEBUG_CHECK);
    p = leak_node(f);
    memset(p - 4, 'x', 4);
    f = make("stale", FIEF_DEBUG_CHECK);
    p = leak_node(f);
    fief_free(f, p);
    memset(p + 9, 'x', 5);
}

/* The handle's own words, which are at the same place in all of them. */
static void damage_handle(void) {
    fief *f = make("wreck", FIEF_DEBUG_OFF);
    need(fief_alloc(f, 64));
    memset((char *)f + 64, 0xA5, 1200);
}

/* Of no free is anything seen: not even of those that others tried. */
static char *fill_frozen(const char *name, fief_debug level) {
    fief *f = make_one(name, level, true);
    char *first = need(fief_alloc(f, 40));
    for (int i = 0; i < 99; i++)
        need(fief_alloc(f, 40));
    need(fief_alloc(f, 100000));
    fief_free_remote(first);
    if (fief_freeze(f) != FIEF_OK)
        abort();
    return first;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "small") == 0) {
        const struct rlimit limit = {256 << 20, 256 << 20};
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            return 1;
    }
    end_one(&t_forgotten, "forgotten");
    (void)fief_trim(NULL);
    if (fief_tag_register("node", &t_tag) != FIEF_OK)
        return 1;
    fief *other = make("other", FIEF_DEBUG_CHECK);
    fill_plain(other);
    fill_checked(other);
    fill_deep();
    fill_guarded();
    fill_sampled();
    fill_big();
    fill_receiver();
    t_none = fill_frozen("frozen", FIEF_DEBUG_OFF);
    t_nil = fill_frozen("frozen checked", FIEF_DEBUG_CHECK);
    damage_lists();
    damage_fences();
    damage_handle();
    end_one(&t_ended, "ended");
    raise(SIGTRAP);
    return 0;
}
