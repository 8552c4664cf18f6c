/* host.h - the host's own memory, which is malloc's and never a tenant's, and its way out when there is none. */
#ifndef FIEF_LUA_HOST_H
#define FIEF_LUA_HOST_H

#include <stddef.h>

enum { HOST_EXIT_FAILED = 1, HOST_EXIT_IMPOSSIBLE = 2 };

/* Says why and ends the process with HOST_EXIT_IMPOSSIBLE. */
_Noreturn void host_give_up(const char *what, int error_number);

/* Never NULL. */
void *host_alloc_zeros(size_t count, size_t size);
char *host_copy_text(const char *text);

#endif
