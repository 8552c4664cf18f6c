#include "interp/fork.h"

#include "base/lock.h"
#include "heap/features.h"
#include "interp/registry.h"

static void take_all(void) {
    for (int rank = 0; rank < FI_RANK_COUNT; rank++)
        fi_lock((fi_lock_rank)rank);
}

static void give_all(void) {
    for (int rank = FI_RANK_COUNT; rank-- > 0;)
        fi_unlock((fi_lock_rank)rank);
}

static void go_on_alone(void) {
    fi_the_exchange.forked();
    fi_registry_forked();
    give_all();
}

bool fi_fork_install(void) {
    static bool installed;
    installed = installed || pthread_atfork(take_all, give_all, go_on_alone) == 0;
    return installed;
}
