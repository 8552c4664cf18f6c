#include "heaps.h"

#include "support/json.h"
#include "support/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t seed_of_this;

void victim_fail(const char *what) {
    fprintf(stderr, "corruption: %s; seed %" PRIu64 "\n", what, seed_of_this);
    exit(1);
}

/* ---- reports ---- */

/* A block that is told of is one of its owner's, or nobody's; and what is shown lies in or beside it. */
static void witness_report(const fief_report *report, void *arg) {
    victim *v = arg;
    v->reports++;
    if (report->kind <= 0 || report->kind >= FIEF_MISUSE_COUNT || report->kind_name[0] == 0)
        victim_fail("a report of no kind");
    if (report->operation == NULL || report->verdict == NULL || report->tag == NULL || report->domain == NULL)
        victim_fail("a report without a text");
    if (strncmp(report->text, "fief: ", 6) != 0 || report->text[strlen(report->text) - 1] != '\n')
        victim_fail("a report that is cut");
    fief_id owner = report->block != NULL ? fief_owner(report->block) : FIEF_ID_NONE; /* none: it was given back */
    if (owner != FIEF_ID_NONE && owner != report->owner)
        victim_fail("a report of a block that is not its owner's");
    if (report->damaged_bytes > 0 && (report->damage < -16384 || report->damage > (ptrdiff_t)8 << 20))
        victim_fail("a report of damage that is nowhere near");
    if (v->reports % 16 == 0 && !is_json(report->json))
        victim_fail("a report that is no JSON");
}

static void swallow(const char *text, size_t bytes, void *arg) {
    (void)text;
    *(size_t *)arg += bytes;
}

/* ---- blocks ---- */

static block_kind some_kind(random_source *rng) {
    size_t turn = random_below(rng, 100);
    if (turn < 85)
        return kind_number((unsigned)random_below(rng, 24));
    return kind_number((unsigned)random_below(rng, turn < 98 ? KIND_FINE + KIND_COARSE : KINDS));
}

static void allocate(victim *v, target *t) {
    block_kind kind = some_kind(&v->rng);
    *t = (target){.size = kind.size};
    t->start = random_below(&v->rng, 4) == 0 && kind.alignment == 0 ? fief_zalloc(v->heap, kind.size)
                                                                    : allocate_kind(v->heap, kind);
    if (t->start == NULL)
        victim_fail("an allocation that fails");
    t->live = true;
    memset(t->start, 0x11, t->size);
}

void victim_begin(victim *v, uint64_t seed) {
    seed_of_this = seed;
    *v = (victim){.rng = random_seeded(seed)};
    fief_config config = FIEF_CONFIG_INIT;
    size_t turn = random_below(&v->rng, 8);
    config.debug = turn == 0 ? FIEF_DEBUG_GUARD : turn < 4 ? FIEF_DEBUG_FULL : FIEF_DEBUG_CHECK;
    config.alignment = 8 + 8 * random_below(&v->rng, 2);
    config.quarantine_bytes = (size_t)512 << random_below(&v->rng, 9);
    config.on_misuse = FIEF_MISUSE_REPORT;
    config.on_foreign = random_below(&v->rng, 2) == 0 ? FIEF_FOREIGN_ROUTE : FIEF_FOREIGN_IGNORE;
    config.report = witness_report;
    config.report_arg = v;
    if (fief_create(&v->heap, &config) != FIEF_OK || fief_create(&v->other, &config) != FIEF_OK)
        victim_fail("no heap");
    for (unsigned i = 0; i < SLOTS; i++)
        allocate(v, &v->targets[i]);
    for (unsigned i = 0; i < SLOTS; i++)
        if (random_below(&v->rng, 2) == 0) {
            fief_free(v->heap, v->targets[i].start);
            v->targets[i].live = false;
        }
}

void victim_end(victim *v) {
    if (fief_destroy(v->other) != FIEF_OK || fief_destroy(v->heap) != FIEF_OK)
        victim_fail("a heap that does not end");
}

/* ---- verbs ---- */

static bool see(void *block, size_t bytes, void *arg) {
    (void)block;
    *(size_t *)arg += bytes;
    return true;
}

static void use_live(victim *v, target *t) {
    switch (random_below(&v->rng, 8)) {
    case 0: {
        size_t size = some_kind(&v->rng).size;
        unsigned char *moved = fief_realloc(v->heap, t->start, size);
        if (moved != NULL)
            *t = (target){moved, size, true};
        return;
    }
    case 1:
        fief_free(v->other, t->start);
        break;
    case 2:
        fief_free_remote(t->start);
        break;
    case 3:
        fief_free_sized(v->heap, t->start, t->size + random_below(&v->rng, 2));
        break;
    default:
        fief_free(v->heap, t->start);
    }
    t->live = false;
}

static void use_freed(victim *v, target *t) {
    switch (random_below(&v->rng, 8)) {
    case 0:
        fief_free(v->heap, t->start); /* again, or another's by now */
        break;
    case 1:
        (void)!fief_realloc(v->heap, t->start, 40);
        break;
    case 2:
        fief_free(v->other, t->start);
        break;
    default:
        allocate(v, t);
    }
}

static void tell_leaks(victim *v) {
    size_t bytes = 0;
    fief_format format = random_below(&v->rng, 2) == 0 ? FIEF_TEXT : FIEF_JSON;
    if (fief_leaks_report(v->heap, format, swallow, &bytes) != FIEF_OK || bytes == 0)
        victim_fail("no report of leaks");
}

static void compare_snapshots(victim *v) {
    size_t bytes = 0;
    fief_snapshot *before = fief_snapshot_take(v->other), *after = fief_snapshot_take(v->heap);
    if (before == NULL || after == NULL ||
        fief_snapshot_diff(before, after, FIEF_TEXT, swallow, &bytes) != FIEF_OK || bytes == 0)
        victim_fail("no difference of snapshots");
    fief_snapshot_free(before);
    fief_snapshot_free(after);
}

void victim_look(victim *v) {
    const target *t = &v->targets[random_below(&v->rng, SLOTS)];
    size_t bytes = 0, turn = random_below(&v->rng, 64);
    if (turn == 0)
        tell_leaks(v);
    else if (turn == 1)
        compare_snapshots(v);
    else if (turn == 2)
        (void)fief_visit(v->heap, see, &bytes);
    else if (turn < 8)
        (void)fief_check(v->heap);
    else if (turn < 16)
        (void)fief_usable_size(t->start);
    else if (turn < 24)
        fief_stats_publish(v->heap);
    else if (turn < 40)
        fief_free(v->heap, t->start + 8 * (1 + random_below(&v->rng, 8)));
    else if (turn < 48)
        fief_free(v->other, t->start + 1 + random_below(&v->rng, 64));
    else if (!t->live)
        fief_free(turn < 56 ? v->heap : v->other, t->start - 8);
}

void victim_use(victim *v) {
    target *t = &v->targets[random_below(&v->rng, SLOTS)];
    size_t turn = random_below(&v->rng, 100);
    if (turn == 0)
        fief_trim(v->heap);
    else if (turn == 1)
        (void)fief_poll(v->heap);
    else if (turn < 30)
        victim_look(v);
    else if (t->live)
        use_live(v, t);
    else
        use_freed(v, t);
}
