#define _GNU_SOURCE 1
#include "preload/tenant.h"

#include "adapter/launch.h"
#include "base/atomics.h"
#include "fief/debug.h"
#include "fief/trace.h"
#include "preload/budget.h"
#include "preload/end.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum {
    SWEEP_CALLS = 64, /* slow calls between two looks at the heaps that wait */
    SWEEP_HEAPS = 4,  /* of them at a time */
    MOST_TRIES = 1000,
    LAST_ROUND = 4 /* of a thread's destructors: PTHREAD_DESTRUCTOR_ITERATIONS */
};

/* A heap of a thread, kept in the heap itself. */
typedef struct tenant {
    fief *heap;
    struct tenant *next, *previous; /* of the heaps that wait; under `lock` */
    unsigned round;                 /* of the thread's destructors */
    bool is_known_to_be_used;       /* waiting: it was not empty, and nothing came home since */
    fi_budget_share share;
} tenant;

/* ---- stand-ins ---- */

/* Its lists end in a block that never looks free, and its pool holds nothing. */
static fief_fast_block no_block;
static fief_fast_pool no_pool;

#define FOUR(list) list, list, list, list
#define SIXTY_FOUR(list) FOUR(FOUR(FOUR(list)))
#define STAND_IN                                                                                                  \
    {                                                                                                             \
        .pools = (char *)&no_pool, .round = 15, .lists = { SIXTY_FOUR(&no_block) }                                \
    }
static_assert(FIEF_INLINE_LISTS == 64, "every list of a stand-in has its end");

enum { WITHOUT, ENDED };
static fief_fast stand_ins[] = {[WITHOUT] = STAND_IN, [ENDED] = STAND_IN};

FI_THREAD_LOCAL fief *fi_tenant_heap = (fief *)&stand_ins[WITHOUT];

static inline bool is_stand_in(const fief *f) {
    return (uintptr_t)f - (uintptr_t)stand_ins < sizeof stand_ins;
}

/* ---- all of them ---- */

/* Protects the heaps that wait, and the making of what is made once. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tenant waiting = {.next = &waiting, .previous = &waiting};
static uint64_t waiting_count; /* read without it, too */
static tenant *next_to_sweep = &waiting;

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static fief *shared_heap; /* read without it, too */
static fi_budget_share shared_share;

static pthread_key_t key;
static bool ready; /* there is the key; read without the lock, too */

static void lock_all(void) {
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&shared_lock);
}

static void unlock_all(void) {
    pthread_mutex_unlock(&shared_lock);
    pthread_mutex_unlock(&lock);
}

static fief *names; /* the heap of what is allocated to name functions */

static void thread_ends(void *arg);
static void name_elsewhere(bool begins);

/* fief's own handlers of a fork are installed already, by fief_prepare or with a heap, and so run inside of ours.
 */
static bool get_ready(void) {
    if (FI_LIKELY(fi_load_acquire(&ready)))
        return true;
    pthread_mutex_lock(&lock);
    bool done = ready || (pthread_key_create(&key, thread_ends) == 0 &&
                          pthread_atfork(lock_all, unlock_all, unlock_all) == 0);
    fief_trace_naming(name_elsewhere);
    fi_store_release(&ready, done);
    pthread_mutex_unlock(&lock);
    return done;
}

/* ---- making and ending ---- */

static fief *create(const char *name) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.report = fi_launch_wants_end() ? fi_launch_report : fi_launch_report_fn();
    fief *f;
    return fief_create(&f, &config) == FIEF_OK ? f : NULL;
}

/* What is allocated to name the functions of a report is in a heap of its own: the thread's is in the midst of
 * what is reported. One thread at a time. */
static void name_elsewhere(bool begins) {
    static fief *kept;
    if (!begins) {
        fi_tenant_heap = kept;
        return;
    }
    kept = fi_tenant_heap;
    if (names == NULL)
        names = create("names of functions");
    if (names != NULL)
        fi_tenant_heap = names;
}

static tenant *tenant_create(void) {
    char name[32];
    snprintf(name, sizeof name, "thread %d", (int)gettid());
    fief *f = create(name);
    if (f == NULL)
        return NULL;
    fief_tag tag = 0;
    (void)fief_tag_register(FI_TENANT_RECORD, &tag);
    tenant *t = fief_alloc_tagged(f, sizeof *t, tag);
    if (t == NULL) {
        fief_destroy(f);
        return NULL;
    }
    *t = (tenant){.heap = f};
    fi_budget_join(f, &t->share);
    return t;
}

/* True: nothing but its own record was live in it, and it is gone. Under the lock. */
static bool tenant_end_if_empty(tenant *t) {
    fief *f = t->heap;
    fief_stats stats;
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    if (stats.live_blocks > 1)
        return false;
    size_t lent_bytes = t->share.lent_bytes;
    fi_end_count(f, &stats);
    fief_free(f, t);
    fief_destroy(f);
    fi_budget_return(lent_bytes);
    return true;
}

/* ---- those that wait ---- */

static void put_between(tenant *t, tenant *before, tenant *behind) {
    t->next = behind;
    t->previous = before;
    before->next = behind->previous = t;
    fi_store_relaxed(&waiting_count, waiting_count + 1);
}

static void take_out(tenant *t) {
    if (next_to_sweep == t)
        next_to_sweep = t->next;
    t->next->previous = t->previous;
    t->previous->next = t->next;
    fi_store_relaxed(&waiting_count, waiting_count - 1);
}

