/* Every request to the operating system, and to a host's provider, fails in turn, under every function that may
 * make one: the function says so, nothing is lost, and what was there stays as it was.
 *
 * A scenario is run again and again, its first request failing, then its second, and so on until it needs fewer.
 * It runs in a process of its own each time, so that the very first creation is among the scenarios. */
#include "arena/arena.h"
#include "arena/space.h"
#include "os/os.h"
#include "require.h"
#include "support/random.h"

#include <fief/fief.h>
#include <fief/freelist.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_REQUESTS = 400, EXIT_FEWER = 42 };

/* A scenario prepares, has its faults, and afterwards proves that all is well. `failed` is set by whatever call
 * reports exhaustion. */
typedef struct scenario {
    fief *f;
    bool failed;
} scenario;

typedef void scenario_part(scenario *s);

/* ---- blocks with contents ---- */

static void fill(void *block, size_t size) {
    memset(block, (int)(size % 251 + 1), size);
}

static void check(const void *block, size_t size) {
    const unsigned char *bytes = block;
    for (size_t i = 0; i < size; i++)
        REQUIRE(bytes[i] == size % 251 + 1);
}

static void *alloc(scenario *s, size_t size) {
    void *block = fief_alloc(s->f, size);
    if (block != NULL)
        fill(block, size);
    else
        s->failed = true;
    return block;
}

static void release(scenario *s, void *block, size_t size) {
    if (block != NULL)
        check(block, size);
    fief_free(s->f, block);
}

/* ---- the frame ---- */

static void create(scenario *s) {
    REQUIRE(fief_create(&s->f, NULL) == FIEF_OK);
}

/* After the faults: the heap works as if nothing had been, and gives back all it has. */
static void prove_and_end(scenario *s, size_t units_before) {
    fief_stats stats;
    if (s->f == NULL)
        create(s);
    void *blocks[100];
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = fief_alloc(s->f, i * i * 10);
        REQUIRE(blocks[i] != NULL);
        fill(blocks[i], i * i * 10);
    }
    for (size_t i = 0; i < 100; i++)
        release(s, blocks[i], i * i * 10);
    fief_trim(s->f);
    fief_stats_read(s->f, &stats);
    REQUIRE(stats.live_blocks == 0 && stats.pools == 0 && stats.large_blocks == 0 && stats.arenas == 1);
    REQUIRE(stats.charged_bytes == stats.committed_bytes && stats.misuses == 0);
    REQUIRE(fief_destroy(s->f) == FIEF_OK);
    fief_trim(NULL);
    REQUIRE(fi_space_used_units() == units_before);
}

/* The result of one run with the kth request failing, as an exit status. */
static _Noreturn void run_once(scenario_part *prepare, scenario_part *part, uint64_t k) {
    scenario s = {NULL, false};
    if (prepare != NULL)
        prepare(&s);
    size_t units_before = s.f != NULL ? fi_space_used_units() - 1 : 0; /* its first arena */
    fi_os_fail_at(k);
    part(&s);
    bool fewer = fi_os_request_count() < k;
    fi_os_fail_at(0);
    prove_and_end(&s, units_before);
    _exit(fewer ? (s.failed ? 1 : EXIT_FEWER) : 0);
}

/* Returns how many different requests there were. */
static unsigned fail_each(scenario_part *prepare, scenario_part *part) {
    for (unsigned k = 1; k <= MOST_REQUESTS; k++) {
        pid_t pid = fork();
        if (pid == 0)
            run_once(prepare, part, k);
        int status;
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_assert(WIFEXITED(status), "request %u failing: killed by signal %d", k, WTERMSIG(status));
        if (WEXITSTATUS(status) == EXIT_FEWER)
            return k - 1;
        cr_assert_eq(WEXITSTATUS(status), 0, "request %u failing", k);
    }
    cr_assert_fail("the scenario never ends");
    return 0;
}

/* ---- creation ---- */

static void create_first(scenario *s) {
    fief_status status = fief_create(&s->f, NULL);
    s->failed = status != FIEF_OK;
    REQUIRE(status == FIEF_OK ? s->f != NULL : status == FIEF_NO_MEMORY && s->f == NULL);
}

