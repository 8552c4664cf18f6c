/* Huge blocks that were freed of late and wait, with their memory, for the next one of about their size.
 *
 * The pages of a huge block cost more to give back and get again than most programs do with them: for one of 600
 * KB that comes and goes, 300 microseconds of page faults beside one of work. A few wait, for the process, as the
 * warm arenas do: FI_SPARE_MOST_BYTES of them, none for longer than half a second once another comes. */
#ifndef FI_ARENA_SPARE_H
#define FI_ARENA_SPARE_H

#include "arena/arena.h"

#define FI_SPARE_MOST_BYTES ((size_t)16 << 20)

/* A free huge block of the system's, of which the first `bytes` bytes are usable, waits. False: it does not. What
 * has waited for too long, or has to make room, is given back. */
FI_MUST_USE bool fi_spare_keep(fi_arena *arena, size_t bytes);

/* One whose first `bytes` bytes are usable, and no more of it is. Its content is whatever it was. NULL: none fits.
 */
fi_arena *fi_spare_take(size_t bytes, size_t alignment);

/* Gives back all of them; returns their bytes. */
size_t fi_spare_release(void);

#endif
