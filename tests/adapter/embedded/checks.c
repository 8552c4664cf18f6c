/* What every runtime must do on a fief, whichever this is compiled for: EMBEDDED. Speaks TAP.
 *
 *     checks [INSTANCES]    how many instances live one after the other, and at once; 1,000 unless told */
#include "guest.h"
#include "hearing.h"

#include "support/memory.h"

#include <pthread.h>
#include <stdlib.h>

enum { FLAT_BYTES = 2 << 20, TURNS = 6, THREADS = 2 };

static const fief_config no_limit = FIEF_CONFIG_INIT;

static fief_config limited(const embedded *runtime) {
    fief_config config = FIEF_CONFIG_INIT;
    config.limit.hard_bytes = runtime->limit_bytes;
    return config;
}

/* ---- a life ---- */

static void check_life(const embedded *runtime, embedded_variant variant) {
    guest stock = {runtime, variant, NULL, NULL};
    bool ready = runtime->install == NULL || runtime->install(NULL, variant);
    stock.instance = ready ? runtime->create(NULL, variant) : NULL;
    check(guest_gives(&stock, runtime->busy_script, runtime->busy_result), &stock, "the C library's memory does");
    if (stock.instance != NULL)
        runtime->destroy(stock.instance);
    if (runtime->uninstall != NULL)
        runtime->uninstall();

    guest g = guest_create(runtime, variant, &no_limit);
    check(guest_gives(&g, runtime->busy_script, runtime->busy_result), &g, "a fief does the same");
    check(guest_stats(&g).allocations > 1000, &g, "all its blocks come from there");
    check(guest_destroy(&g), &g, "and at the end none is live");
}

/* ---- limits ---- */

static bool meets_limit(const guest *g) {
    char text[EMBEDDED_TEXT_BYTES];
    const embedded *runtime = g->runtime;
    bool fails = g->instance != NULL && !guest_runs(g, runtime->hoarding_script, text);
    bool good = fails && (strcmp(text, runtime->hoarding_result) == 0 ||
                          (runtime->bare_result != NULL && strcmp(text, runtime->bare_result) == 0));
    if (!good)
        printf("# %.200s\n", text);
    return good;
}

static void check_limit(const embedded *runtime, embedded_variant variant) {
    fief_config config = limited(runtime);
    guest g = guest_create(runtime, variant, &config);
    for (int turn = 0; turn < 3; turn++)
        check(meets_limit(&g), &g, "the limit is an error of the runtime");
    fief_stats stats = guest_stats(&g);
    check(stats.limit_failures > 0 && stats.charged_peak_bytes <= runtime->limit_bytes, &g, "and it holds");
    if (g.instance != NULL && runtime->collect != NULL)
        runtime->collect(g.instance);
    check(guest_gives(&g, runtime->busy_script, runtime->busy_result), &g, "the instance goes on");
    check(guest_destroy(&g), &g, "and leaves nothing");
}

/* Whether an instance came to be within this limit; whatever one that did not has left goes with its heap. */
static bool begins(const embedded *runtime, embedded_variant variant, size_t limit_bytes) {
    fief_config config = FIEF_CONFIG_INIT;
    config.limit.hard_bytes = limit_bytes;
    guest g = guest_create(runtime, variant, &config);
    bool begun = g.instance != NULL;
    guest_end(&g);
    return begun;
}

static void check_birth(const embedded *runtime, embedded_variant variant) {
    static const char what[] = "where there is no room for an instance there is none";
    enum { STEP_BYTES = 16 << 10 };
    guest g = {runtime, variant, NULL, NULL};
    if (!runtime->can_fail_to_begin) {
        check_skip(&g, what, "the runtime does not survive that");
        return;
    }
    size_t limit_bytes = STEP_BYTES;
    bool at_once = begins(runtime, variant, limit_bytes);
    while (limit_bytes < runtime->limit_bytes && !begins(runtime, variant, limit_bytes))
        limit_bytes += STEP_BYTES;
    printf("# needs up to %zu KiB\n", limit_bytes >> 10);
    check(!at_once && limit_bytes < runtime->limit_bytes, &g, what);
}

