/* Memory of no interpreter's: what is on its way from one to another, and has to outlive both.
 *
 * It is a heap like any other, with a lock around it; blocks have no limit but the system's, and what is freed
 * goes back to the system as it does in every heap. */
#ifndef FI_INTERP_COMMONS_H
#define FI_INTERP_COMMONS_H

#include <stddef.h>
#include <stdint.h>

/* NULL on exhaustion. Any thread, without locks of its own. */
void *fi_commons_alloc(size_t bytes);

/* p may be NULL. Any thread. */
void fi_commons_free(void *p);

/* Several of one size at once: returns how many there are. And back. */
size_t fi_commons_alloc_batch(size_t bytes, void **blocks, size_t count);
void fi_commons_free_batch(void **blocks, size_t count);

/* Gives back to the system what is free. */
void fi_commons_trim(void);

/* How many blocks are live, exactly. For tests. */
uint64_t fi_commons_live_blocks(void);

/* Fault injection, for tests: the nth block from here on is refused. 0: none. */
void fi_commons_fail_at(uint64_t nth);

#endif
