/* progress.h - what stderr shows while the states run: on a terminal one line that changes, elsewhere a line
 * every few seconds and a last one. */
#ifndef FIEF_LUA_PROGRESS_H
#define FIEF_LUA_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    bool silent;
    bool on_terminal;
    unsigned state_count;
    uint64_t begin_ns;
    uint64_t told_ns; /* when the last line was written */
} progress;

void progress_begin(progress *p, bool silent, unsigned state_count);
void progress_show(progress *p, unsigned ended_count, uint64_t turn_count);

/* Leaves the terminal's line empty for whatever comes next. */
void progress_end(const progress *p);

#endif
