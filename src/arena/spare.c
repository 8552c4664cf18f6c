#include "arena/spare.h"

#include "base/atomics.h"
#include "base/lock.h"
#include "os/os.h"

enum { SPARES = 8, DECAY_MS = 500 };

typedef struct spare {
    fi_arena *arena;
    size_t bytes; /* usable, from its start on */
    uint64_t since_ms;
} spare;

/* Both under FI_RANK_PROCESS, first in first. */
static spare spares[SPARES];
static unsigned spare_count;
static size_t spare_bytes;

static const fi_source from_system;

static spare take_at(unsigned place) {
    spare taken = spares[place];
    spare_count--;
    for (unsigned i = place; i < spare_count; i++)
        spares[i] = spares[i + 1];
    spare_bytes -= taken.bytes;
    return taken;
}

/* The oldest, if it has waited for too long or is in the way of so many bytes; else NULL. */
static fi_arena *oldest_due(size_t more_bytes, uint64_t now_ms) {
    bool in_the_way = spare_count == SPARES || spare_bytes + more_bytes > FI_SPARE_MOST_BYTES;
    bool due = spare_count > 0 && (in_the_way || now_ms - spares[0].since_ms > DECAY_MS);
    return due ? take_at(0).arena : NULL;
}

bool fi_spare_keep(fi_arena *arena, size_t bytes) {
    if (arena->from_provider || bytes > FI_SPARE_MOST_BYTES / 2)
        return false;
    uint64_t now = fi_os_now_ms();
    fi_arena *due;
    do {
        fi_lock(FI_RANK_PROCESS);
        due = oldest_due(bytes, now);
        if (due == NULL) {
            fi_arena_disown(arena);
            fi_store_relaxed(&arena->state, FI_ARENA_WARM);
            arena->dirty_granules = 1;
            spares[spare_count++] = (spare){arena, bytes, now};
            spare_bytes += bytes;
        }
        fi_unlock(FI_RANK_PROCESS);
        if (due != NULL)
            fi_arena_bury(due, &from_system);
    } while (due != NULL);
    return true;
}

static bool fits(const spare *s, size_t bytes, size_t alignment) {
    return s->bytes >= bytes && s->bytes <= 2 * bytes && ((uintptr_t)s->arena->start & (alignment - 1)) == 0;
}

fi_arena *fi_spare_take(size_t bytes, size_t alignment) {
    spare taken = {NULL, 0, 0};
    fi_lock(FI_RANK_PROCESS);
    for (unsigned i = spare_count; i-- > 0 && taken.arena == NULL;)
        if (fits(&spares[i], bytes, alignment))
            taken = take_at(i);
    fi_unlock(FI_RANK_PROCESS);
    if (taken.bytes > bytes)
        fi_os_purge(taken.arena->start + bytes, taken.bytes - bytes);
    return taken.arena;
}

size_t fi_spare_release(void) {
    size_t bytes = 0;
    for (;;) {
        fi_lock(FI_RANK_PROCESS);
        spare taken = spare_count > 0 ? take_at(0) : (spare){NULL, 0, 0};
        fi_unlock(FI_RANK_PROCESS);
        if (taken.arena == NULL)
            return bytes;
        bytes += taken.bytes;
        fi_arena_bury(taken.arena, &from_system);
    }
}
