/* The links of a watched heap's free blocks.
 *
 * They lie in memory that a program can write to, and a wrong one may lead to a block that is in use, or in
 * another list. So each block's record has a copy of its link, and a list is given up where the two differ. */
#ifndef FI_DEBUG_LINKS_H
#define FI_DEBUG_LINKS_H

#include "debug/fence.h"
#include "debug/state.h"

/* A free block goes back to its pool. */
void fi_links_give(fief *f, const fi_spot *spot);

/* A block was taken from the list of a class: looks at where the list goes on. */
void fi_links_check(fief *f, unsigned size_class, const fi_spot *taken);

/* All blocks in the handle's lists go back to their pools. */
void fi_links_flush(fief *f);

#endif
