#include "preload/budget.h"

#include "adapter/launch.h"
#include "base/atomics.h"
#include "preload/tenant.h"

/* To all heaps. The first loans of many threads may pass the limit. */
static int64_t lent_bytes;

static bool is_short; /* a loan was refused: from then on nobody keeps what it does not use */

bool fi_budget_is_limited;

static int64_t most_bytes(void) {
    return (int64_t)fi_launch_get()->limit_bytes;
}

/* True: `bytes` more were borrowed. */
static bool borrow(size_t bytes) {
    int64_t seen = fi_load_relaxed(&lent_bytes);
    do {
        if (seen > most_bytes() || (uint64_t)(most_bytes() - seen) < bytes)
            return false;
    } while (!fi_cas_acq_rel(&lent_bytes, &seen, seen + (int64_t)bytes));
    return true;
}

static bool lend(fief *f, size_t wanted_bytes, void *arg);

static void set_limit(fief *f, fi_budget_share *share) {
    const fief_limit limit = {.hard_bytes = share->lent_bytes, .pressure = lend, .pressure_arg = share};
    (void)fief_limit_set(f, &limit);
}

/* As much again as it has, within bounds, if there is so much; else what it wants. 0: not even that. */
static size_t borrow_for(const fi_budget_share *share, size_t wanted_bytes) {
    size_t loan = share->lent_bytes < FI_BUDGET_LOAN_BYTES ? share->lent_bytes : FI_BUDGET_LOAN_BYTES;
    if (loan > wanted_bytes && borrow(loan))
        return loan;
    return borrow(wanted_bytes) ? wanted_bytes : 0;
}

/* A fief_pressure_fn. Heaps that wait may have been lent what others have freed meanwhile. */
static bool lend(fief *f, size_t wanted_bytes, void *arg) {
    fi_budget_share *share = arg;
    size_t bytes = borrow_for(share, wanted_bytes);
    if (bytes == 0) {
        fi_store_relaxed(&is_short, true);
        fi_tenant_settle_waiting();
        bytes = borrow_for(share, wanted_bytes);
    }
    if (bytes == 0)
        return false;
    share->lent_bytes += bytes;
    set_limit(f, share);
    return true;
}

/* A heap's first loan is not refused: it could not so much as say that there is no memory. */
void fi_budget_join(fief *f, fi_budget_share *share) {
    share->lent_bytes = 0;
    if (most_bytes() == 0)
        return;
    fi_store_relaxed(&fi_budget_is_limited, true);
    share->lent_bytes = FI_BUDGET_FIRST_LOAN_BYTES;
    (void)fi_add_relaxed(&lent_bytes, FI_BUDGET_FIRST_LOAN_BYTES);
    set_limit(f, share);
}

void fi_budget_review(fief *f, fi_budget_share *share) {
    size_t kept_bytes = fi_load_relaxed(&is_short) ? FI_BUDGET_FIRST_LOAN_BYTES : 2 * (size_t)FI_BUDGET_LOAN_BYTES;
    if (share->lent_bytes <= kept_bytes)
        return;
    fief_stats stats;
    fief_stats_read(f, &stats);
    size_t wanted_bytes = stats.charged_bytes + kept_bytes;
    if (share->lent_bytes <= wanted_bytes)
        return;
    fi_budget_return(share->lent_bytes - wanted_bytes);
    share->lent_bytes = wanted_bytes;
    set_limit(f, share);
}

void fi_budget_return(size_t bytes) {
    (void)fi_add_relaxed(&lent_bytes, -(int64_t)bytes);
}
