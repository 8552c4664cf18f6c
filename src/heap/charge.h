/* What a heap may use. Charged are pages, when pools grow and when large blocks are taken: never a block. */
#ifndef FI_HEAP_CHARGE_H
#define FI_HEAP_CHARGE_H

#include "heap/heap.h"

typedef enum fi_charge {
    FI_CHARGED,
    FI_CHARGE_AGAIN,  /* the pressure callback ran: nothing charged, everything may have changed, start over */
    FI_CHARGE_REFUSED /* the hard limit */
} fi_charge;

/* Asks for `bytes` more. `*pressed`, false at first, keeps one allocation from pressing against the hard limit
 * more than once. */
fi_charge fi_heap_charge(fief *f, size_t bytes, bool *pressed);

/* The same until it is settled, for what is no part of an allocation of small blocks. Blocks that others have freed
 * are taken in first: they may be what makes room. False: the hard limit. */
FI_MUST_USE bool fi_heap_charge_at_once(fief *f, size_t bytes);

void fi_heap_uncharge(fief *f, size_t bytes);

/* `limit` has been checked. */
void fi_heap_set_limit(fief *f, const fief_limit *limit);

bool fi_limit_is_valid(const fief_limit *limit);

/* Opens and closes the reserve. */
void fi_heap_unwind(fief *f, bool begin);

#endif