Test(oom, the_first_creation_of_a_process) {
    cr_assert_geq(fail_each(NULL, create_first), 4);
}

static void create_another(scenario *s) {
    fief *other[40] = {NULL};
    for (unsigned i = 0; i < 40; i++) {
        fief_status status = fief_create(&other[i], NULL);
        s->failed = s->failed || status != FIEF_OK;
        REQUIRE((status == FIEF_OK) == (other[i] != NULL));
    }
    for (unsigned i = 0; i < 40; i++)
        REQUIRE(fief_destroy(other[i]) == FIEF_OK);
}

Test(oom, further_creations) {
    cr_assert_geq(fail_each(create, create_another), 40);
}

static void at_exit_nothing(fief *f, void *arg) {
    (void)f;
    ++*(unsigned *)arg;
}

static void register_exits(scenario *s) {
    static unsigned calls;
    for (unsigned i = 0; i < 3000; i++)
        s->failed = fief_at_exit(s->f, at_exit_nothing, &calls) != FIEF_OK || s->failed;
}

Test(oom, at_exit) {
    cr_assert_geq(fail_each(create, register_exits), 1);
}

/* ---- blocks ---- */

enum { MANY = 6000 };

static void allocate_small(scenario *s) {
    static void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = alloc(s, i % 900);
    for (size_t i = 0; i < MANY; i++)
        release(s, blocks[i], i % 900);
}

Test(oom, small_blocks) {
    cr_assert_geq(fail_each(create, allocate_small), 4);
}

static void allocate_every_size(scenario *s) {
    void *blocks[40];
    for (size_t i = 0; i < 40; i++)
        blocks[i] = alloc(s, (size_t)100 << (i % 16));
    for (size_t i = 0; i < 40; i++)
        release(s, blocks[i], (size_t)100 << (i % 16));
}

Test(oom, small_large_and_huge_blocks) {
    cr_assert_geq(fail_each(create, allocate_every_size), 6);
}

static void allocate_zeroed_and_aligned(scenario *s) {
    for (size_t i = 0; i < 24; i++) {
        unsigned char *zeroed = fief_calloc(s->f, i + 1, (size_t)1 << (i % 18));
        for (size_t byte = 0; zeroed != NULL && byte < (i + 1) << (i % 18); byte++)
            REQUIRE(zeroed[byte] == 0);
        void *aligned = fief_alloc_aligned(s->f, 3000, (size_t)1 << i);
        REQUIRE((uintptr_t)aligned % ((size_t)1 << i) == 0);
        s->failed = s->failed || zeroed == NULL || aligned == NULL;
        fief_free(s->f, zeroed);
        fief_free(s->f, aligned);
    }
}

Test(oom, zeroed_and_aligned_blocks) {
    cr_assert_geq(fail_each(create, allocate_zeroed_and_aligned), 6);
}

/* A realloc that fails leaves the block as it was; one that shrinks never fails. */
static void resize_up_and_down(scenario *s) {
    size_t size = 16;
    void *block = alloc(s, size);
    for (unsigned step = 0; block != NULL && step < 44; step++) {
        size_t next = step < 22 ? size * 2 : size / 2;
        void *moved =
            step % 2 == 0 ? fief_realloc(s->f, block, next) : fief_realloc_sized(s->f, block, size, next);
        if (moved == NULL) {
            REQUIRE(next > size);
            s->failed = true;
            check(block, size);
            continue;
        }
        const unsigned char *bytes = moved;
        for (size_t i = 0; i < (next < size ? next : size); i++)
            REQUIRE(bytes[i] == size % 251 + 1);
        block = moved;
        size = next;
        fill(block, size);
    }
    release(s, block, size);
}

Test(oom, resizing) {
    cr_assert_geq(fail_each(create, resize_up_and_down), 6);
}

/* ---- the rest of the verbs: they may need nothing, or do without ---- */

static bool free_it(void *block, size_t usable_bytes, void *arg) {
    (void)usable_bytes;
    fief_free(arg, block);
    return true;
}

