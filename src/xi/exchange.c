#include "xi/exchange.h"

#include "base/atomics.h"
#include "base/lock.h"
#include "heap/features.h"
#include "interp/commons.h"
#include "interp/registry.h"
#include "os/os.h"
#include "xi/calls.h"
#include "xi/hold.h"
#include "xi/registry.h"

#include <string.h>

enum { SPINS = 100 };

static fi_exchange *all;    /* under FI_RANK_PROCESS */
static uint32_t fork_count; /* between this process and the first */

/* ---- references ---- */

void fi_exchange_retain(fi_exchange *exchange) {
    fi_add_relaxed(&exchange->references, 1);
}

static void unlist(fi_exchange *exchange) {
    if (exchange->id == FIEF_ID_NONE)
        return;
    fi_lock(FI_RANK_PROCESS);
    *(exchange->prev != NULL ? &exchange->prev->next : &all) = exchange->next;
    if (exchange->next != NULL)
        exchange->next->prev = exchange->prev;
    fi_unlock(FI_RANK_PROCESS);
}

void fi_exchange_release(fi_exchange *exchange) {
    if (fi_sub_acq_rel(&exchange->references, 1) != 1)
        return;
    unlist(exchange);
    fi_commons_free(exchange);
}

/* ---- making ---- */

