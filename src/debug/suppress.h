/* Leaks that are not to be told: LeakSanitizer's suppressions.
 *
 *     # a comment
 *     leak:pattern
 *
 * A pattern is found anywhere in a frame's function, file or module; `*` stands for anything, `^` at its start and
 * `$` at its end for the string's. Other kinds (`race:` and the like) are skipped. Beyond LeakSanitizer,
 * `tag:pattern` is looked for in the name of the block's type tag. */
#ifndef FI_DEBUG_SUPPRESS_H
#define FI_DEBUG_SUPPRESS_H

#include "base/attributes.h"
#include "heap/tracer.h"

/* Adds the lines of a text. False: no memory, nothing was added. Any thread. */
FI_MUST_USE bool fi_suppress_add(const char *text, size_t bytes);

/* Whether leaks of this trace or tag (its name, NULL: none) are suppressed. Any thread. */
bool fi_suppress_covers(fi_trace trace, const char *tag);

#endif
