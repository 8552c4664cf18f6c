/* Calls: how they are sent, and how they run. */
#ifndef FI_XI_CALLS_H
#define FI_XI_CALLS_H

#include "xi/exchange.h"

/* Of a call that somebody waits for; of others it stays QUEUED. */
typedef enum fi_call_state { FI_CALL_QUEUED, FI_CALL_BEGUN, FI_CALL_ENDED, FI_CALL_ABANDONED } fi_call_state;

/* What a call has beyond its function and argument; it stands behind the call, and behind it the copied argument.
 */
typedef struct fi_call_more {
    void *own_arg; /* what free_arg gets */
    fief_xi_free_fn *free_arg;
    fief_xi_done_fn *done;
    void *done_arg;
    fi_exchange *waiter; /* who is to be woken, with a reference; NULL: nobody is */
    uint32_t references; /* the queue's and the waiter's */
    uint32_t state;      /* fi_call_state */
    int returned;
    uint8_t how; /* fief_xi_result, once it has ended */
    bool cancel_at_close;
} fi_call_more;

/* One call on its way, in memory of neither side. */
struct fi_call {
    fi_call *next;
    fief_xi_fn *fn;
    void *arg;
    fi_call_more *more; /* NULL: it has none */
};

/* NULL on exhaustion. f may be NULL. `waiter`: who waits for it, NULL: nobody; then it has two references. */
fi_call *fi_call_make(fief *f, const fief_xi_message *message, fi_exchange *waiter);

/* Drops a reference; the last one frees. f may be NULL. */
void fi_call_release(fief *f, fi_call *call);

/* The exchange that f, or anybody, reaches `target` by. */
typedef struct fi_way {
    fi_exchange *exchange; /* NULL: `why` */
    fief_xi_result why;
    bool is_held; /* with a reference: f has no port for it */
} fi_way;
fi_way fi_call_way(fief *f, fief_id target);
void fi_call_leave(fi_way way);

/* Puts a call into a queue: false once that is closed. */
bool fi_call_push(fi_exchange *exchange, fi_call *call);

/* f has put a call into another's queue. f may be NULL. */
void fi_call_count_sent(fief *f);

/* With f as the thread's current interpreter, which does not end meanwhile. */
int fi_call_invoke(fief *f, fief_xi_fn *fn, void *arg);

/* Runs what is queued, `most` at most. */
size_t fi_calls_run(fief *f, fi_exchange *exchange, size_t most);

/* No more come; what is queued is run or cancelled. */
void fi_calls_close(fief *f, fi_exchange *exchange);

/* Whether calls are queued. */
bool fi_calls_wait(const fi_exchange *exchange);

#endif
