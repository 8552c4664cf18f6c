/* Tools that watch a program's memory: they are told which of ours it may touch.
 *
 * Valgrind is told by requests that cost a few instructions and mean nothing outside of it; AddressSanitizer by
 * its runtime, if the program has it. Handles that are watched tell, and no others do. */
#ifndef FI_BASE_TOOL_H
#define FI_BASE_TOOL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether such a tool runs this process; looked up once. */
bool fi_tool_watches(void);

/* A block is the program's; and is no longer. */
void fi_tool_alloc(void *block, size_t bytes, size_t slot_bytes, bool zeroed);
void fi_tool_free(void *block, size_t bytes);

/* Memory is fief's own again. */
void fi_tool_reuse(void *memory, size_t bytes);

/* Memory where the program may hold pointers to what it has from malloc; and where it no longer does. The same
 * memory, whole, each time. */
void fi_tool_add_roots(void *memory, size_t bytes);
void fi_tool_remove_roots(void *memory, size_t bytes);

#endif
