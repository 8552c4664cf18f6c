/* The exported verbs of calls. */
#include "base/atomics.h"
#include "heap/misuse.h"
#include "os/os.h"
#include "xi/calls.h"

const char *fief_xi_result_text(fief_xi_result result) {
    static const char *const texts[] = {
        [FIEF_XI_RAN] = "ran",
        [FIEF_XI_QUEUED] = "queued",
        [FIEF_XI_CANCELLED] = "cancelled",
        [FIEF_XI_CLOSING] = "the target is closing",
        [FIEF_XI_GONE] = "the target is gone",
        [FIEF_XI_TIMED_OUT] = "timed out",
        [FIEF_XI_RUNNING] = "still running",
        [FIEF_XI_NO_MEMORY] = "out of memory",
        [FIEF_XI_BAD_ARGUMENT] = "invalid argument",
    };
    return (unsigned)result < sizeof texts / sizeof *texts ? texts[result] : "unknown result";
}

/* ---- sending ---- */

/* A copy, too, since the call may write to it. */
static fief_xi_result run_here(fief *f, const fief_xi_message *message) {
    fi_call *copied = message->copied_bytes > 0 ? fi_call_make(f, message, NULL) : NULL;
    if (message->copied_bytes > 0 && copied == NULL)
        return FIEF_XI_NO_MEMORY;
    int returned = fi_call_invoke(f, message->fn, copied != NULL ? copied->arg : message->arg);
    if (copied != NULL)
        fi_call_release(f, copied);
    if (message->free_arg != NULL)
        message->free_arg(message->arg);
    if (message->done != NULL)
        message->done(FIEF_XI_RAN, returned, message->done_arg);
    return FIEF_XI_RAN;
}

static fief_xi_result push(fief *f, fief_id target, fi_call *call) {
    fi_way way = fi_call_way(f, target);
    if (way.exchange == NULL)
        return way.why;
    bool pushed = fi_call_push(way.exchange, call);
    fi_call_leave(way);
    if (!pushed)
        return fi_exchange_absence(target);
    fi_call_count_sent(f);
    return FIEF_XI_QUEUED;
}

static fief_xi_result enqueue(fief *f, fief_id target, const fief_xi_message *message) {
    fi_call *call = fi_call_make(f, message, NULL);
    if (call == NULL)
        return FIEF_XI_NO_MEMORY;
    fief_xi_result result = push(f, target, call);
    if (result != FIEF_XI_QUEUED)
        fi_call_release(f, call);
    return result;
}

static fief_xi_result send(fief *f, fief_id target, const fief_xi_message *message) {
    if (f != NULL && !fi_misuse_check_handle(f, "fief_xi_call"))
        f = NULL; /* its id is nobody's any more */
    bool is_whole = message->fn != NULL && (message->copied_bytes == 0 || message->arg != NULL);
    fief_xi_result result = FIEF_XI_BAD_ARGUMENT;
    if (is_whole)
        result = f != NULL && f->id == target ? run_here(f, message) : enqueue(f, target, message);
    bool has_arg = result != FIEF_XI_QUEUED && result != FIEF_XI_RAN;
    if (has_arg && message->free_arg != NULL)
        message->free_arg(message->arg);
    return result;
}

fief_xi_result fief_xi_call_with(fief *f, fief_id target, const fief_xi_message *message) {
    bool is_ours = message != NULL && message->size == sizeof *message;
    return is_ours ? send(f, target, message) : FIEF_XI_BAD_ARGUMENT;
}

fief_xi_result fief_xi_call(fief *f, fief_id target, fief_xi_fn *fn, void *arg) {
    return send(f, target, &(fief_xi_message){.fn = fn, .arg = arg});
}

fief_xi_result fief_xi_call_owned(fief *f, fief_id target, fief_xi_fn *fn, void *arg, fief_xi_free_fn *free_arg) {
    if (free_arg == NULL)
        return FIEF_XI_BAD_ARGUMENT;
    return send(f, target, &(fief_xi_message){.fn = fn, .arg = arg, .free_arg = free_arg});
}

/* The prototype of what is copied is not written to. */
fief_xi_result fief_xi_call_copied(fief *f, fief_id target, fief_xi_fn *fn, const void *data, size_t bytes) {
    void *from = bytes > 0 ? (void *)(uintptr_t)data : NULL;
    return send(f, target, &(fief_xi_message){.fn = fn, .arg = from, .copied_bytes = bytes});
}

/* ---- waiting ---- */

static uint64_t deadline_after(uint64_t timeout_ns) {
    uint64_t now = fi_os_now_ns();
    return timeout_ns < FIEF_XI_FOREVER - now ? now + timeout_ns : FIEF_XI_FOREVER;
}

/* Nanoseconds until then; 0: it has come. */
static uint64_t left_until(uint64_t deadline) {
    if (deadline == FIEF_XI_FOREVER)
        return FIEF_XI_FOREVER;
    uint64_t now = fi_os_now_ns();
    return deadline > now ? deadline - now : 0;
}

