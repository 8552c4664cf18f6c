#include "xi/calls.h"

#include "base/atomics.h"
#include "interp/commons.h"
#include "os/os.h"

#include <string.h>

enum { COPY_OFFSET = (sizeof(fi_call) + sizeof(fi_call_more) + 15) / 16 * 16 };

/* ---- their memory ---- */

static fi_call *make_plain(fief *f, const fief_xi_message *message) {
    fi_exchange *own = f != NULL ? fi_exchange_own(f) : NULL;
    fi_call *call = own != NULL ? fi_spares_take(&own->spares) : fi_commons_alloc(sizeof *call);
    if (call != NULL)
        *call = (fi_call){.fn = message->fn, .arg = message->arg};
    return call;
}

static fi_call *make_with_more(const fief_xi_message *message, fi_exchange *waiter) {
    bool fits = message->copied_bytes <= SIZE_MAX - COPY_OFFSET;
    fi_call *call = fits ? fi_commons_alloc(COPY_OFFSET + message->copied_bytes) : NULL;
    if (call == NULL)
        return NULL;
    *call = (fi_call){.fn = message->fn, .arg = message->arg, .more = (fi_call_more *)(void *)(call + 1)};
    *call->more = (fi_call_more){.own_arg = message->arg,
                                 .free_arg = message->free_arg,
                                 .done = message->done,
                                 .done_arg = message->done_arg,
                                 .waiter = waiter,
                                 .references = waiter != NULL ? 2 : 1,
                                 .cancel_at_close = message->cancel_at_close};
    if (waiter != NULL)
        fi_exchange_retain(waiter);
    if (message->copied_bytes > 0)
        call->arg = memcpy((char *)call + COPY_OFFSET, message->arg, message->copied_bytes);
    return call;
}

fi_call *fi_call_make(fief *f, const fief_xi_message *message, fi_exchange *waiter) {
    bool is_plain = waiter == NULL && message->copied_bytes == 0 && message->free_arg == NULL &&
                    message->done == NULL && !message->cancel_at_close;
    return is_plain ? make_plain(f, message) : make_with_more(message, waiter);
}

static void release_plain(fief *f, fi_call *call) {
    fi_exchange *own = f != NULL ? fi_exchange_known(f) : NULL;
    if (own != NULL)
        fi_spares_give(&own->spares, call);
    else
        fi_commons_free(call);
}

void fi_call_release(fief *f, fi_call *call) {
    if (call->more == NULL) {
        release_plain(f, call);
        return;
    }
    fi_exchange *waiter = call->more->waiter;
    if (waiter != NULL) {
        if (fi_sub_acq_rel(&call->more->references, 1) != 1)
            return;
        fi_exchange_release(waiter);
    }
    fi_commons_free(call);
}

/* ---- sending ---- */

static fi_way ported(fi_port *port, fief_id target) {
    if (port->exchange != NULL && port->id == target && fi_load_relaxed(&port->exchange->head) != FI_CALLS_CLOSED)
        return (fi_way){port->exchange, FIEF_XI_QUEUED, false};
    fief_xi_result why;
    fi_exchange *reached = fi_exchange_reach(target, &why);
    if (reached == NULL && port->id != target)
        return (fi_way){NULL, why, false};
    if (port->exchange != NULL)
        fi_exchange_release(port->exchange);
    *port = (fi_port){target, reached};
    return (fi_way){reached, why, false};
}

fi_way fi_call_way(fief *f, fief_id target) {
    fi_exchange *own = f != NULL ? fi_exchange_own(f) : NULL;
    if (own != NULL)
        return ported(&own->ports[target % FI_PORTS], target);
    fief_xi_result why;
    fi_exchange *reached = fi_exchange_reach(target, &why);
    return (fi_way){reached, why, reached != NULL};
}

void fi_call_leave(fi_way way) {
    if (way.is_held)
        fi_exchange_release(way.exchange);
}

/* The queue was empty: somebody may sleep, or run without looking. */
static void wake(fi_exchange *exchange) {
    fi_exchange_signal(exchange);
    fief_xi_wake_fn *hook = fi_load_seq_cst(&exchange->wake);
    if (hook != NULL)
        hook(exchange->id, fi_load_acquire(&exchange->wake_arg));
}

/* The owner's end, and a change of the hook, wait until who is about to wake has done so. */
static bool push_first(fi_exchange *exchange, fi_call *call) {
    fi_call *none = NULL;
    call->next = NULL;
    fi_add_seq_cst(&exchange->wakers, 1);
    bool pushed = fi_cas_seq_cst(&exchange->head, &none, call);
    if (pushed)
        wake(exchange);
    fi_sub_seq_cst(&exchange->wakers, 1);
    return pushed;
}