static void housekeeping(scenario *s) {
    void *blocks[200];
    for (size_t i = 0; i < 200; i++)
        blocks[i] = alloc(s, i * 300);
    for (size_t i = 0; i < 200; i += 2)
        fief_free_remote(blocks[i]);
    fief_poll(s->f);
    fief_trim(s->f);
    fief_stats_publish(s->f);
    REQUIRE(fief_limit_set(s->f, &(fief_limit){.hard_bytes = 1 << 30}) == FIEF_OK);
    REQUIRE(fief_visit(s->f, free_it, s->f) == FIEF_OK);
}

Test(oom, housekeeping) {
    cr_assert_geq(fail_each(create, housekeeping), 4);
}

static void say_nothing(const fief_report *report, void *arg) {
    (void)arg;
    REQUIRE(report->kind == FIEF_MISUSE_FOREIGN_REALLOC);
}

static void foreign_traffic(scenario *s) {
    fief *other = NULL;
    fief_config config = FIEF_CONFIG_INIT;
    config.report = say_nothing;
    if (fief_create(&other, &config) != FIEF_OK) {
        s->failed = true;
        return;
    }
    for (size_t i = 1; i < 60; i++) {
        void *block = alloc(s, i * 1000);
        void *moved = block != NULL ? fief_realloc(other, block, i * 2000) : NULL;
        s->failed = s->failed || moved == NULL;
        if (moved == NULL && block != NULL)
            release(s, block, i * 1000);
    }
    REQUIRE(fief_destroy(other) == FIEF_OK);
    fief_poll(s->f);
}

Test(oom, foreign_reallocs) {
    cr_assert_geq(fail_each(create, foreign_traffic), 6);
}

/* ---- typed freelists ---- */

/* Many and long, so that they ask the system for memory of their own, and the heap for theirs. */
static void use_freelists(scenario *s) {
    enum { LISTS = 40, BLOCKS = 300, SIZE = 1000 };
    fief_freelist *lists[LISTS];
    fief_freelist_config config = FIEF_FREELIST_CONFIG_INIT;
    config.block_bytes = SIZE;
    config.capacity = BLOCKS / 2;
    config.reserve = 20;
    for (size_t i = 0; i < LISTS; i++) {
        fief_status status = fief_freelist_create(s->f, &config, &lists[i]);
        REQUIRE(status == FIEF_OK ? lists[i] != NULL : status == FIEF_NO_MEMORY && lists[i] == NULL);
        s->failed = s->failed || status != FIEF_OK;
        void *blocks[BLOCKS];
        for (size_t b = 0; lists[i] != NULL && b < BLOCKS; b++) {
            blocks[b] = fief_freelist_pop(lists[i]);
            REQUIRE(blocks[b] != NULL); /* once refused there is the reserve, and nothing is refused twice */
            fill(blocks[b], SIZE);
        }
        for (size_t b = 0; lists[i] != NULL && b < BLOCKS; b++) {
            check(blocks[b], SIZE);
            fief_freelist_push(lists[i], blocks[b]);
        }
        fief_freelist_stats stats;
        if (lists[i] != NULL) {
            fief_freelist_stats_read(lists[i], &stats);
            REQUIRE(stats.held == stats.capacity && stats.reserve_held == 20);
            s->failed = s->failed || stats.from_reserve > 0;
        }
    }
    for (size_t i = 0; i < LISTS; i++)
        fief_freelist_destroy(lists[i]);
}

Test(oom, freelists) {
    cr_assert_geq(fail_each(create, use_freelists), 10);
}

/* ---- debug levels ---- */

static fief_debug level_of_all;

static void create_watched(scenario *s) {
    fief_config config = FIEF_CONFIG_INIT;
    config.debug = level_of_all;
    REQUIRE(fief_create(&s->f, &config) == FIEF_OK);
}

static void create_watched_first(scenario *s) {
    fief_config config = FIEF_CONFIG_INIT;
    config.debug = level_of_all;
    fief_status status = fief_create(&s->f, &config);
    s->failed = status != FIEF_OK;
    REQUIRE(status == FIEF_OK ? s->f != NULL : status == FIEF_NO_MEMORY && s->f == NULL);
}

