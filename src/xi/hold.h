/* What of shared data is its owner's: an object, or a payload that the owner has to free. It has to go home, once,
 * whoever ends first.
 *
 * A hold is a call to its owner from the outset, so that sending it home takes no memory and can't fail. It has
 * two ends: the owner's, who keeps a list of what is out, and the holder's, whose data points to it. Nothing
 * points into the data, which may lie anywhere.
 *
 *   the holder releases it: the call is sent, and the owner frees what it holds when it polls
 *   the owner ends first:   it waits for who is making an object of it, frees what all its holds hold, and is done
 *                           with them; a holder that finds its calls closed is done, too; the second of the two
 *                           gives back the memory */
#ifndef FI_XI_HOLD_H
#define FI_XI_HOLD_H

#include "fief/share.h"
#include "xi/exchange.h"

enum { FI_HOLD_OWNER_DONE = 1, FI_HOLD_HOLDER_DONE = 2 };

/* What it is about; the functions may be NULL. */
typedef struct fi_held {
    void *payload;
    void (*free_payload)(fief *owner, void *payload);
    bool is_common; /* the payload's memory is the commons' */
    void *object;
    void (*drop_object)(fief *owner, void *object);
} fi_held;

typedef struct fi_hold {
    fi_held held;
    fief_id owner;
    fi_call *call;         /* that this is in */
    fi_exchange *exchange; /* the owner's, with a reference */
    uint32_t ends;         /* FI_HOLD_OWNER_DONE, FI_HOLD_HOLDER_DONE */
    struct fi_hold *next;  /* of the owner's list, under its lock, as `link` is */
    struct fi_hold **link; /* what points here; NULL: the owner has freed what is held */
} fi_hold;

/* Listed at its owner's. NULL on exhaustion, or if f is closing. */
fi_hold *fi_hold_make(fief *f, const fi_held *held);

/* The holder's end, in f or (NULL) anywhere. The hold is not its any more. */
fief_xi_result fi_hold_release(fief *f, fi_hold *hold);

/* Whether the owner has taken back what is held. Any thread. */
bool fi_hold_is_empty(const fi_hold *hold);

/* Between these two what is held is there. False: it is not any more. */
bool fi_hold_use_begin(const fief *f, const fi_hold *hold, fi_reading *reading);
void fi_hold_use_end(fi_reading reading);

/* The owner ends: its calls are closed. */
void fi_holds_close(fief *f, fi_exchange *exchange);

#endif
