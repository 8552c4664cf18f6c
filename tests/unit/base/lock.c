/* base/lock: each rank is a lock of its own, and keeps two threads apart. */
#include "base/lock.h"

#include "support/compare.h"

enum { TURNS = 100000 };

static unsigned guarded;

static void *count_up(void *arg) {
    for (unsigned i = 0; i < TURNS; i++) {
        fi_lock(FI_RANK_PROCESS);
        guarded++;
        fi_unlock(FI_RANK_PROCESS);
    }
    return arg;
}

Test(lock, two_threads_lose_no_turn) {
    pthread_t other;
    cr_assert_eq(pthread_create(&other, NULL, count_up, NULL), 0);
    count_up(NULL);
    pthread_join(other, NULL);
    assert_equal(guarded, 2 * TURNS);
}

Test(lock, a_rank_that_is_held_leaves_the_others_free) {
    for (int held = 0; held < FI_RANK_COUNT; held++) {
        fi_lock((fi_lock_rank)held);
        for (int other = 0; other < FI_RANK_COUNT; other++) {
            int refused = pthread_mutex_trylock(&fi_locks[other]);
            cr_assert_eq(refused != 0, other == held, "rank %d while %d is held", other, held);
            if (refused == 0)
                fi_unlock((fi_lock_rank)other);
        }
        fi_unlock((fi_lock_rank)held);
    }
}
