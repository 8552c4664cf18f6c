/* Faults in guarded pages: told, then handed on. */
#ifndef FI_DEBUG_FAULT_H
#define FI_DEBUG_FAULT_H

#include "base/attributes.h"

#include <stdbool.h>

/* Once for the process; false if the system refuses. */
FI_MUST_USE bool fi_fault_init(void);

#endif
