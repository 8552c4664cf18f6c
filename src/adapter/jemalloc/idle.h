/* Arenas whose interpreters have ended, empty and purged, for the next ones.
 *
 * jemalloc never gives back all of an arena that it destroys: with its default settings 2 MiB of address space
 * stay, and a page or two. So a few are kept to serve again, which is also quicker; what is more is destroyed. */
#ifndef FI_ADAPTER_JEMALLOC_IDLE_H
#define FI_ADAPTER_JEMALLOC_IDLE_H

#include "fief/adapter/jemalloc.h"

/* An idle arena of the jemalloc that has these functions; false if there is none. Any thread. */
bool fi_idle_take(const fief_jemalloc_functions *functions, unsigned *arena);

/* Takes an arena in which nothing is allocated: its memory goes back to the system, and it waits or is destroyed.
 * Any thread. */
void fi_idle_give(const fief_jemalloc_functions *functions, unsigned arena);

#endif
