/* The arenas of one heap, and the granules in them.
 *
 * Arenas with free granules are listed by how many they have, and the fewest are used first: so the emptiest
 * arenas drain, and go back whole. */
#ifndef FI_HEAP_ARENAS_H
#define FI_HEAP_ARENAS_H

#include "heap/heap.h"

/* A free granule for a pool; fine classes only get the one behind the handle. NULL on exhaustion. */
fi_pool *fi_heap_take_granule(fief *f, bool coarse);

/* Neighbouring granules that hold `bytes`. `*zeroed`: they are known to read as zeros. `growing` looks for a place
 * with room behind it. NULL on exhaustion. */
fi_pool *fi_heap_take_run(fief *f, unsigned granules, size_t bytes, bool growing, bool *zeroed);

/* The `more` granules behind a large block of `granules`, if they are free and together hold `bytes`. */
FI_MUST_USE bool fi_heap_extend_run(fief *f, fi_pool *first, unsigned granules, unsigned more, size_t bytes);

/* Gives granules back, their descriptors closed; the first `touched` bytes of the run hold memory. */
void fi_heap_give_run(fief *f, fi_pool *first, unsigned granules, size_t touched);

/* Puts an arena into the heap's table; false if the table can't grow. And takes it out. */
FI_MUST_USE bool fi_heap_add_arena(fief *f, fi_arena *arena);
void fi_heap_forget_arena(fief *f, fi_arena *arena);

/* Makes room in the table for `more` arenas; false if it can't grow. Then each can be seated, with all that is in
 * it, as another heap leaves it: returns its index, the lowest free one from `from` on. */
FI_MUST_USE bool fi_heap_reserve_arenas(fief *f, size_t more);
uint32_t fi_heap_seat_arena(fief *f, fi_arena *arena, uint32_t from);

/* Gives an arena back that holds nothing. */
void fi_heap_release_arena(fief *f, fi_arena *arena);

/* Gives the memory of an arena's free granules back to the system: those of `mask`. */
void fi_heap_purge_arena(fief *f, fi_arena *arena, uint64_t mask);

#endif
