/* Parcels where memory runs out: each request to the operating system, and each block of what is nobody's, fails
 * in turn, from the making of a parcel to its end, on every way it can go. The call says so, the parcel is still
 * there, whole, and once all has ended nothing is left.
 *
 * Each run is a process of its own. */
#include "arena/space.h"
#include "interp/commons.h"
#include "os/os.h"
#include "require.h"

#include <fief/debug.h>
#include <fief/parcel.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_REQUESTS = 1000, MOST_COMMONS = 12, EXIT_FEWER = 42, EXIT_FAILED = 43 };

typedef struct scene {
    fief *maker, *target;
    fief_parcel *parcel; /* NULL: nobody holds one */
    size_t blocks;       /* that whoever receives it has then */
    bool failed;
} scene;

static scene s;
static fief_debug level;

/* True if there was memory for it. */
static bool had_memory(bool done, bool refused) {
    REQUIRE(done != refused);
    s.failed = s.failed || refused;
    return done;
}

/* ---- the steps ---- */

static int take_back(fief *f, fief_parcel *parcel, void *arg) {
    REQUIRE(f == s.maker && arg == &s);
    s.parcel = parcel;
    return 0;
}

static bool make(bool returning) {
    fief_parcel_config config = FIEF_PARCEL_CONFIG_INIT;
    config.returned = returning ? take_back : NULL;
    config.returned_arg = &s;
    fief_status status = fief_parcel_create(s.maker, &config, &s.parcel);
    REQUIRE((status == FIEF_OK) == (s.parcel != NULL));
    return had_memory(status == FIEF_OK, status == FIEF_NO_MEMORY);
}

static void fill(void) {
    static const size_t sizes[] = {40, 40, 700, 9000, 70000, 900000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *block = fief_alloc(fief_parcel_heap(s.parcel), sizes[i]);
        if (had_memory(block != NULL, block == NULL)) {
            memset(block, 7, sizes[i]);
            s.blocks++;
        }
    }
}

static int keep(fief *f, fief_parcel *parcel, void *arg) {
    REQUIRE(f == s.target && arg == &s);
    s.parcel = parcel;
    return 0;
}

/* What is not sent is as it was. */
static bool send(void) {
    fief *heap = fief_parcel_heap(s.parcel);
    fief_xi_result result = fief_parcel_send(s.maker, s.parcel, fief_id_of(s.target), keep, &s);
    if (!had_memory(result == FIEF_XI_QUEUED, result == FIEF_XI_NO_MEMORY)) {
        REQUIRE(fief_parcel_heap(s.parcel) == heap);
        return false;
    }
    s.parcel = NULL;
    return true;
}

static bool is_seven(void *block, size_t usable_bytes, void *arg) {
    (void)usable_bytes;
    ++*(size_t *)arg;
    return ((char *)block)[0] == 7;
}

static bool receive(fief *f) {
    fief_status status = fief_parcel_receive(f, s.parcel, NULL);
    if (!had_memory(status == FIEF_OK, status == FIEF_NO_MEMORY))
        return false;
    size_t seen = 0;
    REQUIRE(fief_visit(f, is_seven, &seen) == FIEF_OK && seen == s.blocks);
    s.parcel = NULL;
    return true;
}

static void destroy(fief *f) {
    REQUIRE(fief_parcel_destroy(f, s.parcel) == FIEF_OK);
    s.parcel = NULL;
}

/* ---- the ways ---- */

/* A step that failed is tried once more, now that there is memory. */
static void there(void) {
    if (!make(false) && !make(false))
        REQUIRE(false);
    fill();
    if (!send() && !send())
        REQUIRE(false);
    fief_poll(s.target);
    REQUIRE(s.parcel != NULL);
    if (!receive(s.target) && !receive(s.target))
        REQUIRE(false);
}

static void there_and_back(void) {
    if (!make(true) && !make(true))
        REQUIRE(false);
    fill();
    if (!send() && !send())
        REQUIRE(false);
    fief_poll(s.target);
    REQUIRE(fief_destroy(s.target) == FIEF_OK);
    s.target = NULL;
    s.parcel = NULL;
    fief_poll(s.maker);
    REQUIRE(s.parcel != NULL); /* what it takes was there before it was sent */
    if (!receive(s.maker) && !receive(s.maker))
        REQUIRE(false);
}

static void never_sent(void) {
    if (make(false))
        fill();
    if (make(true))
        fill();
    s.parcel = NULL; /* both end with their maker */
}

