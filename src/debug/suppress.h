/* Leaks that are not to be told: LeakSanitizer's suppressions.
 *
 *     # a comment
 *     leak:pattern
 *
 * A pattern is found anywhere in a frame's function, file or module; `*` stands for anything, `^` at its start for
 * the string's start, and `$` for the string's end and the pattern's. An empty string matches nothing, an empty
 * pattern all others. Blanks before a line and behind it mean nothing. Other kinds (`race:` and the like) are
 * skipped. Beyond LeakSanitizer, `tag:pattern` is looked for in the name of the block's type tag, and `foo$` finds
 * the last "foo" where there are two. */
#ifndef FI_DEBUG_SUPPRESS_H
#define FI_DEBUG_SUPPRESS_H

#include "base/attributes.h"
#include "heap/tracer.h"

#include <stdint.h>

/* Adds the lines of a text, up to a 0 in it. False: no memory, nothing was added. Any thread. */
FI_MUST_USE bool fi_suppress_add(const char *text, size_t bytes);

/* How often lines were added: what was found out about a trace holds as long as this is the same. Any thread. */
uint32_t fi_suppress_version(void);

/* Whether leaks of this trace or tag (its name, "": none) are suppressed. Any thread. Cost: a look at each frame
 * by each pattern, so ask once for a trace. */
bool fi_suppress_covers(fi_trace trace, const char *tag);

/* What decides it. */
bool fi_suppress_matches(const char *pattern, const char *string);

#endif
