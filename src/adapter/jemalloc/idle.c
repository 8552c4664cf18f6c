#include "adapter/jemalloc/idle.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum { MOST_IDLE = 16, NO_ARENA = 0 }; /* each takes some 100 KiB of jemalloc's own memory */

/* Numbers from 1 on. No lock, so that a child after fork finds none held. */
static _Atomic(unsigned) idle[MOST_IDLE];

/* The jemalloc whose arenas they are: the first that gave one. A second in the same process keeps none. */
static _Atomic(uintptr_t) owner;

static bool is_owner(const fief_jemalloc_functions *functions) {
    uintptr_t nobody = 0, self = (uintptr_t)functions->mallctl;
    return atomic_compare_exchange_strong(&owner, &nobody, self) || nobody == self;
}

bool fi_idle_take(const fief_jemalloc_functions *functions, unsigned *arena) {
    for (unsigned i = 0; i < MOST_IDLE && is_owner(functions); i++) {
        unsigned number = atomic_exchange(&idle[i], NO_ARENA);
        if (number == NO_ARENA)
            continue;
        *arena = number - 1;
        return true;
    }
    return false;
}

static bool keep(const fief_jemalloc_functions *functions, unsigned arena) {
    for (unsigned i = 0; i < MOST_IDLE && is_owner(functions); i++) {
        unsigned none = NO_ARENA;
        if (atomic_compare_exchange_strong(&idle[i], &none, arena + 1))
            return true;
    }
    return false;
}

static void tell(const fief_jemalloc_functions *functions, unsigned arena, const char *what) {
    char name[40];
    snprintf(name, sizeof name, "arena.%u.%s", arena, what);
    (void)functions->mallctl(name, NULL, NULL, NULL, 0);
}

void fi_idle_give(const fief_jemalloc_functions *functions, unsigned arena) {
    tell(functions, arena, "purge");
    if (!keep(functions, arena))
        tell(functions, arena, "destroy");
}
