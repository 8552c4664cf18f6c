/* Chains of calls whose frames are known. chain.c is compiled once with frame pointers and once without. */
#ifndef FI_TESTS_UNIT_TRACE_CHAIN_H
#define FI_TESTS_UNIT_TRACE_CHAIN_H

#include <stddef.h>

typedef void chain_end(void *arg);

/* NAME_outer calls NAME_middle calls NAME_inner calls `end`. */
void framed_outer(chain_end *end, void *arg);
void bare_outer(chain_end *end, void *arg);

/* The one in the middle has `bytes` on its stack, so that no table knows how large it is; or it aligns its stack
 * to more than the callers do. */
void framed_sized(chain_end *end, void *arg, size_t bytes);
void bare_sized(chain_end *end, void *arg, size_t bytes);
void framed_aligned(chain_end *end, void *arg);
void bare_aligned(chain_end *end, void *arg);

/* Calls itself `times`, then the chain. */
void framed_deep(chain_end *end, void *arg, unsigned times);
void bare_deep(chain_end *end, void *arg, unsigned times);

#endif
