#include "adapter/cpython/tenants.h"

#include "adapter/cpython/options.h"
#include "adapter/cpython/python.h"
#include "adapter/cpython/tell.h"
#include "adapter/launch_end.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS_SHIFT = 8, SLOTS = 1 << SLOTS_SHIFT, MAIN_ID = 0 };

/* An interpreter that has allocated something. But for `ending`, nothing changes while it is listed. */
typedef struct tenant {
    _Atomic(fi_py_interpreter *) interpreter;
    int64_t id;
    fief *heap;
    bool shares_main;    /* the heap is the main one's */
    bool ending;         /* it may have ended, a look-up tells; under the lock */
    struct tenant *next; /* under the lock */
} tenant;

fi_tenants_main_interpreter fi_tenants_main;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tenant *listed; /* under the lock */
static tenant *spares; /* the same: a tenant's memory stays one, as others may be reading it through a slot */
static bool reaping;   /* the same */
static fi_launch_stats figures = {.tenant = "interpreter"}; /* the same: of those that have been torn down */

static void (*on_met)(int64_t id); /* written once, before there are threads */

static pthread_mutex_t outside_lock = PTHREAD_MUTEX_INITIALIZER;
static fief *outside; /* under it, from borrow to give back */
static _Atomic fief_id outside_id;

/* By address, for a look-up without the lock. An interpreter's address may be another's once it has ended: from
 * the audit event that precedes that on it is in no slot, and one that was not heard of to end is never torn down.
 */
static _Atomic(tenant *) slots[SLOTS];

static _Atomic(tenant *) *slot_of(fi_py_interpreter *interpreter) {
    return &slots[((uintptr_t)interpreter >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOTS_SHIFT)];
}

/* ---- creation ---- */

static fief_status create_heap(const char *name, fief **out) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.limit.hard_bytes = fi_options.limit_bytes;
    config.report = fi_tell_report_fn();
    config.on_leak = fi_options.reclaim && !fi_py_shares_objects() ? FIEF_LEAK_FORCE : FIEF_LEAK_KEEP;
    return fief_create(out, &config);
}

static tenant *take_spare(void) {
    tenant *taken = spares;
    if (taken == NULL)
        return calloc(1, sizeof *taken);
    spares = taken->next;
    return taken;
}

static void give_spare(tenant *t) {
    t->next = spares;
    spares = t;
}

/* Under the lock. NULL on exhaustion. */
static tenant *admit(fi_py_interpreter *interpreter, int64_t id, bool shares_main) {
    tenant *t = take_spare();
    if (t == NULL)
        return NULL;
    char name[64];
    snprintf(name, sizeof name, "interpreter %lld of python", (long long)id);
    if (shares_main) {
        t->heap = fi_tenants_main.heap;
    } else if (create_heap(name, &t->heap) != FIEF_OK) {
        give_spare(t);
        return NULL;
    }
    atomic_store_explicit(&t->interpreter, interpreter, memory_order_relaxed);
    t->id = id;
    t->shares_main = shares_main;
    t->ending = false;
    t->next = listed;
    listed = t;
    return t;
}

static void lock_all(void) {
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&outside_lock);
}

static void unlock_all(void) {
    pthread_mutex_unlock(&outside_lock);
    pthread_mutex_unlock(&lock);
}

/* Of the threads only this one is left, which does not reap. */
static void go_on_alone(void) {
    reaping = false;
    unlock_all();
}

fief_status fi_tenants_begin(void (*met)(int64_t id)) {
    tenant *t = admit(NULL, MAIN_ID, false);
    if (t == NULL || pthread_atfork(lock_all, unlock_all, go_on_alone) != 0)
        return FIEF_NO_MEMORY;
    fi_tenants_main.heap = t->heap;
    on_met = met;
    return FIEF_OK;
}

/* ---- looking up ---- */

/* Under the lock. */
static tenant *find(int64_t id) {
    tenant *t = listed;
    while (t != NULL && t->id != id)
        t = t->next;
    return t;
}

/* One that is ending gets no slot any more. Under the lock. */
static void settle(tenant *t, fi_py_interpreter *interpreter) {
    atomic_store_explicit(&t->interpreter, interpreter, memory_order_relaxed);
    if (t->id == MAIN_ID)
        atomic_store_explicit(&fi_tenants_main.interpreter, interpreter, memory_order_relaxed);
    if (!t->ending)
        atomic_store_explicit(slot_of(interpreter), t, memory_order_release);
}

/* The first time that an interpreter is met (the main one, in each lifetime of the runtime), or when it is ending,
 * or another has taken its slot. */
__attribute__((noinline, cold)) static fief *find_or_admit(fi_py_interpreter *interpreter) {
    int64_t id = fi_py.id_of(interpreter);
    bool shares_main = id != MAIN_ID && fi_py_shares_main(interpreter);
    pthread_mutex_lock(&lock);
    tenant *t = find(id);
    bool is_new = t == NULL || atomic_load_explicit(&t->interpreter, memory_order_relaxed) != interpreter;
    if (t == NULL)
        t = admit(interpreter, id, shares_main);
    if (t != NULL)
        settle(t, interpreter);
    fief *heap = t != NULL ? t->heap : NULL;
    pthread_mutex_unlock(&lock);
    if (is_new && heap != NULL)
        on_met(id);
    return heap;
}

