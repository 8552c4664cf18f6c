/* Freed blocks that are held back, filled, so that a write to one is found when it leaves. */
#ifndef FI_DEBUG_QUARANTINE_H
#define FI_DEBUG_QUARANTINE_H

#include "debug/fence.h"
#include "debug/state.h"

/* Takes a block whose record says all about its free, and lets the oldest go that are too many. */
void fi_quarantine_hold(fief *f, const fi_spot *spot);

/* Lets all of them go but those of `bytes` bytes. False: there were no more. */
bool fi_quarantine_drain(fief *f, size_t bytes);

/* Looks at all that are held, and adds how many were written to. False: the list of them is broken. */
FI_MUST_USE bool fi_quarantine_check(fief *f, size_t *wrong);

#endif
