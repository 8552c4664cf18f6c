/* A watched heap, seen from inside, for the tests of src/debug. */
#ifndef FI_TESTS_UNIT_DEBUG_HEAP_H
#define FI_TESTS_UNIT_DEBUG_HEAP_H

#include "debug/fence.h"
#include "debug/guard.h"
#include "debug/state.h"
#include "heap/find.h"
#include "support/levels.h"

static witness heard;

static inline fief *heap_at(fief_debug level) {
    return create(at_level(level, &heard));
}

/* Where a block of its own lies, and its record. */
static inline fi_spot spot_at(fief *f, const void *block) {
    fi_found found = fi_find(block);
    cr_assert(found.owner == f && found.place == FI_PLACE_BLOCK);
    return found.view.state == FI_POOL_GUARDED ? fi_guard_spot(f, found.pool, found.index)
                                               : fi_spot_of(f, found.pool, found.index);
}

static inline fi_record_state state_at(fief *f, const void *block) {
    return fi_record_state_of(spot_at(f, block).record);
}

#endif