static void use_watched(scenario *s) {
    fief_tag tag = 0;
    (void)fief_tag_register("a tag", &tag);
    for (size_t i = 0; i < 30; i++) {
        size_t size = (size_t)100 << (i % 15);
        void *tagged = fief_alloc_tagged(s->f, size, tag),
             *object = fief_domain_calloc(s->f, FIEF_DOMAIN_OBJ, 1, size);
        s->failed = s->failed || tagged == NULL || object == NULL;
        if (tagged != NULL)
            fill(tagged, size);
        void *moved = object != NULL ? fief_domain_realloc(s->f, FIEF_DOMAIN_OBJ, object, 3 * size) : NULL;
        s->failed = s->failed || moved == NULL;
        release(s, tagged, size);
        fief_domain_free(s->f, FIEF_DOMAIN_OBJ, moved != NULL ? moved : object);
    }
    REQUIRE(fief_check(s->f) == 0);
}

static void count_text(const char *text, size_t bytes, void *arg) {
    (void)text;
    *(size_t *)arg += bytes;
}

static void look_at_watched(scenario *s) {
    void *block = alloc(s, 500);
    for (int format = FIEF_TEXT; format <= FIEF_JSON; format++) {
        size_t bytes = 0;
        fief_status status = fief_leaks_report(s->f, (fief_format)format, count_text, &bytes);
        REQUIRE((status == FIEF_OK) == (bytes > 0) && (status == FIEF_OK || status == FIEF_NO_MEMORY));
        s->failed = s->failed || status != FIEF_OK;
        bytes = 0;
        fief_snapshot *before = fief_snapshot_take(s->f), *after = fief_snapshot_take(s->f);
        status = before != NULL && after != NULL
                     ? fief_snapshot_diff(before, after, (fief_format)format, count_text, &bytes)
                     : FIEF_NO_MEMORY;
        REQUIRE((status == FIEF_OK) == (bytes > 0));
        s->failed = s->failed || status != FIEF_OK;
        fief_snapshot_free(before);
        fief_snapshot_free(after);
    }
    s->failed = fief_leaks_suppress("leak:nothing") != FIEF_OK || s->failed;
    release(s, block, 500);
}

static void at_each_level(fief_debug most, scenario_part *prepare, scenario_part *part, unsigned least) {
    for (level_of_all = FIEF_DEBUG_OFF; level_of_all <= most; level_of_all++)
        cr_assert_geq(fail_each(prepare, part), least);
}

Test(oom, the_first_creation_at_each_level) {
    at_each_level(FIEF_DEBUG_GUARD, NULL, create_watched_first, 4);
}

Test(oom, blocks_at_each_level) {
    at_each_level(FIEF_DEBUG_FULL, create_watched, use_watched,
                  4); /* a guarded block asks for each of its pages */
}

Test(oom, reports_and_snapshots_at_each_level) {
    at_each_level(FIEF_DEBUG_GUARD, create_watched, look_at_watched, 6);
}

/* ---- a host's provider ---- */

static unsigned provider_calls, provider_fails_at, spans_out;

static void *provide(void *ctx, size_t bytes, size_t alignment) {
    (void)ctx;
    void *span = ++provider_calls == provider_fails_at ? NULL : aligned_alloc(alignment, bytes);
    spans_out += span != NULL;
    return span;
}

static void take_back(void *ctx, void *span, size_t bytes) {
    (void)ctx;
    (void)bytes;
    spans_out--;
    free(span);
}

/* True if the provider was asked often enough to fail. */
static bool provider_fails(unsigned k) {
    fief_config config = FIEF_CONFIG_INIT;
    config.provider = (fief_provider){NULL, provide, take_back};
    scenario s = {NULL, false};
    provider_calls = 0;
    provider_fails_at = k;
    if (fief_create(&s.f, &config) != FIEF_OK) {
        REQUIRE(s.f == NULL && k == 1 && spans_out == 0);
        return true;
    }
    allocate_small(&s);
    allocate_every_size(&s);
    resize_up_and_down(&s);
    bool asked = provider_calls >= k;
    REQUIRE(asked || !s.failed); /* where a full arena can't be had, a small one may do */
    provider_fails_at = 0;
    void *block = alloc(&s, 1000000);
    REQUIRE(block != NULL);
    REQUIRE(fief_destroy(s.f) == FIEF_OK);
    REQUIRE(spans_out == 0);
    return asked;
}

Test(oom, a_provider_that_fails) {
    unsigned k = 1;
    while (provider_fails(k))
        k++;
    cr_assert_gt(k, 10);
}
