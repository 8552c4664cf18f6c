#include "debug/transit.h"

#include "debug/guard.h"
#include "debug/state.h"

/* Blocks without records, fences or traces can't be among those that have them. A heap that only samples has some
 * that are guarded. */
bool fi_transit_may_join(const fief *to, const fief *from) {
    bool same_level = fi_load_relaxed(&to->slot->watched) == fi_load_relaxed(&from->slot->watched);
    bool is_guarded = from->debug != NULL && from->debug->guards.live > 0;
    return same_level && (to->debug != NULL || !is_guarded);
}

/* Their records are found by where they are: so they keep them. Nothing is in quarantine. */
void fi_transit_join(fief *to, fief *from) {
    if (to->debug != NULL && from->debug != NULL)
        fi_guard_join(to, &from->debug->guards);
}
