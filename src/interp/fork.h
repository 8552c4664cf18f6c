/* Forks. A child has the interpreters of its parent as they were, each to be used by whoever held it; fief's own
 * locks are taken before the fork, so that the child finds nothing half done. */
#ifndef FI_INTERP_FORK_H
#define FI_INTERP_FORK_H

#include "base/attributes.h"

#include <stdbool.h>

/* Once; false if the system has no room for it. */
FI_MUST_USE bool fi_fork_install(void);

#endif
