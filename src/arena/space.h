/* Address space: which units of the window are taken, and by what memory they are backed.
 *
 * A unit that is given back is not taken again before the search has come round to it: a late free then meets a
 * tombstone and not another interpreter's live block. The search comes round over a stretch that grows with what
 * is in use, so that the tables behind it stay small.
 *
 * Everything here is called under FI_RANK_PROCESS, except where it says otherwise. */
#ifndef FI_ARENA_SPACE_H
#define FI_ARENA_SPACE_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where some units are: their address, and their entries in the map. */
typedef struct fi_span {
    char *start;
    size_t slot;
    size_t units;
} fi_span;

/* Reserves the window, or as much of it as the system allows, and makes the map. False: nothing was made. Before
 * everything else. */
FI_MUST_USE bool fi_space_init(void);

/* Reserved space for `units` units that are `align_units` apart from address 0 (a power of two), committed to
 * nothing. 1 unit comes from stretches that hold single units alone. False: none left; nothing changed. */
FI_MUST_USE bool fi_space_take(size_t units, size_t align_units, fi_span *out);

/* Takes the units behind the end of a span as well, if they are free. */
FI_MUST_USE bool fi_space_extend(fi_span *span, size_t more_units);

/* Finds entries in the map for memory that the host owns. False: all that it may have are taken. */
FI_MUST_USE bool fi_space_claim(char *start, size_t units, fi_span *out);

/* Gives units back; what was committed has been decommitted. */
void fi_space_give(const fi_span *span);

/* Whether an address lies in what was reserved here. Any thread. */
bool fi_space_holds(const void *p);

/* Units in use, for the tests of this module. */
size_t fi_space_used_units(void);

#endif
