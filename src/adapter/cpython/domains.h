/* The four functions that CPython calls for the domains mem and obj. */
#ifndef FI_ADAPTER_CPYTHON_DOMAINS_H
#define FI_ADAPTER_CPYTHON_DOMAINS_H

#include "adapter/cpython/python.h"

extern const fi_py_allocator fi_domains_allocator;

#endif
