/* One limit for the heaps of all threads together.
 *
 * A heap's own limit is what it has been lent so far. A heap that meets it borrows more, some at a time, until
 * nothing is left; a heap that ends gives back what it was lent. So threads do not meet on a counter for each
 * block. */
#ifndef FI_PRELOAD_BUDGET_H
#define FI_PRELOAD_BUDGET_H

#include "fief/fief.h"

enum { FI_BUDGET_LOAN_BYTES = 256 * 1024 };

/* What one heap was lent. */
typedef struct fi_budget_share {
    size_t lent_bytes;
} fi_budget_share;

/* Puts a fresh heap under the process's limit. `share` lives as long as the heap. */
void fi_budget_join(fief *f, fi_budget_share *share);

/* Gives back what it was lent and does not use by far. By the heap's holder. */
void fi_budget_review(fief *f, fi_budget_share *share);

/* A heap that was put under it has ended. */
void fi_budget_return(size_t lent_bytes);

#endif
