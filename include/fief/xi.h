/* xi.h - what crosses interpreters: calls.
 *
 * An interpreter is named by its id, which is never reused: whoever holds one learns that it has ended, and never
 * reaches another in its place.
 *
 * Threading contract: `f` is the caller's own handle, as in fief.h; where a comment says so it may be NULL, for a
 * thread that is in no interpreter. The target may be running on another thread at any time, and may end.
 * Calls are unbounded in number; each takes some 100 bytes of memory that is neither side's, so that it outlives
 * both.
 */
#ifndef FIEF_XI_H
#define FIEF_XI_H

#include "fief.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- calls ------------------------------------------------------------------------------------------- */

/* What became of a call. */
typedef enum fief_xi_result {
    FIEF_XI_RAN = 0,
    FIEF_XI_QUEUED,      /* it will run, or be cancelled when the target closes */
    FIEF_XI_CANCELLED,   /* it was queued, and the target closed */
    FIEF_XI_CLOSING,     /* not sent: the target is ending */
    FIEF_XI_GONE,        /* not sent: there is no such interpreter, or there is none any more */
    FIEF_XI_TIMED_OUT,   /* it has not begun in time, and never will */
    FIEF_XI_RUNNING,     /* it has begun, and did not end in time: its argument is in use */
    FIEF_XI_NO_MEMORY,   /* not sent */
    FIEF_XI_BAD_ARGUMENT /* not sent: no function, or a message with another size */
} fief_xi_result;

/* A short English text, static, never NULL. Any thread. */
FIEF_API const char *fief_xi_result_text(fief_xi_result result);

/* Runs in the target, on the thread that holds it, with the target as that thread's current interpreter
 * (fief_current). What it returns is for who waits, and for `done`: 0 means success by custom. It can't
 * destroy the target: fief_destroy returns FIEF_BAD_STATE. */
typedef int fief_xi_fn(fief *target, void *arg);

/* Gives back an argument. On the thread that ran or cancelled the call, or the caller's. */
typedef void fief_xi_free_fn(void *arg);

/* Told once that a queued call has run or was cancelled (`how`), on the target's thread, after the argument was
 * given back. `returned` is what it returned, 0 if it was cancelled. */
typedef void fief_xi_done_fn(fief_xi_result how, int returned, void *arg);

/* Calls fn(target, arg): at once if the target is f itself, else when the target polls next. Calls of one thread,
 * or of one interpreter, run in the order they were sent. A call that is queued when its target closes runs then.
 * RAN, QUEUED, CLOSING, GONE, NO_MEMORY or BAD_ARGUMENT. f may be NULL: any thread.
 * With an f it takes no lock, but at the first contact with a target (of two whose ids are the same modulo 8, at
 * each change) and for every 32nd call's memory; without one, and in the variants below, for the memory of each.
 */
FIEF_API fief_xi_result fief_xi_call(fief *f, fief_id target, fief_xi_fn *fn, void *arg);

/* The same, and `free_arg(arg)` is called exactly once, whatever is returned: after the call, or where there is
 * none. It must not be NULL. */
FIEF_API fief_xi_result fief_xi_call_owned(fief *f, fief_id target, fief_xi_fn *fn, void *arg,
                                           fief_xi_free_fn *free_arg);

/* The same with a copy of `bytes` bytes as argument, aligned to 16, that lives as long as the call. */
FIEF_API fief_xi_result fief_xi_call_copied(fief *f, fief_id target, fief_xi_fn *fn, const void *data,
                                            size_t bytes);

/* All that can be said of a call. */
typedef struct fief_xi_message {
    size_t size; /* sizeof(fief_xi_message): lets the struct grow */
    fief_xi_fn *fn;
    void *arg;
    size_t copied_bytes; /* not 0: the call gets a copy of so many bytes from arg */
    fief_xi_free_fn
        *free_arg;        /* NULL: arg is not the call's. It is given `arg`, not the copy, once the call is over */
    bool cancel_at_close; /* what is still queued when the target closes is cancelled, and not run */
    fief_xi_done_fn *done; /* NULL: nobody is told. Of a call that was not sent the result tells */
    void *done_arg;
} fief_xi_message;

#define FIEF_XI_MESSAGE_INIT                                                                                      \
    { sizeof(fief_xi_message), NULL, NULL, 0, NULL, false, NULL, NULL }

FIEF_API fief_xi_result fief_xi_call_with(fief *f, fief_id target, const fief_xi_message *message);

#define FIEF_XI_FOREVER UINT64_MAX

/* Calls and waits until it has run: RAN, with *returned (NULL: not wanted), or why not. Meanwhile calls that
 * others have queued for f run, so that two that wait for each other both go on. CANCELLED if the target closes
 * before. TIMED_OUT after `timeout_ns`, and then it never runs; but RUNNING if it has begun by then. */
FIEF_API fief_xi_result fief_xi_call_wait(fief *f, fief_id target, fief_xi_fn *fn, void *arg, uint64_t timeout_ns,
                                          int *returned);

/* Runs the calls that are queued for f, at most `most` of them (SIZE_MAX: all that were queued when it began);
 * returns how many. The rest keep their order. Each runs whatever the one before it returned. fief_poll runs them
 * all. */
FIEF_API size_t fief_xi_poll(fief *f, size_t most);

/* Waits until a call is queued for f, without running it: true; false after `timeout_ns`, or on exhaustion. */
FIEF_API bool fief_xi_wait(fief *f, uint64_t timeout_ns);

/* Has `wake(id, arg)` called when a call is queued for f and none was before, on the caller's thread: it sets the
 * runtime's eval breaker, or wakes its event loop, and must not call fief. At once if calls are queued. It is not
 * called any more when this returns with another, or fief_destroy. NULL: none. FIEF_NO_MEMORY, FIEF_BAD_STATE if f
 * is closing. */
typedef void fief_xi_wake_fn(fief_id id, void *arg);
FIEF_API fief_status fief_xi_on_wake(fief *f, fief_xi_wake_fn *wake, void *arg);

/* Counted since the interpreter began; of the owner's thread. */
typedef struct fief_xi_stats {
    uint64_t sent;      /* calls that f queued elsewhere */
    uint64_t ran;       /* calls of others that ran here */
    uint64_t failed;    /* of these, the ones that returned something else than 0 */
    uint64_t cancelled; /* or abandoned by who waited */
    uint64_t reserved[4];
} fief_xi_stats;
FIEF_API void fief_xi_stats_read(const fief *f, fief_xi_stats *out);

#ifdef __cplusplus
}
#endif

#endif
