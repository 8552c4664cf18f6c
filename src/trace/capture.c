#include "trace/capture.h"

#include "base/atomics.h"
#include "trace/depot.h"

enum { USUAL_FRAMES = 16 };

static unsigned depth = USUAL_FRAMES;

bool fi_capture_set_depth(unsigned frames) {
    if (frames == 0 || frames > FI_DEPOT_MOST_FRAMES)
        return false;
    fi_store_relaxed(&depth, frames);
    return true;
}

fi_trace fi_capture(fief *f, const void *site) {
    uintptr_t pc = (uintptr_t)site;
    (void)f;
    return fi_depot_put(&pc, 1);
}
