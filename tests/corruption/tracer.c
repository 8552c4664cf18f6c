/* The library's tracer but for the names of what it tells: to look them up takes longer than all else here. */
#include "trace/capture.h"
#include "trace/depot.h"

static fi_trace note(const void *site) {
    uintptr_t pc = (uintptr_t)site;
    return site != NULL ? fi_depot_put(&pc, 1) : 0;
}

static void tell(fi_trace trace, fi_frame_fn *tell_frame, void *arg) {
    fi_stack stack;
    if (!fi_depot_get(trace, &stack))
        return;
    for (unsigned i = 0; i < stack.count; i++) {
        const fi_frame frame = {
            .number = i, .pc = (const void *)stack.pcs[i], .function = "somewhere", .file = "", .module = ""};
        if (!tell_frame(&frame, arg))
            return;
    }
}

const fi_tracer fi_the_tracer = {.capture = fi_capture, .capture_at = fi_capture_at, .note = note, .tell = tell};
