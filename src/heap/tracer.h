/* Stack traces, as the layers below src/trace see them.
 *
 * A trace is a number: equal stacks have equal numbers, and 0 means that none is known. What it stands for is kept
 * in a store of the process, and is never forgotten. */
#ifndef FI_HEAP_TRACER_H
#define FI_HEAP_TRACER_H

#include "fief/trace.h"

#include <stdbool.h>

typedef uint32_t fi_trace;

struct fi_registers; /* os/backtrace.h */

/* One frame, told at report time. Strings are never NULL, and empty where nothing is known. */
typedef struct fi_frame {
    unsigned number;      /* from 0, innermost first */
    const void *pc;       /* NULL for a frame of the runtime's own */
    const char *function; /* of a runtime's frame: its whole text */
    const char *file;
    unsigned line;      /* 0: unknown */
    const char *module; /* the file that holds the code */
    size_t offset;      /* of pc in the module */
} fi_frame;

/* False ends the telling. */
typedef bool fi_frame_fn(const fi_frame *frame, void *arg);

typedef struct fi_tracer {
    /* The stack of the calling thread from the frame on that returns to `site`, the runtime's own frames first
     * where f has told how to find them. Under f's lock, or f NULL. 0 on exhaustion. */
    fi_trace (*capture)(fief *f, const void *site);

    /* The stack that `at` begins, `site` in front: of a program that was stopped where it stood. */
    fi_trace (*capture_at)(const struct fi_registers *at, const void *site);

    /* The one frame `site`. Any thread; 0 on exhaustion. */
    fi_trace (*note)(const void *site);

    /* Tells the frames of a trace, with function, file and line where they can be found. Any thread. May allocate
     * with malloc, never from a fief. */
    void (*tell)(fi_trace trace, fi_frame_fn *tell, void *arg);

    /* From now on frames are told without names, files and lines: what looking them up costs is not worth it. */
    void (*forgo_names)(void);
} fi_tracer;

/* Defined by src/trace. */
extern const fi_tracer fi_the_tracer;

#endif
