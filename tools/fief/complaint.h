/* What goes wrong before the program runs is told on stderr, and ends the command with a status of its own. */
#ifndef FIEF_COMPLAINT_H
#define FIEF_COMPLAINT_H

#include <stdbool.h>

/* As of env(1), nohup(1) and timeout(1): all others are the program's. */
enum { STATUS_IMPOSSIBLE = 125, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

/* "fief: ...", with a line end. Returns false. */
__attribute__((format(printf, 1, 2))) bool complain(const char *format, ...);

#endif
