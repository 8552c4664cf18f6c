/* A random program against a shadow of what it should see.
 *
 * Every block is filled with a pattern of its own, and checked whenever it is met again; sizes, alignments,
 * counters and the set of live blocks are compared with the shadow. `model NAME --seed N` repeats a run. */
#include "support/random.h"

#include <fief/fief.h>
#include <fief/inline.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLOTS = 20000, MOST_HEAPS = 64, LOOK_INTERVAL = 100000 };

typedef struct options {
    uint64_t seed;
    size_t operations, largest, alignment, alignments, limit,
        heaps; /* alignments: how many powers of two are tried */
} options;

typedef struct shadow_block {
    unsigned char *block; /* NULL: none */
    size_t size;
    unsigned heap;
    unsigned char pattern;
} shadow_block;

static options opt = {.operations = 1000000, .largest = 600, .alignment = 16, .alignments = 18, .heaps = 1};
static random_source rng;
static fief *heaps[MOST_HEAPS];
static shadow_block shadow[SLOTS];
static size_t live_count[MOST_HEAPS];
static size_t refused; /* by the limit */

static _Noreturn void fail(const char *what, const shadow_block *b) {
    fprintf(stderr, "model: %s: block %p of %zu bytes in heap %u; seed %" PRIu64 "\n", what, (void *)b->block,
            b->size, b->heap, opt.seed);
    exit(1);
}

/* ---- patterns ---- */

static void fill(shadow_block *b) {
    b->pattern = (unsigned char)(random_next(&rng) | 1);
    memset(b->block, b->pattern, b->size);
}

static void check_pattern(const shadow_block *b, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (b->block[i] != b->pattern)
            fail("contents changed", b);
}

/* ---- operations ---- */

/* Mostly small, sometimes anything up to the largest. */
static size_t some_size(void) {
    size_t kind = random_below(&rng, 100);
    size_t bound = kind < 70 ? 80 : kind < 95 ? 600 : opt.largest;
    return random_below(&rng, bound < opt.largest ? bound : opt.largest + 1);
}

static bool may_fail(const shadow_block *b, size_t size) {
    if (opt.limit == 0)
        fail("allocation failed", b);
    (void)size;
    refused++;
    return true;
}

static void check_new(const shadow_block *b, size_t alignment) {
    if ((uintptr_t)b->block % alignment != 0)
        fail("misaligned", b);
    if (fief_usable_size(b->block) < b->size)
        fail("too small", b);
    if (fief_usable_size(b->block) < fief_good_size(heaps[b->heap], b->size))
        fail("smaller than good_size said", b);
    if (fief_owner(b->block) != fief_id_of(heaps[b->heap]))
        fail("wrong owner", b);
}

static void allocate(shadow_block *b) {
    fief *f = heaps[b->heap = (unsigned)random_below(&rng, opt.heaps)];
    size_t alignment = opt.alignment;
    b->size = some_size();
    switch (random_below(&rng, 6)) {
    case 0:
        b->block = fief_zalloc(f, b->size);
        b->pattern = 0;
        break;
    case 1:
        b->block = fief_calloc(f, 1, b->size);
        b->pattern = 0;
        break;
    case 2:
        alignment = (size_t)1 << random_below(&rng, opt.alignments);
        b->block = fief_alloc_aligned(f, b->size, alignment);
        b->pattern = 1;
        break;
    case 3:
        b->block = fief_inline_alloc(f, b->size);
        b->pattern = 1;
        break;
    default:
        b->block = fief_alloc(f, b->size);
        b->pattern = 1;
    }
    if (b->block == NULL) {
        may_fail(b, b->size);
        return;
    }
    check_new(b, alignment);
    if (b->pattern == 0)
        check_pattern(b, b->size);
    fill(b);
    live_count[b->heap]++;
}

static void resize(shadow_block *b) {
    fief *f = heaps[b->heap];
    size_t size = some_size();
    unsigned char *moved = random_below(&rng, 2) == 0 ? fief_realloc(f, b->block, size)
                                                      : fief_realloc_sized(f, b->block, b->size, size);
    if (moved == NULL) {
        check_pattern(b, b->size);
        if (size <= b->size)
            fail("a shrink failed", b);
        may_fail(b, size);
        return;
    }
    b->block = moved;
    check_pattern(b, size < b->size ? size : b->size);
    b->size = size;
    check_new(b, opt.alignment);
    fill(b);
}

static void release(shadow_block *b) {
    fief *f = heaps[b->heap];
    check_pattern(b, b->size);
    switch (random_below(&rng, 5)) {
    case 0:
        fief_free_sized(f, b->block, b->size);
        break;
    case 1:
        fief_inline_free(f, b->block);
        break;
    case 2:
        fief_free_remote(b->block);
        break;
    case 3:
        fief_inline_free_hot(f, b->block);
        break;
    default:
        fief_free(f, b->block);
    }
    b->block = NULL;
    live_count[b->heap]--;
}

/* ---- looking at the whole ---- */