/* ---- rules ---- */

static bool keeps(const char *block, char what, size_t bytes) {
    bool same = block != NULL;
    for (size_t i = 0; same && i < bytes; i++)
        same = block[i] == what;
    return same;
}

static void use_up(const guest *g) {
    for (size_t size = 16 << 10; size > 0; size /= 2) /* down to the last byte */
        while (g->runtime->resize(g->heap, g->variant, NULL, size) != NULL)
            continue;
}

static void check_rules(const embedded *runtime, embedded_variant variant) {
    enum { OLD_BYTES = 4000, STEP_BYTES = 400, MUCH = 1 << 30 };
    fief_config config = limited(runtime);
    guest g = {runtime, variant, NULL, NULL};
    bool settled = guest_settle(&g, &config);
    const char *wrong = settled && runtime->wrong_rule != NULL ? runtime->wrong_rule(g.heap, variant) : NULL;
    if (wrong != NULL)
        printf("# not so: %s\n", wrong);
    check(settled && wrong == NULL, &g, "its own rules hold");
    check(runtime->resize(g.heap, variant, NULL, 0) == NULL, &g, "nothing resized to nothing is nothing");
    uint64_t live_blocks = guest_stats(&g).live_blocks;
    char *block = runtime->resize(g.heap, variant, NULL, OLD_BYTES);
    check(block != NULL && memset(block, 'a', OLD_BYTES) != NULL && fief_owner(block) == fief_id_of(g.heap), &g,
          "without a block it allocates");
    check(runtime->resize(g.heap, variant, block, MUCH) == NULL && keeps(block, 'a', OLD_BYTES), &g,
          "a growth that fails leaves the block as it was");
    check(runtime->resize(g.heap, variant, block, 0) == NULL && guest_stats(&g).live_blocks == live_blocks, &g,
          "size 0 frees");

    block = runtime->resize(g.heap, variant, NULL, OLD_BYTES);
    if (block != NULL)
        memset(block, 'b', OLD_BYTES);
    use_up(&g);
    bool shrinks = true;
    for (size_t size = OLD_BYTES - STEP_BYTES; shrinks && size > 0; size -= STEP_BYTES) {
        block = runtime->resize(g.heap, variant, block, size);
        shrinks = keeps(block, 'b', size);
    }
    check(shrinks, &g, "a shrink succeeds when nothing is left");
    check(guest_end(&g).live_blocks > 0, &g, "what was used up goes with the heap");
}

/* ---- neighbours ---- */

static void check_foreign(const embedded *runtime, embedded_variant variant) {
    told heard = {0};
    fief_config config = hearing("owner", &heard);
    guest home = {runtime, variant, NULL, NULL};
    bool ready = fief_create(&home.heap, &config) == FIEF_OK;
    config = hearing("caller", &heard);
    guest g = guest_create(runtime, variant, &config);
    runtime->resize(g.heap, variant, ready ? fief_alloc(home.heap, 56) : NULL, 0);
    check(is_told(&heard, FIEF_MISUSE_FOREIGN_FREE, "owner", "caller"), &g,
          "a foreign free is told with both names");
    check(fief_poll(home.heap) == 1 && guest_stats(&home).live_blocks == 0, &g, "and the block goes home");
    check(guest_gives(&g, runtime->busy_script, runtime->busy_result), &g, "the instance goes on");
    check(guest_stats(&g).foreign_out == 1 && guest_end(&g).live_blocks == 0, &g, "and leaves nothing");
    fief_destroy(home.heap);
}

/* ---- many ---- */

/* Instances that each have a heap, or, of a runtime that is process-wide, the one heap of the host. */
typedef struct crowd {
    guest host;
    guest *guests;
    int count;
    int turn;
    bool failed[THREADS];
    pthread_barrier_t barrier;
} crowd;

static bool crowd_open(crowd *c, const embedded *runtime, embedded_variant variant) {
    c->host = (guest){runtime, variant, NULL, NULL};
    return !runtime->is_process_wide || guest_settle(&c->host, &no_limit);
}

