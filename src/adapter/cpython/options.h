/* The modes of the CPython adapter: FIEF_CPYTHON in the environment, or an embedder's fief_cpython_config.
 *
 *     FIEF_CPYTHON=reclaim,report
 */
#ifndef FI_ADAPTER_CPYTHON_OPTIONS_H
#define FI_ADAPTER_CPYTHON_OPTIONS_H

#include "fief/adapter/cpython.h"

extern fief_cpython_config fi_options;

/* Reads FIEF_CPYTHON and FIEF_RUN's limit. An item that is not understood is told on stderr, and the rest applies.
 * Once. */
void fi_options_read(void);

#endif
