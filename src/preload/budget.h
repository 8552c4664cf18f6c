/* One limit for the heaps of all threads together.
 *
 * A heap's own limit is what it has been lent so far. A heap that meets it borrows more, some at a time, until
 * nothing is left; a heap that ends gives back what it was lent. So threads do not meet on a counter for each
 * block. What a thread was lent and does not use comes back when it frees a large block, or allocates by more than
 * the fast path: what an idle thread was lent stays with it. */
#ifndef FI_PRELOAD_BUDGET_H
#define FI_PRELOAD_BUDGET_H

#include "fief/fief.h"

enum { FI_BUDGET_FIRST_LOAN_BYTES = 16 * 1024, FI_BUDGET_LOAN_BYTES = 256 * 1024 };

/* What one heap was lent. */
typedef struct fi_budget_share {
    size_t lent_bytes;
} fi_budget_share;

/* Whether a heap was put under a limit. Any thread reads it. */
extern bool fi_budget_is_limited;

/* Puts a fresh heap under the process's limit. `share` lives as long as the heap. */
void fi_budget_join(fief *f, fi_budget_share *share);

/* Gives back what it was lent and does not use; leaves some if nobody was refused yet. By the heap's holder. */
void fi_budget_review(fief *f, fi_budget_share *share);

/* A heap that was put under it has ended. */
void fi_budget_return(size_t lent_bytes);

#endif