static bool crowd_close(crowd *c) {
    return !c->host.runtime->is_process_wide || guest_destroy(&c->host);
}

static guest crowd_join(const crowd *c) {
    guest g = c->host;
    if (!g.runtime->is_process_wide)
        return guest_create(g.runtime, g.variant, &no_limit);
    g.instance = g.runtime->create(g.heap, g.variant);
    return g;
}

static bool crowd_leave(guest *g) {
    if (!g->runtime->is_process_wide)
        return guest_destroy(g);
    if (g->instance != NULL)
        g->runtime->destroy(g->instance);
    return true;
}

static bool has_grown_from(size_t before_bytes) {
    size_t now_bytes = resident_bytes();
    printf("# %zu KiB, and then %zu KiB\n", before_bytes >> 10, now_bytes >> 10);
    return why_memory_is_not_measured() == NULL && now_bytes > before_bytes + FLAT_BYTES;
}

static void check_succession(const embedded *runtime, embedded_variant variant, int count) {
    crowd c;
    size_t before_bytes = 0;
    bool good = crowd_open(&c, runtime, variant);
    for (int i = 0; good && i < count; i++) {
        if (i == count / 10)
            before_bytes = resident_bytes();
        guest g = crowd_join(&c);
        good = guest_gives(&g, runtime->step_script, "1") && crowd_leave(&g);
    }
    check(good, &c.host, "instances come and go, and leave nothing");
    check(!has_grown_from(before_bytes), &c.host, "the process does not grow by them");
    check(crowd_close(&c), &c.host, "and neither does the heap of all");
}

typedef struct walker {
    crowd *crowd;
    int number;
} walker;

/* Runs each second instance; those that the other thread runs are its own the next time, and to end. */
static void *walk(void *arg) {
    walker *w = arg;
    crowd *c = w->crowd;
    bool good = true;
    for (int turn = 1; turn <= TURNS + 1; turn++) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "%d", turn);
        for (int i = (w->number + turn) % THREADS; i < c->count; i += THREADS)
            good = (turn <= TURNS ? guest_gives(&c->guests[i], c->host.runtime->step_script, wanted)
                                  : crowd_leave(&c->guests[i])) &&
                   good;
        pthread_barrier_wait(&c->barrier);
    }
    c->failed[w->number] = !good;
    return NULL;
}

static void check_interleaved(const embedded *runtime, embedded_variant variant, int count) {
    crowd c = {.count = count, .guests = calloc((size_t)count, sizeof(guest))};
    pthread_t threads[THREADS];
    walker walkers[THREADS];
    size_t before_bytes = resident_bytes();
    bool good = c.guests != NULL && crowd_open(&c, runtime, variant);
    pthread_barrier_init(&c.barrier, NULL, THREADS);
    for (int i = 0; good && i < count; i++)
        c.guests[i] = crowd_join(&c);
    printf("# %zu KiB for %d instances\n", (resident_bytes() - before_bytes) >> 10, count);
    for (int i = 0; i < THREADS; i++) {
        walkers[i] = (walker){&c, i};
        good = good && pthread_create(&threads[i], NULL, walk, &walkers[i]) == 0;
    }
    for (int i = 0; good && i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&c.barrier);
    check(good && !c.failed[0] && !c.failed[1], &c.host, "instances move between two threads, and leave nothing");
    check(crowd_close(&c), &c.host, "the heap of all neither");
    fief_trim(NULL);
    check(!has_grown_from(before_bytes), &c.host, "and the process is as small as before");
    free(c.guests);
}

int main(int argc, char **argv) {
    const embedded *runtime = &EMBEDDED;
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    for (embedded_variant variant = EMBEDDED_CALLED; variant < EMBEDDED_VARIANTS; variant++) {
        check_life(runtime, variant);
        check_limit(runtime, variant);
        check_birth(runtime, variant);
        check_rules(runtime, variant);
        check_foreign(runtime, variant);
        check_succession(runtime, variant, count);
        check_interleaved(runtime, variant, count);
    }
    return check_end();
}