fief *fi_tenants_current(void) {
    fi_py_thread *thread = fi_py.current_thread();
    if (thread == NULL)
        return NULL;
    fi_py_interpreter *interpreter = fi_py.interpreter_of(thread);
    tenant *t = atomic_load_explicit(slot_of(interpreter), memory_order_acquire);
    if (t != NULL && atomic_load_explicit(&t->interpreter, memory_order_relaxed) == interpreter)
        return t->heap;
    return find_or_admit(interpreter);
}

fief *fi_tenants_find(int64_t id) {
    pthread_mutex_lock(&lock);
    tenant *t = find(id);
    fief *heap = t != NULL ? t->heap : NULL;
    pthread_mutex_unlock(&lock);
    return heap;
}

/* ---- threads without an interpreter ---- */

fief *fi_tenants_borrow_outside(void) {
    pthread_mutex_lock(&outside_lock);
    if (outside == NULL && create_heap("no interpreter of python", &outside) == FIEF_OK)
        atomic_store_explicit(&outside_id, fief_id_of(outside), memory_order_relaxed);
    return outside;
}

void fi_tenants_give_back_outside(void) {
    pthread_mutex_unlock(&outside_lock);
}

bool fi_tenants_owns_outside(const void *p) {
    fief_id id = atomic_load_explicit(&outside_id, memory_order_relaxed);
    return id != FIEF_ID_NONE && fief_owner(p) == id;
}

/* ---- the end ---- */

/* Under the lock. */
static void leave_slot(tenant *t) {
    tenant *seen = t;
    atomic_compare_exchange_strong(slot_of(atomic_load(&t->interpreter)), &seen, NULL);
}

void fi_tenants_note_ending(void) {
    int64_t id = fi_py_current_id();
    pthread_mutex_lock(&lock);
    tenant *t = find(id);
    if (t != NULL && id != MAIN_ID) {
        t->ending = true;
        leave_slot(t);
    }
    pthread_mutex_unlock(&lock);
}

/* A kept arena keeps no free page: that is what the trim is for. */
static void destroy_heap(fief *heap) {
    fief_stats stats;
    fief_stats_publish(heap);
    fief_stats_read(heap, &stats);
    fief_trim(heap);
    pthread_mutex_lock(&lock);
    fi_launch_stats_add(&figures, fief_name(heap), &stats);
    pthread_mutex_unlock(&lock);
    fief_destroy(heap);
}

/* Of one that nobody can find any more. */
static void tear_down(tenant *t) {
    if (!t->shares_main)
        destroy_heap(t->heap);
    pthread_mutex_lock(&lock);
    give_spare(t);
    pthread_mutex_unlock(&lock);
}

/* False: the runtime's end has done so. */
static bool unlist(tenant *gone) {
    pthread_mutex_lock(&lock);
    tenant **link = &listed;
    while (*link != NULL && *link != gone)
        link = &(*link)->next;
    bool found = *link != NULL;
    if (found)
        *link = gone->next;
    pthread_mutex_unlock(&lock);
    return found;
}

/* The first ending one from `from` on, or of all. */
static tenant *next_ending(const tenant *from) {
    pthread_mutex_lock(&lock);
    tenant *t = from != NULL ? from->next : listed;
    while (t != NULL && !t->ending)
        t = t->next;
    pthread_mutex_unlock(&lock);
    return t;
}

static bool begin_reaping(void) {
    pthread_mutex_lock(&lock);
    bool begins = !reaping && fi_py.look_up != NULL;
    reaping = reaping || begins;
    pthread_mutex_unlock(&lock);
    return begins;
}

/* CPython is asked without the lock: it allocates the exception that says no. One caller at a time makes spares,
 * so that the next tenant still is one when it comes back. */
size_t fi_tenants_reap(void) {
    if (!begin_reaping())
        return 0;
    size_t count = 0;
    tenant *next = next_ending(NULL);
    while (next != NULL) {
        tenant *t = next;
        next = next_ending(t);
        if (fi_py.look_up(t->id) != NULL)
            continue;
        fi_py.clear_error();
        if (!unlist(t))
            break;
        tear_down(t);
        count++;
    }
    pthread_mutex_lock(&lock);
    reaping = false;
    pthread_mutex_unlock(&lock);
    return count;
}

void fi_tenants_end_lifetime(void) {
    pthread_mutex_lock(&lock);
    tenant **link = &listed;
    while (*link != NULL) {
        tenant *t = *link;
        leave_slot(t);
        if (t->id == MAIN_ID)
            link = &t->next;
        else
            *link = t->next;
    }
    pthread_mutex_unlock(&lock);
}

/* ---- the process's end ---- */

static void end_heap(fief *heap, bool at_rest) {
    fief_stats stats;
    if (at_rest) {
        fi_launch_end_heap(heap, &figures);
    } else {
        fief_stats_read(heap, &stats);
        fi_launch_stats_add(&figures, fief_name(heap), &stats);
    }
}

void fi_tenants_end(bool at_rest) {
    pthread_mutex_lock(&lock);
    for (tenant *t = listed; t != NULL; t = t->next)
        if (!t->shares_main)
            end_heap(t->heap, at_rest);
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&outside_lock);
    if (outside != NULL)
        end_heap(outside, true);
    pthread_mutex_unlock(&outside_lock);
    fi_launch_end(&figures);
}
