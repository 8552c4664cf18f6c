/* Bytes to a descriptor. */
#ifndef FI_BASE_WRITE_H
#define FI_BASE_WRITE_H

#include <stddef.h>

/* All of them, whatever interrupts; what can't be written is dropped. May set errno. */
void fi_write_all(int to, const char *text, size_t bytes);

#endif
