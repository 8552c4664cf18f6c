/* The exported verbs of trace.h. */
#include "heap/misuse.h"
#include "trace/capture.h"
#include "trace/symbol.h"

fief_status fief_trace_frames(fief *f, fief_frames_fn *fn, void *arg) {
    if (!fi_misuse_check_handle(f, "fief_trace_frames"))
        return FIEF_BAD_STATE;
    f->frames = fn;
    f->frames_arg = arg;
    return FIEF_OK;
}

fief_status fief_trace_depth(unsigned frames) {
    return fi_capture_set_depth(frames) ? FIEF_OK : FIEF_BAD_ARGUMENT;
}

void fief_trace_naming(fief_naming_fn *fn) {
    fi_symbols_around(fn);
}