static void destroyed_at_each_end(void) {
    if (make(false)) {
        fill();
        destroy(s.maker);
    }
    if (make(false)) {
        fill();
        if (send()) {
            fief_poll(s.target);
            destroy(s.target);
        } else {
            destroy(s.maker);
        }
    }
}

static void unread(void) {
    if (make(false)) {
        fill();
        if (send())
            fief_poll(s.target);
    }
    s.parcel = NULL;
}

/* So many that tables grow. */
static void many(void) {
    for (unsigned i = 0; i < 40; i++) {
        if (!make(false))
            continue;
        char *block = fief_alloc(fief_parcel_heap(s.parcel), 100);
        if (had_memory(block != NULL, block == NULL)) {
            block[0] = 7;
            s.blocks++;
        }
        if (!receive(s.maker) && !receive(s.maker))
            REQUIRE(false);
    }
}

/* ---- the frame ---- */

static fief *create(const char *name) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.debug = level;
    fief *f;
    REQUIRE(fief_create(&f, &config) == FIEF_OK);
    return f;
}

/* `units` before there was anybody. */
static void end_all(size_t units) {
    if (s.target != NULL)
        REQUIRE(fief_check(s.target) == 0 && fief_destroy(s.target) == FIEF_OK);
    REQUIRE(fief_check(s.maker) == 0 && fief_destroy(s.maker) == FIEF_OK);
    fief_trim(NULL);
    REQUIRE(fi_commons_live_blocks() == 0);
    REQUIRE(fi_space_used_units() == units);
}

typedef void way(void);

static _Noreturn void run_once(way *go, uint64_t request, uint64_t block) {
    setenv("FIEF_CONF", "tools:0,leaks:0", 1);
    fi_commons_free(fi_commons_alloc(1));
    size_t units = fi_space_used_units();
    s.maker = create("maker");
    s.target = create("target");
    fi_os_fail_at(request);
    fi_commons_fail_at(block);
    go();
    bool fewer = request != 0 && fi_os_request_count() < request;
    fi_os_fail_at(0);
    fi_commons_fail_at(0);
    end_all(units);
    _exit(fewer ? (s.failed ? 1 : EXIT_FEWER) : s.failed ? EXIT_FAILED : 0);
}

static int status_of_run(way *go, uint64_t request, uint64_t block) {
    pid_t pid = fork();
    if (pid == 0)
        run_once(go, request, block);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "request %u, block %u failing at level %d: killed by signal %d",
              (unsigned)request, (unsigned)block, (int)level, WTERMSIG(status));
    int end = WEXITSTATUS(status);
    cr_assert(end == 0 || end == EXIT_FEWER || end == EXIT_FAILED, "request %u, block %u failing at level %d",
              (unsigned)request, (unsigned)block, (int)level);
    return end;
}

/* At least so many failures must show; a block that can't be guarded is not, and that is all. */
static void fail_each(way *go, unsigned least_requests, unsigned least_blocks) {
    for (level = FIEF_DEBUG_OFF; level <= FIEF_DEBUG_GUARD; level++) {
        unsigned shown = 0, shown_blocks = 0;
        int end = 0;
        for (unsigned k = 1; end != EXIT_FEWER; k++) {
            cr_assert_lt(k, MOST_REQUESTS);
            end = status_of_run(go, k, 0);
            shown += end == EXIT_FAILED;
        }
        for (unsigned k = 1; k <= MOST_COMMONS; k++)
            shown_blocks += status_of_run(go, 0, k) == EXIT_FAILED;
        cr_assert_geq(shown, level == FIEF_DEBUG_GUARD ? 1 : least_requests, "%u at level %d", shown, (int)level);
        cr_assert_geq(shown_blocks, least_blocks, "%u at level %d", shown_blocks, (int)level);
    }
}

Test(oom_parcel, there_and_received) {
    fail_each(there, 3, 1);
}

Test(oom_parcel, there_and_back_again) {
    fail_each(there_and_back, 3, 2);
}

Test(oom_parcel, never_sent) {
    fail_each(never_sent, 3, 0);
}

Test(oom_parcel, destroyed_at_each_end) {
    fail_each(destroyed_at_each_end, 3, 1);
}

Test(oom_parcel, unread) {
    fail_each(unread, 3, 1);
}

Test(oom_parcel, many) {
    fail_each(many, 40, 0);
}