bool fi_call_push(fi_exchange *exchange, fi_call *call) {
    fi_call *head = fi_load_relaxed(&exchange->head);
    for (;;) {
        if (head == FI_CALLS_CLOSED)
            return false;
        if (head == NULL) {
            if (push_first(exchange, call))
                return true;
            head = fi_load_relaxed(&exchange->head);
            continue;
        }
        call->next = head;
        if (fi_cas_acq_rel(&exchange->head, &head, call))
            return true;
    }
}

void fi_call_count_sent(fief *f) {
    fi_exchange *own = f != NULL ? fi_exchange_known(f) : NULL;
    if (own != NULL)
        own->stats.sent++;
}

/* ---- running ---- */

int fi_call_invoke(fief *f, fief_xi_fn *fn, void *arg) {
    uint8_t outer = f->obstacles & FI_IN_CALL;
    fief *previous = fief_enter(f);
    f->obstacles |= FI_IN_CALL;
    int returned = fn(f, arg);
    f->obstacles = (uint8_t)((f->obstacles & ~FI_IN_CALL) | outer);
    fief_leave(previous);
    return returned;
}

/* Appends what was taken, which is last first, in the order in which it came. */
static void append(fi_exchange *exchange, fi_call *taken) {
    fi_call *first = NULL, *last = taken;
    while (taken != NULL) {
        fi_call *next = taken->next;
        taken->next = first;
        first = taken;
        taken = next;
    }
    if (first == NULL)
        return;
    *(exchange->first != NULL ? &exchange->last->next : &exchange->first) = first;
    exchange->last = last;
}

static void collect(fi_exchange *exchange) {
    fi_call *head = fi_load_relaxed(&exchange->head);
    if (head != NULL && head != FI_CALLS_CLOSED)
        append(exchange, fi_exchange_acq_rel(&exchange->head, NULL));
}

static fi_call *pop(fi_exchange *exchange) {
    fi_call *call = exchange->first;
    exchange->first = call->next;
    return call;
}

/* Who waits may have given up meanwhile. */
static bool begin(fi_call *call) {
    uint32_t queued = FI_CALL_QUEUED;
    return call->more == NULL || call->more->waiter == NULL ||
           fi_cas_acq_rel(&call->more->state, &queued, FI_CALL_BEGUN);
}

/* Who waits has a reference to the call, and the call one to where it waits. */
static void tell(fi_call_more *more, fief_xi_result how, int returned) {
    if (more->free_arg != NULL)
        more->free_arg(more->own_arg);
    if (more->done != NULL)
        more->done(how, returned, more->done_arg);
    if (more->waiter == NULL)
        return;
    more->how = (uint8_t)how;
    more->returned = returned;
    fi_store_release(&more->state, FI_CALL_ENDED);
    fi_exchange_signal(more->waiter);
}

static void end(fief *f, fi_call *call, fief_xi_result how, int returned) {
    if (call->more != NULL)
        tell(call->more, how, returned);
    fi_call_release(f, call);
}

static void run(fief *f, fi_exchange *exchange, fi_call *call) {
    if (!begin(call)) {
        exchange->stats.cancelled++;
        fi_call_release(f, call);
        return;
    }
    int returned = fi_call_invoke(f, call->fn, call->arg);
    exchange->stats.ran++;
    exchange->stats.failed += returned != 0;
    end(f, call, FIEF_XI_RAN, returned);
}

/* One that is called back from within goes on where this is: each call is begun in its turn. */
size_t fi_calls_run(fief *f, fi_exchange *exchange, size_t most) {
    size_t ran = 0;
    collect(exchange);
    const fi_call *last = exchange->first != NULL ? exchange->last : NULL;
    for (bool was_last = last == NULL; !was_last && exchange->first != NULL && ran < most; ran++) {
        fi_call *call = pop(exchange);
        was_last = call == last;
        run(f, exchange, call);
    }
    return ran;
}

bool fi_calls_wait(const fi_exchange *exchange) {
    return exchange->first != NULL || fi_load_seq_cst(&exchange->head) != NULL;
}

static void cancel(fief *f, fi_exchange *exchange, fi_call *call) {
    exchange->stats.cancelled++;
    if (begin(call))
        end(f, call, FIEF_XI_CANCELLED, 0);
    else
        fi_call_release(f, call);
}

void fi_calls_close(fief *f, fi_exchange *exchange) {
    append(exchange, fi_exchange_seq_cst(&exchange->head, FI_CALLS_CLOSED));
    fi_exchange_await_wakers(exchange);
    while (exchange->first != NULL) {
        fi_call *call = pop(exchange);
        if (call->more != NULL && call->more->cancel_at_close)
            cancel(f, exchange, call);
        else
            run(f, exchange, call);
    }
}
