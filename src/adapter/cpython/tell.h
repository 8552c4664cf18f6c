/* What the shim says, and where: in the file of FIEF_RUN, or on stderr. In a healthy program it says nothing that
 * was not asked for. */
#ifndef FI_ADAPTER_CPYTHON_TELL_H
#define FI_ADAPTER_CPYTHON_TELL_H

#include "fief/fief.h"

/* One line, "fief: ...". */
void fi_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For fief_config.report of an interpreter's heap. Until 3.11 interpreters free each other's objects rightly: that
 * is told if it is asked for, or if there is a file to tell it in. */
fief_report_fn *fi_tell_report_fn(void);

#endif