typedef struct seen {
    size_t blocks, known;
} seen;

static int by_address(const void *a, const void *b) {
    const shadow_block *const *x = a, *const *y = b;
    return ((*x)->block > (*y)->block) - ((*x)->block < (*y)->block);
}

static const shadow_block *sorted[SLOTS];
static size_t sorted_count;

static bool see(void *block, size_t usable, void *arg) {
    seen *s = arg;
    s->blocks++;
    shadow_block key = {.block = block};
    const shadow_block *wanted = &key;
    const shadow_block **found = bsearch(&wanted, sorted, sorted_count, sizeof *sorted, by_address);
    s->known += found != NULL && (*found)->size <= usable;
    return true;
}

static void compare(unsigned heap) {
    const shadow_block here = {.heap = heap};
    sorted_count = 0;
    for (size_t i = 0; i < SLOTS; i++)
        if (shadow[i].block != NULL && shadow[i].heap == heap)
            sorted[sorted_count++] = &shadow[i];
    qsort(sorted, sorted_count, sizeof *sorted, by_address);

    seen s = {0, 0};
    if (fief_visit(heaps[heap], see, &s) != FIEF_OK || s.blocks != sorted_count || s.known != sorted_count)
        fail("the visit saw other blocks", &here);
    fief_stats stats;
    fief_stats_publish(heaps[heap]);
    fief_stats_read(heaps[heap], &stats);
    if (stats.live_blocks != live_count[heap] || stats.misuses != 0 || stats.foreign_in != 0)
        fail("the counters disagree", &here);
    if (opt.limit != 0 && stats.charged_peak_bytes > opt.limit)
        fail("the limit was passed", &here);
}

static void look(void) {
    for (unsigned heap = 0; heap < opt.heaps; heap++) {
        compare(heap);
        if (random_below(&rng, 2) == 0)
            fief_trim(heaps[heap]);
    }
    for (size_t i = 0; i < SLOTS; i++)
        if (shadow[i].block != NULL)
            check_pattern(&shadow[i], shadow[i].size);
}

/* ---- the program ---- */

/* Grows for a while and shrinks for a while, so that pools fill and empty. */
static void step(size_t turn) {
    shadow_block *b = &shadow[random_below(&rng, SLOTS)];
    bool growing = turn / 50000 % 2 == 0;
    if (b->block == NULL) {
        if (growing || random_below(&rng, 3) == 0)
            allocate(b);
    } else if (random_below(&rng, 4) == 0) {
        resize(b);
    } else if (!growing || random_below(&rng, 3) == 0) {
        release(b);
    }
}

static void begin(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.alignment = opt.alignment;
    config.limit.hard_bytes = opt.limit;
    for (unsigned heap = 0; heap < opt.heaps; heap++)
        if (fief_create(&heaps[heap], &config) != FIEF_OK)
            abort();
}

/* Half of the heaps are emptied first, half end with what is in them. */
static void end(void) {
    for (size_t i = 0; i < SLOTS; i++)
        if (shadow[i].block != NULL && shadow[i].heap % 2 == 0)
            release(&shadow[i]);
    for (unsigned heap = 0; heap < opt.heaps; heap++) {
        const shadow_block here = {.heap = heap};
        fief_trim(heaps[heap]);
        fief_stats stats;
        fief_stats_read(heaps[heap], &stats);
        if (heap % 2 == 0 && (stats.live_blocks != 0 || stats.pools != 0 || stats.arenas != 1))
            fail("an emptied heap keeps something", &here);
        if (fief_destroy(heaps[heap]) != FIEF_OK)
            fail("destroy failed", &here);
    }
}

static size_t number(const char *text) {
    return strcmp(text, "clock") == 0 ? (size_t)time(NULL) : (size_t)strtoull(text, NULL, 0);
}

int main(int argc, char **argv) {
    for (int i = 2; i + 1 < argc; i += 2) {
        size_t value = number(argv[i + 1]);
        if (strcmp(argv[i], "--seed") == 0)
            opt.seed = value;
        else if (strcmp(argv[i], "--operations") == 0)
            opt.operations = value;
        else if (strcmp(argv[i], "--largest") == 0)
            opt.largest = value;
        else if (strcmp(argv[i], "--alignment") == 0)
            opt.alignment = value;
        else if (strcmp(argv[i], "--alignments") == 0 && value > 0 && value <= 32)
            opt.alignments = value;
        else if (strcmp(argv[i], "--limit") == 0)
            opt.limit = value;
        else if (strcmp(argv[i], "--heaps") == 0 && value <= MOST_HEAPS)
            opt.heaps = value;
    }
    rng = random_seeded(opt.seed);
    printf("seed %" PRIu64 "\n", opt.seed);
    begin();
    for (size_t turn = 1; turn <= opt.operations; turn++) {
        step(turn);
        if (turn % LOOK_INTERVAL == 0)
            look();
    }
    look();
    end();
    printf("%zu operations, %zu allocations refused by the limit\n", opt.operations, refused);
    return 0;
}
