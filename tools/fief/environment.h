/* What the program finds in its environment: the libraries that are put under it, and what they are asked.
 *
 * What is there already is kept: this command may have been started by another fief run, or with settings of the
 * user's. False: something can't be had, and was said. */
#ifndef FIEF_ENVIRONMENT_H
#define FIEF_ENVIRONMENT_H

#include "options.h"

/* LD_PRELOAD: ours first, in place of those that an outer fief run has put there, then the user's. */
bool environment_preload(shim_set shims, const program *self);

/* FIEF_CONF and FIEF_RUN: what the options say, behind what is there. Where a key comes twice, the last one
 * counts. */
bool environment_ask(const options *o);

#endif
