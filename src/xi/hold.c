#include "xi/hold.h"

#include "base/atomics.h"
#include "interp/commons.h"
#include "xi/calls.h"

/* ---- the owner's list ---- */

static void enlist(fi_exchange *exchange, fi_hold *hold) {
    hold->next = exchange->holds;
    hold->link = &exchange->holds;
    if (hold->next != NULL)
        hold->next->link = &hold->next;
    exchange->holds = hold;
    exchange->hold_count++;
}

static void unlist(fi_hold *hold) {
    *hold->link = hold->next;
    if (hold->next != NULL)
        hold->next->link = hold->link;
    hold->link = NULL;
    hold->exchange->hold_count--;
}

/* ---- coming home ---- */

/* In the owner. The functions are the runtime's: they may release other data. */
static void free_held(fief *f, const fi_held *held) {
    if (held->free_payload != NULL)
        held->free_payload(f, held->payload);
    if (held->is_common)
        fi_commons_free(held->payload);
    if (held->drop_object != NULL)
        held->drop_object(f, held->object);
}

/* The call that a hold is: its holder is done with it. Its own memory goes when the call does. */
static int come_home(fief *f, void *arg) {
    fi_hold *hold = arg;
    unlist(hold);
    free_held(f, &hold->held);
    fi_exchange_release(hold->exchange); /* which is the owner's, too, while this runs */
    return 0;
}

fi_hold *fi_hold_make(fief *f, const fi_held *held) {
    fi_exchange *own = fi_exchange_own(f);
    fi_hold fresh = {.held = *held, .owner = f->id, .exchange = own};
    const fief_xi_message message = {.fn = come_home, .arg = &fresh, .copied_bytes = sizeof fresh};
    fi_call *call = own != NULL ? fi_call_make(f, &message, NULL) : NULL;
    if (call == NULL)
        return NULL;
    fi_hold *hold = call->arg;
    hold->call = call;
    fi_exchange_retain(own);
    enlist(own, hold);
    return hold;
}

/* ---- the two ends ---- */

/* One end is done with it, and does not touch it again. */
static void end(fi_hold *hold, uint32_t which) {
    if (fi_or_acq_rel(&hold->ends, which) == 0)
        return;
    fi_exchange_release(hold->exchange);
    fi_call_release(NULL, hold->call);
}

static fief_xi_result send_home(fief *f, fi_hold *hold) {
    fief_id owner = hold->owner;
    if (fi_call_push(hold->exchange, hold->call)) {
        fi_call_count_sent(f);
        return FIEF_XI_QUEUED;
    }
    end(hold, FI_HOLD_HOLDER_DONE);
    return fi_exchange_absence(owner);
}

/* In the owner, which may be about to end, or be freeing this very one. */
static fief_xi_result release_here(fief *f, fi_hold *hold) {
    fi_call *call = hold->call;
    if (hold->link == NULL) {
        end(hold, FI_HOLD_HOLDER_DONE);
    } else {
        (void)fi_call_invoke(f, come_home, hold);
        fi_call_release(NULL, call);
    }
    return FIEF_XI_RAN;
}

fief_xi_result fi_hold_release(fief *f, fi_hold *hold) {
    return f != NULL && f->id == hold->owner ? release_here(f, hold) : send_home(f, hold);
}

bool fi_hold_is_empty(const fi_hold *hold) {
    return (fi_load_acquire(&hold->ends) & FI_HOLD_OWNER_DONE) != 0;
}

/* The owner itself can't end meanwhile. */
bool fi_hold_use_begin(const fief *f, const fi_hold *hold, fi_reading *reading) {
    *reading = (fi_reading){NULL, 0};
    if (f->id == hold->owner)
        return hold->link != NULL;
    return fi_exchange_read_begin(hold->exchange, reading);
}

void fi_hold_use_end(fi_reading reading) {
    if (reading.exchange != NULL)
        fi_exchange_read_end(reading);
}

/* ---- the owner's end ---- */

/* There will be no others: a closing interpreter makes none. */
void fi_holds_close(fief *f, fi_exchange *exchange) {
    fief *previous = fief_enter(f);
    fi_exchange_await_readers(exchange);
    while (exchange->holds != NULL) {
        fi_hold *hold = exchange->holds;
        unlist(hold);
        free_held(f, &hold->held);
        end(hold, FI_HOLD_OWNER_DONE);
    }
    fief_leave(previous);
}