static bool has_ended(const fi_call *call) {
    return fi_load_acquire(&call->more->state) == FI_CALL_ENDED;
}

/* Too late: it never begins, or it has begun. */
static fief_xi_result give_up(fi_call *call) {
    uint32_t queued = FI_CALL_QUEUED;
    if (fi_cas_acq_rel(&call->more->state, &queued, FI_CALL_ABANDONED))
        return FIEF_XI_TIMED_OUT;
    return queued == FI_CALL_ENDED ? (fief_xi_result)call->more->how : FIEF_XI_RUNNING;
}

/* What is queued for f runs one by one, so that the time is kept as well as the calls allow. */
static fief_xi_result await(fief *f, fi_exchange *here, fi_call *call, uint64_t deadline) {
    for (;;) {
        uint32_t seen = fi_load_seq_cst(&here->signal);
        if (has_ended(call))
            return (fief_xi_result)call->more->how;
        uint64_t left = left_until(deadline);
        if (left == 0)
            return give_up(call);
        if (f == NULL || fi_calls_run(f, here, 1) == 0)
            fi_exchange_sleep(here, seen, left);
    }
}

static fief_xi_result call_and_await(fief *f, fi_exchange *here, fief_id target, const fief_xi_message *message,
                                     uint64_t timeout_ns, int *returned) {
    uint64_t deadline = deadline_after(timeout_ns);
    fi_call *call = fi_call_make(f, message, here);
    if (call == NULL)
        return FIEF_XI_NO_MEMORY;
    fief_xi_result result = push(f, target, call);
    if (result == FIEF_XI_QUEUED)
        result = await(f, here, call, deadline);
    else
        fi_call_release(f, call); /* the queue's */
    if (result == FIEF_XI_RAN && returned != NULL)
        *returned = call->more->returned;
    fi_call_release(f, call);
    return result;
}

fief_xi_result fief_xi_call_wait(fief *f, fief_id target, fief_xi_fn *fn, void *arg, uint64_t timeout_ns,
                                 int *returned) {
    if (fn == NULL)
        return FIEF_XI_BAD_ARGUMENT;
    if (f != NULL && !fi_misuse_check_handle(f, "fief_xi_call_wait"))
        f = NULL;
    if (f != NULL && f->id == target) {
        int result = fi_call_invoke(f, fn, arg);
        if (returned != NULL)
            *returned = result;
        return FIEF_XI_RAN;
    }
    const fief_xi_message message = {.fn = fn, .arg = arg, .cancel_at_close = true};
    fi_exchange *own = f != NULL ? fi_exchange_own(f) : NULL;
    if (own != NULL)
        return call_and_await(f, own, target, &message, timeout_ns, returned);
    fi_exchange *alone = fi_exchange_alone();
    if (alone == NULL)
        return FIEF_XI_NO_MEMORY;
    fief_xi_result result = call_and_await(NULL, alone, target, &message, timeout_ns, returned);
    fi_exchange_release(alone);
    return result;
}

/* ---- the target's side ---- */

size_t fief_xi_poll(fief *f, size_t most) {
    fi_exchange *own = fi_misuse_check_handle(f, "fief_xi_poll") ? fi_exchange_known(f) : NULL;
    return own != NULL ? fi_calls_run(f, own, most) : 0;
}

bool fief_xi_wait(fief *f, uint64_t timeout_ns) {
    fi_exchange *own = fi_misuse_check_handle(f, "fief_xi_wait") ? fi_exchange_own(f) : NULL;
    if (own == NULL)
        return false;
    uint64_t deadline = deadline_after(timeout_ns);
    for (;;) {
        uint32_t seen = fi_load_seq_cst(&own->signal);
        if (fi_calls_wait(own))
            return true;
        uint64_t left = left_until(deadline);
        if (left == 0)
            return false;
        fi_exchange_sleep(own, seen, left);
    }
}

fief_status fief_xi_on_wake(fief *f, fief_xi_wake_fn *wake, void *arg) {
    if (!fi_misuse_check_handle(f, "fief_xi_on_wake"))
        return FIEF_BAD_STATE;
    fi_exchange *own = fi_exchange_own(f);
    if (own == NULL)
        return f->state == FIEF_LIVE ? FIEF_NO_MEMORY : FIEF_BAD_STATE;
    fi_store_seq_cst(&own->wake, NULL);
    fi_exchange_await_wakers(own);
    fi_store_release(&own->wake_arg, arg);
    fi_store_seq_cst(&own->wake, wake);
    if (wake != NULL && fi_calls_wait(own))
        wake(own->id, arg);
    return FIEF_OK;
}

void fief_xi_stats_read(const fief *f, fief_xi_stats *out) {
    const fi_exchange *own = fi_exchange_known(f);
    *out = own != NULL ? own->stats : (fief_xi_stats){0};
}