/* The next few take in what came home, and end if nothing is left. What a heap that waits has live is counted
 * once, and again whenever something came. */
static void sweep(unsigned heaps) {
    for (; heaps > 0 && waiting.next != &waiting; heaps--) {
        tenant *t = next_to_sweep != &waiting ? next_to_sweep : waiting.next;
        next_to_sweep = t->next;
        if (fief_poll(t->heap) == 0 && t->is_known_to_be_used)
            continue;
        fi_budget_review(t->heap, &t->share);
        take_out(t);
        t->is_known_to_be_used = true;
        if (!tenant_end_if_empty(t))
            put_between(t, waiting.previous, &waiting);
    }
}

static void sweep_sometimes(void) {
    static uint64_t calls;
    if (fi_load_relaxed(&waiting_count) == 0 || fi_add_relaxed(&calls, 1) % SWEEP_CALLS != 0 ||
        fi_tenant_heap == names || pthread_mutex_trylock(&lock) != 0)
        return;
    sweep(SWEEP_HEAPS);
    pthread_mutex_unlock(&lock);
}

void fi_tenant_settle_waiting(void) {
    if (pthread_mutex_trylock(&lock) != 0)
        return;
    sweep((unsigned)waiting_count);
    pthread_mutex_unlock(&lock);
}

size_t fi_tenant_trim_waiting(void) {
    size_t bytes = 0;
    pthread_mutex_lock(&lock);
    for (tenant *t = waiting.next, *next; t != &waiting; t = next) {
        next = t->next;
        bytes += fief_trim(t->heap);
    }
    sweep((unsigned)waiting_count);
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&shared_lock);
    if (shared_heap != NULL)
        bytes += fief_trim(shared_heap);
    pthread_mutex_unlock(&shared_lock);
    return bytes;
}

/* ---- a thread ---- */

/* Does not wait for long: whoever has the lock may be telling of misuse, and so be in want of the dynamic linker's
 * lock, which a thread that begins may have. */
static tenant *take_waiting(void) {
    tenant *t = NULL;
    for (unsigned tries = 0; pthread_mutex_trylock(&lock) != 0; tries++) {
        if (tries == MOST_TRIES)
            return NULL;
        sched_yield();
    }
    if (waiting.next != &waiting)
        take_out(t = waiting.next);
    pthread_mutex_unlock(&lock);
    return t;
}

/* The C library may allocate to remember the destructor's argument: the thread has its heap by then. If it fails,
 * the heap stays behind when the thread ends. */
static fief *begin(void) {
    int saved = errno;
    tenant *t = take_waiting();
    if (t == NULL)
        t = tenant_create();
    if (t != NULL) {
        t->round = 0;
        fi_tenant_heap = t->heap;
        if (get_ready())
            (void)pthread_setspecific(key, t);
    }
    errno = saved;
    return t != NULL ? t->heap : NULL;
}

/* Other destructors of the thread may still use the heap, and those of keys that are made later run later: it goes
 * in the last round. */
static void thread_ends(void *arg) {
    tenant *t = arg;
    if (++t->round < LAST_ROUND && pthread_setspecific(key, t) == 0)
        return;
    fi_tenant_heap = (fief *)&stand_ins[ENDED];
    fief_poll(t->heap);
    fi_budget_review(t->heap, &t->share);
    t->is_known_to_be_used = false;
    pthread_mutex_lock(&lock);
    put_between(t, &waiting, waiting.next);
    pthread_mutex_unlock(&lock);
    sweep_sometimes();
}

static fief *enter_shared(void) {
    pthread_mutex_lock(&shared_lock);
    if (shared_heap == NULL) {
        fi_store_relaxed(&shared_heap, create("ended threads"));
        if (shared_heap != NULL)
            fi_budget_join(shared_heap, &shared_share);
    }
    if (shared_heap == NULL)
        pthread_mutex_unlock(&shared_lock);
    return shared_heap;
}

void fi_tenant_review(void) {
    if (FI_LIKELY(!fi_load_relaxed(&fi_budget_is_limited)) || !fi_load_acquire(&ready))
        return;
    tenant *t = pthread_getspecific(key);
    if (t != NULL && t->heap == fi_tenant_heap)
        fi_budget_review(t->heap, &t->share);
}

fief *fi_tenant_own(void) {
    fief *f = fi_tenant_heap;
    if (FI_LIKELY(!is_stand_in(f)))
        return f;
    return f == (fief *)&stand_ins[WITHOUT] ? begin() : NULL;
}

fief *fi_tenant_enter(void) {
    fief *f = fi_tenant_own();
    sweep_sometimes();
    fi_tenant_review();
    return FI_LIKELY(f != NULL) ? f : enter_shared();
}

void fi_tenant_leave(const fief *f) {
    if (FI_UNLIKELY(f == fi_load_relaxed(&shared_heap)) && f != NULL)
        pthread_mutex_unlock(&shared_lock);
}

void fi_tenant_each(fi_tenant_fn *show) {
    lock_all();
    if (!is_stand_in(fi_tenant_heap))
        show(fi_tenant_heap);
    for (tenant *t = waiting.next; t != &waiting; t = t->next)
        show(t->heap);
    if (shared_heap != NULL)
        show(shared_heap);
    unlock_all();
}

/* Before any other library registers handlers of a fork, which may allocate. The C library has not read the
 * environment yet: no heap is made here. */
__attribute__((constructor)) static void begin_first(void) {
    if (fief_prepare() == FIEF_OK)
        (void)get_ready();
}