static fi_exchange *make(fief_id id) {
    fi_exchange *exchange = fi_commons_alloc(sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    memset(exchange, 0, sizeof *exchange);
    exchange->id = id;
    exchange->references = 1;
    return exchange;
}

fi_exchange *fi_exchange_alone(void) {
    return make(FIEF_ID_NONE);
}

static fief_xi_result absence(const fi_slot *slot) {
    return slot != NULL && fi_load_acquire(&slot->state) == FIEF_CLOSING ? FIEF_XI_CLOSING : FIEF_XI_GONE;
}

static void enlist(fi_exchange *exchange) {
    exchange->next = all;
    if (all != NULL)
        all->prev = exchange;
    all = exchange;
}

/* Puts it in the slot: its reference is the slot's then. The owner's end says CLOSING first, and then looks into
 * the slot: so either it finds this one, or this finds CLOSING. False: the latter, and it is not there. */
static bool settle(fi_slot *slot, fi_exchange *fresh) {
    fi_store_seq_cst(&slot->exchange, fresh);
    if (fi_load_seq_cst(&slot->state) == FIEF_LIVE)
        return true;
    return fi_exchange_seq_cst(&slot->exchange, NULL) == NULL; /* the owner has taken it, and closes it */
}

/* Under FI_RANK_PROCESS. NULL without a reason: there is none yet. */
static fi_exchange *look(fief_id id, fi_exchange **fresh, fief_xi_result *why) {
    fi_slot *slot = fi_registry_slot(id);
    fi_exchange *there = slot != NULL ? fi_load_acquire(&slot->exchange) : NULL;
    *why = FIEF_XI_NO_MEMORY;
    if (slot == NULL || fi_load_acquire(&slot->heap) == NULL) {
        *why = absence(slot);
        return NULL;
    }
    if (there == NULL && *fresh != NULL) {
        if (!settle(slot, *fresh)) {
            *why = FIEF_XI_CLOSING;
            return NULL;
        }
        there = *fresh;
        *fresh = NULL;
        enlist(there);
    }
    if (there != NULL)
        fi_exchange_retain(there);
    return there;
}

fi_exchange *fi_exchange_reach(fief_id id, fief_xi_result *why) {
    fi_exchange *fresh = NULL;
    for (;;) {
        fi_lock(FI_RANK_PROCESS);
        fi_exchange *there = look(id, &fresh, why);
        fi_unlock(FI_RANK_PROCESS);
        bool is_settled = there != NULL || *why != FIEF_XI_NO_MEMORY;
        if (is_settled || (fresh = make(id)) == NULL) {
            fi_commons_free(is_settled ? fresh : NULL);
            return there;
        }
    }
}

fi_exchange *fi_exchange_find(fief_id id) {
    fief_xi_result why;
    fi_exchange *none = NULL;
    fi_lock(FI_RANK_PROCESS);
    fi_exchange *there = look(id, &none, &why);
    fi_unlock(FI_RANK_PROCESS);
    return there;
}

fi_exchange *fi_exchange_known(const fief *f) {
    return fi_load_acquire(&f->slot->exchange);
}

fi_exchange *fi_exchange_known_to_the_last(const fief *f) {
    return f->closing != NULL ? f->closing : fi_exchange_known(f);
}

fi_exchange *fi_exchange_own(fief *f) {
    fi_exchange *known = fi_exchange_known(f);
    if (FI_LIKELY(known != NULL))
        return known;
    fief_xi_result why;
    fi_exchange *reached = fi_exchange_reach(f->id, &why);
    if (reached != NULL)
        fi_exchange_release(reached); /* the slot has one until the end */
    return reached;
}

fief_xi_result fi_exchange_absence(fief_id id) {
    fi_lock(FI_RANK_PROCESS);
    fief_xi_result why = absence(fi_registry_slot(id));
    fi_unlock(FI_RANK_PROCESS);
    return why;
}

/* ---- sleeping ---- */

void fi_exchange_signal(fi_exchange *exchange) {
    fi_add_seq_cst(&exchange->signal, 1);
    if (fi_load_seq_cst(&exchange->sleepers) != 0)
        fi_os_wake(&exchange->signal);
}

/* A microsecond or two: less than it costs to sleep and be woken. */
static bool is_signalled_soon(const fi_exchange *exchange, uint32_t seen) {
    for (unsigned i = 0; i < SPINS; i++) {
        if (fi_load_relaxed(&exchange->signal) != seen)
            return true;
        fi_pause();
    }
    return false;
}

void fi_exchange_sleep(fi_exchange *exchange, uint32_t seen, uint64_t timeout_ns) {
    if (is_signalled_soon(exchange, seen))
        return;
    fi_add_seq_cst(&exchange->sleepers, 1);
    if (fi_load_seq_cst(&exchange->signal) == seen)
        fi_os_sleep(&exchange->signal, seen, timeout_ns);
    fi_sub_acq_rel(&exchange->sleepers, 1);
}

void fi_exchange_await_wakers(const fi_exchange *exchange) {
    while (fi_load_seq_cst(&exchange->wakers) != 0)
        fi_os_yield();
}

/* ---- reading ---- */

bool fi_exchange_read_begin(fi_exchange *exchange, fi_reading *reading) {
    *reading = (fi_reading){exchange, fi_load_relaxed(&fork_count)};
    fi_add_seq_cst(&exchange->readers, 1);
    if (fi_load_seq_cst(&exchange->head) != FI_CALLS_CLOSED)
        return true;
    fi_exchange_read_end(*reading);
    return false;
}

void fi_exchange_read_end(fi_reading reading) {
    if (reading.forks == fi_load_relaxed(&fork_count))
        fi_sub_seq_cst(&reading.exchange->readers, 1);
}

void fi_exchange_await_readers(const fi_exchange *exchange) {
    while (fi_load_seq_cst(&exchange->readers) != 0)
        fi_os_yield();
}

/* ---- the end ---- */

static void close_ports(fi_exchange *exchange) {
    for (unsigned i = 0; i < FI_PORTS; i++)
        if (exchange->ports[i].exchange != NULL)
            fi_exchange_release(exchange->ports[i].exchange);
    memset(exchange->ports, 0, sizeof exchange->ports);
}

/* Who found it in the slot has a reference once the lock has been free: the slot's can go. What others still send
 * meanwhile finds the head closed. */
static void close_exchange(fief *f) {
    fi_exchange *exchange = fi_exchange_seq_cst(&f->slot->exchange, NULL);
    if (exchange == NULL) /* who put it there has taken it back */
        return;
    fi_lock(FI_RANK_PROCESS);
    fi_unlock(FI_RANK_PROCESS);
    f->closing = exchange;
    fi_calls_close(f, exchange);
    fi_holds_close(f, exchange);
    fi_types_free(exchange->types);
    exchange->types = NULL;
    close_ports(exchange);
    fi_spares_leave(&exchange->spares);
    f->closing = NULL;
    fi_exchange_signal(exchange);
    fi_exchange_release(exchange);
}

static void poll(fief *f, fi_exchange *exchange) {
    (void)fi_calls_run(f, exchange, SIZE_MAX);
}

/* The other threads are gone, and what they were about to do. */
static void forked(void) {
    fork_count++;
    for (fi_exchange *exchange = all; exchange != NULL; exchange = exchange->next)
        exchange->wakers = exchange->sleepers = exchange->readers = 0;
}

const fi_exchange_hooks fi_the_exchange = {
    .poll = poll, .close = close_exchange, .trim = fi_spares_trim, .forked = forked};
