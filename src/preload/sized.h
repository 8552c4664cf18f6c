/* C23's frees that say the size, which older C libraries' headers lack. */
#ifndef FI_PRELOAD_SIZED_H
#define FI_PRELOAD_SIZED_H

#include <stddef.h>

void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t alignment, size_t size);

#endif
