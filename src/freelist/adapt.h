/* Lists that find out how long they should be, between FI_FIRST_LIMIT and what was asked for.
 *
 *   Too short: a block that a full list gave up, and for which the heap was asked again soon. That is a regret, as
 *   far as a list of twice the length would have spared it; many of them double the length.
 *   Too long: not half of it was needed between two drains. Then it is halved. */
#ifndef FI_FREELIST_ADAPT_H
#define FI_FREELIST_ADAPT_H

#include "freelist/list.h"

enum { FI_FIRST_LIMIT = 16 };

/* The list is full, and a block goes to the heap. */
static inline void fi_list_note_overflow(fief_freelist *list) {
    list->told.overflows++;
    if (FI_UNLIKELY(list->limit < list->most) && list->given_up < list->limit)
        list->given_up++;
}

FI_COLD void fi_list_regret(fief_freelist *list);

/* A block came from the heap. */
static inline void fi_list_note_miss(fief_freelist *list) {
    list->told.allocated++;
    if (FI_UNLIKELY(list->given_up > 0))
        fi_list_regret(list);
}

/* The list has been drained. */
void fi_list_look_back(fief_freelist *list);

#endif
