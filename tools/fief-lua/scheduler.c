#define _POSIX_C_SOURCE 200809L

#include "scheduler.h"

#include "host.h"

#include <errno.h>
#include <fief/xi.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { SHOW_INTERVAL_NS = 100 * 1000 * 1000 };

typedef struct scheduler scheduler;

typedef struct worker {
    scheduler *owner;
    pthread_t thread;
    pthread_cond_t has_work;
    tenant *first, *last; /* of its queue; NULL: empty */
} worker;

struct scheduler {
    pthread_mutex_t lock; /* for what follows, and for the workers' queues */
    pthread_cond_t all_ended;
    worker *workers;
    unsigned worker_count;
    bool migrate;
    tenant *tenants;
    unsigned tenant_count;
    unsigned ended_count;
    unsigned resting_count; /* tenants in no queue and at no thread */
    uint64_t turn_count;
};

/* ---- queues ---- */

static void push(worker *w, tenant *t) {
    t->next = NULL;
    *(w->first != NULL ? &w->last->next : &w->first) = t;
    w->last = t;
    pthread_cond_signal(&w->has_work);
}

/* Waits for one. NULL: all tenants have ended. */
static tenant *pop(worker *w) {
    scheduler *s = w->owner;
    while (w->first == NULL && s->ended_count < s->tenant_count)
        pthread_cond_wait(&w->has_work, &s->lock);
    tenant *t = w->first;
    if (t != NULL)
        w->first = t->next;
    return t;
}

static void requeue(scheduler *s, tenant *t) {
    if (s->migrate && s->worker_count > 1) {
        t->worker = (t->worker + 1) % s->worker_count;
        t->move_count++;
    }
    push(&s->workers[t->worker], t);
}

/* ---- waiting ---- */

/* Whoever could send a message waits for one, or has ended. */
static bool is_stalled(const scheduler *s) {
    return s->resting_count == s->tenant_count && s->ended_count < s->tenant_count;
}

static void stir(scheduler *s, tenant *t) {
    t->resting = false;
    s->resting_count--;
    requeue(s, t);
}

static void end_stall(scheduler *s) {
    for (unsigned i = 0; i < s->tenant_count; i++) {
        tenant *t = &s->tenants[i];
        if (t->resting && !t->ended) {
            t->stalled = true;
            stir(s, t);
        }
    }
}

/* A message that came meanwhile has been told of already. */
static void rest(scheduler *s, tenant *t) {
    t->resting = true;
    s->resting_count++;
    if (t->woken) {
        t->woken = false;
        stir(s, t);
    }
}

/* Something has been queued for a tenant's interpreter: it needs a turn, even if it has ended, to say so. On the
 * sender's thread. */
static void wake(fief_id id, void *arg) {
    tenant *t = arg;
    scheduler *s = t->scheduler;
    (void)id;
    pthread_mutex_lock(&s->lock);
    if (t->resting)
        stir(s, t);
    else
        t->woken = true;
    pthread_mutex_unlock(&s->lock);
}

static void count_ended(scheduler *s) {
    if (++s->ended_count < s->tenant_count)
        return;
    pthread_cond_signal(&s->all_ended);
    for (unsigned i = 0; i < s->worker_count; i++)
        pthread_cond_signal(&s->workers[i].has_work);
}

/* ---- threads ---- */

static void *work(void *arg) {
    worker *w = arg;
    scheduler *s = w->owner;
    pthread_mutex_lock(&s->lock);
    for (tenant *t; (t = pop(w)) != NULL;) {
        pthread_mutex_unlock(&s->lock);
        bool had_ended = t->ended;
        tenant_turn turn = tenant_run_turn(t);
        pthread_mutex_lock(&s->lock);
        s->turn_count++;
        if (turn == TENANT_GOES_ON)
            requeue(s, t);
        else
            rest(s, t);
        if (turn == TENANT_ENDED && !had_ended)
            count_ended(s);
        if (is_stalled(s))
            end_stall(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Shows progress until all have ended, and that they have. */
static void watch(scheduler *s, progress *p) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&s->lock);
    bool ended;
    do {
        until.tv_nsec += SHOW_INTERVAL_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (s->ended_count < s->tenant_count && pthread_cond_timedwait(&s->all_ended, &s->lock, &until) == 0)
            continue;
        unsigned ended_count = s->ended_count;
        uint64_t turn_count = s->turn_count;
        ended = ended_count == s->tenant_count;
        pthread_mutex_unlock(&s->lock);
        progress_show(p, ended_count, turn_count);
        pthread_mutex_lock(&s->lock);
    } while (!ended);
    pthread_mutex_unlock(&s->lock);
}

/* ---- the whole ---- */

static void init(scheduler *s, const options *o) {
    pthread_condattr_t monotonic;
    *s = (scheduler){.worker_count = o->thread_count, .migrate = o->migrate};
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->all_ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->workers = host_alloc_zeros(s->worker_count, sizeof *s->workers);
    for (unsigned i = 0; i < s->worker_count; i++) {
        s->workers[i].owner = s;
        pthread_cond_init(&s->workers[i].has_work, NULL);
    }
}

static void fini(scheduler *s) {
    for (unsigned i = 0; i < s->worker_count; i++)
        pthread_cond_destroy(&s->workers[i].has_work);
    pthread_cond_destroy(&s->all_ended);
    pthread_mutex_destroy(&s->lock);
    free(s->workers);
}

/* Round robin; those that failed at birth have nothing to run. */
static void deal(scheduler *s, tenant *tenants, unsigned tenant_count) {
    s->tenants = tenants;
    s->tenant_count = tenant_count;
    for (unsigned i = 0; i < tenant_count; i++) {
        tenant *t = &tenants[i];
        t->scheduler = s;
        t->worker = i % s->worker_count;
        if (t->ended) {
            rest(s, t);
            s->ended_count++;
        } else {
            push(&s->workers[t->worker], t);
        }
        if (t->heap != NULL && fief_xi_on_wake(t->heap, wake, t) != FIEF_OK)
            host_give_up("memory for messages", ENOMEM);
    }
}

static void part(const scheduler *s) {
    for (unsigned i = 0; i < s->tenant_count; i++)
        if (s->tenants[i].heap != NULL)
            fief_xi_on_wake(s->tenants[i].heap, NULL, NULL);
}

void scheduler_run(tenant *tenants, unsigned tenant_count, const options *o, progress *p) {
    scheduler s;
    init(&s, o);
    deal(&s, tenants, tenant_count);
    for (unsigned i = 0; i < s.worker_count; i++) {
        int error = pthread_create(&s.workers[i].thread, NULL, work, &s.workers[i]);
        if (error != 0)
            host_give_up("cannot start a thread", error);
    }
    watch(&s, p);
    for (unsigned i = 0; i < s.worker_count; i++)
        pthread_join(s.workers[i].thread, NULL);
    part(&s);
    fini(&s);
}
