/* Where an interpreter is reached by others, and what it keeps of its own dealings with them.
 *
 * It is made at the first contact, from either side, out of memory that is neither's, and counted: by the slot, by
 * each interpreter that keeps a port to it, by each call that waits. So who holds a reference may push at any
 * time; after the end the head says CLOSED.
 *
 *   pushers: link a call before the head by compare-and-swap; the one that finds it empty wakes
 *   owner:   takes all by one exchange, turns them round, and runs them from a list of its own */
#ifndef FI_XI_EXCHANGE_H
#define FI_XI_EXCHANGE_H

#include "fief/xi.h"
#include "heap/heap.h"
#include "xi/spares.h"

enum { FI_PORTS = 8, FI_LINE_BYTES = 64 };

/* Another interpreter's exchange, kept by one that has called it. */
typedef struct fi_port {
    fief_id id;
    struct fi_exchange *exchange;
} fi_port;

typedef struct fi_exchange {
    /* Of all. */
    fief_id id;
    uint32_t references;
    uint32_t wakers; /* between finding the head empty and having woken; the end waits for them */
    fi_call *head;   /* last first; FI_CALLS_CLOSED after the end */
    uint32_t signal; /* counts what a sleeper sleeps for */
    uint32_t sleepers;
    fief_xi_wake_fn *wake;
    void *wake_arg;
    uint32_t readers;      /* others that make an object of what is the owner's; its end waits for them */
    uint32_t main_claimed; /* whether its main program runs */
    struct fi_exchange *next, *prev; /* all there are; under FI_RANK_PROCESS */
    char apart[FI_LINE_BYTES];

    /* The owner's. */
    fi_call *first, *last; /* taken, not run yet */
    fief_xi_stats stats;
    fi_port ports[FI_PORTS]; /* by id */
    fi_spares spares;
    struct fi_hold *holds; /* what has to come home, last first (hold.h) */
    size_t hold_count;
    const struct fief_xi_objects *objects; /* NULL: not set */
    struct fi_types *types;                /* of its own; NULL: none yet */
} fi_exchange;

#define FI_CALLS_CLOSED ((fi_call *)1)

/* The exchange of a living interpreter, with a reference; NULL: *why tells. Any thread. */
fi_exchange *fi_exchange_reach(fief_id id, fief_xi_result *why);

/* f's own, made if need be; NULL on exhaustion or if f is closing. Its owner's. */
fi_exchange *fi_exchange_own(fief *f);

/* One that nobody reaches, for a thread to sleep at; with a reference. NULL on exhaustion. */
fi_exchange *fi_exchange_alone(void);

/* f's own if it has one: while it lives, or also while its calls and holds are closed. Its owner's. */
fi_exchange *fi_exchange_known(const fief *f);
fi_exchange *fi_exchange_known_to_the_last(const fief *f);

/* That of a living interpreter, if there is one, with a reference. Any thread. */
fi_exchange *fi_exchange_find(fief_id id);

/* Why an interpreter can't be reached. */
fief_xi_result fi_exchange_absence(fief_id id);

void fi_exchange_retain(fi_exchange *exchange);
void fi_exchange_release(fi_exchange *exchange);

/* Makes whoever sleeps here look again. */
void fi_exchange_signal(fi_exchange *exchange);

/* Sleeps until there was a signal since `seen` was read, or for some time. */
void fi_exchange_sleep(fi_exchange *exchange, uint32_t seen, uint64_t timeout_ns);

/* Waits until nobody is about to call the hook. */
void fi_exchange_await_wakers(const fi_exchange *exchange);

/* Between these two, the owner's end waits before it takes back what is its. False: it has come that far, or is
 * about to. */
typedef struct fi_reading {
    fi_exchange *exchange;
    uint32_t forks; /* of this process, as of the beginning: a child begins to count anew */
} fi_reading;
bool fi_exchange_read_begin(fi_exchange *exchange, fi_reading *reading);
void fi_exchange_read_end(fi_reading reading);
void fi_exchange_await_readers(const fi_exchange *exchange);

#endif
