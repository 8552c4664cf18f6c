/* trace.h - where allocations come from.
 *
 * At the debug level FIEF_DEBUG_FULL and above, each allocation and each free keeps its stack. A runtime whose
 * programs have a stack of their own gives its frames, too, so that a report says `script.lua:12`.
 *
 * On x86-64 the stack is read by the tables that compilers write for exceptions, and code needs no frame pointers;
 * code without tables (-fno-asynchronous-unwind-tables, most JIT compilers) is passed by its frame pointer, if it
 * has one, or ends the stack. On AArch64 it is read by frame pointers. Elsewhere it is the one frame that called.
 * Names and lines are those that debug information on this machine has, and need libdw at run time; without it
 * there are modules, offsets, and the names of exported functions. */
#ifndef FIEF_TRACE_H
#define FIEF_TRACE_H

#include "fief.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the runtime's own frames to `text`, innermost first, one a line, each line ended by '\n'; at most `bytes`
 * bytes, without an ending 0. Returns the bytes written, 0 for none. It runs inside the verbs that allocate and
 * free, under the interpreter's lock: it must be quick, and must not call into f. */
typedef size_t fief_frames_fn(fief *f, char *text, size_t bytes, void *arg);

enum { FIEF_FRAMES_BYTES = 512 }; /* what `bytes` is */

/* Has `fn` asked for the runtime's frames (NULL: no longer). By the interpreter's holder. FIEF_BAD_STATE once it
 * is dead. Without effect below FIEF_DEBUG_FULL. */
FIEF_API fief_status fief_trace_frames(fief *f, fief_frames_fn *fn, void *arg);

/* How deep stacks are kept, 1 to 64 frames, for all that is traced from now on; 16 by default, or the `frames` of
 * FIEF_CONF. FIEF_BAD_ARGUMENT for anything else. Any thread. */
FIEF_API fief_status fief_trace_depth(unsigned frames);

/* Has `fn` called around each look for names and lines (NULL: no longer), on the thread that reports, one at a
 * time: what libdw allocates in between is not the program's, and must not come from the heap that the report is
 * about. For whoever stands in for malloc. It may create a fief and use it, and must not report anything. Any
 * thread. */
typedef void fief_naming_fn(bool begins);
FIEF_API void fief_trace_naming(fief_naming_fn *fn);

#ifdef __cplusplus
}
#endif

#endif
