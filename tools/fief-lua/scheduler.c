#define _POSIX_C_SOURCE 200809L

#include "scheduler.h"

#include "host.h"

#include <errno.h>
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
    unsigned tenant_count;
    unsigned ended_count;
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
        bool wants_more = tenant_run_turn(t);
        pthread_mutex_lock(&s->lock);
        s->turn_count++;
        if (wants_more)
            requeue(s, t);
        else
            count_ended(s);
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
    s->tenant_count = tenant_count;
    for (unsigned i = 0; i < tenant_count; i++) {
        tenants[i].worker = i % s->worker_count;
        if (tenants[i].ended)
            s->ended_count++;
        else
            push(&s->workers[tenants[i].worker], &tenants[i]);
    }
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
    fini(&s);
}
