/* A tracer whose traces are what a test says, in place of the library's: include it in one file of a program. */
#ifndef FI_TESTS_SUPPORT_TRACER_H
#define FI_TESTS_SUPPORT_TRACER_H

#include "base/atomics.h"
#include "heap/tracer.h"

#include <stddef.h>

enum { MOST_TEST_TRACES = 16, MOST_TEST_FRAMES = 64 };

/* By trace modulo their number, each ended by a frame whose function is NULL; `number` is filled in when they are
 * told. */
static const fi_frame *test_traces[MOST_TEST_TRACES];
static unsigned traces_told; /* how often a trace was asked for */

static inline fi_trace test_capture(fief *f, const void *site) {
    (void)f;
    (void)site;
    return 0;
}

static inline fi_trace test_capture_at(const struct fi_registers *at, const void *site) {
    (void)at;
    (void)site;
    return 0;
}

static inline fi_trace test_note(const void *site) {
    (void)site;
    return 0;
}

static inline void test_tell(fi_trace trace, fi_frame_fn *tell, void *arg) {
    const fi_frame *frames = test_traces[trace % MOST_TEST_TRACES];
    (void)fi_add_relaxed(&traces_told, 1);
    for (unsigned i = 0; frames != NULL && frames[i].function != NULL; i++) {
        fi_frame frame = frames[i];
        frame.number = i;
        if (!tell(&frame, arg))
            return;
    }
}

static inline void test_forgo_names(void) {
}

const fi_tracer fi_the_tracer = {.capture = test_capture,
                                 .capture_at = test_capture_at,
                                 .note = test_note,
                                 .tell = test_tell,
                                 .forgo_names = test_forgo_names};

#endif
