#include "heap/purge.h"

#include "heap/arenas.h"
#include "os/os.h"

enum { MEBIBYTE = 1 << 20, KEPT_BYTES = 4 * MEBIBYTE, TICK_EVENTS = 64, TICK_MS = 1000 };

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static bool is_empty(const fi_arena *arena) {
    return arena->granules != 0 && !arena->holds_handle && arena->free_granules == fi_arena_all_granules(arena);
}

/* Arenas that hold nothing go back whole: address space, and one system call for all their pages. */
void fi_heap_purge(fief *f) {
    for (uint32_t i = f->arena_end; i-- > 0;) {
        fi_arena *arena = f->arenas[i];
        if (arena != NULL && is_empty(arena))
            fi_heap_release_arena(f, arena);
        else if (arena != NULL)
            fi_heap_purge_arena(f, arena, ~UINT64_C(0));
    }
}

/* What was free and dirty at the last tick, and has not been used since, goes. */
static void tick(fief *f) {
    for (uint32_t i = f->arena_end; i-- > 0;) {
        fi_arena *arena = f->arenas[i];
        if (arena == NULL)
            continue;
        fi_heap_purge_arena(f, arena, arena->aged_granules);
        arena->aged_granules = arena->free_granules & arena->dirty_granules;
        if (is_empty(arena) && arena->dirty_granules == 0)
            fi_heap_release_arena(f, arena);
    }
}

static void look_at_the_clock(fief *f) {
    uint64_t now = fi_os_now_ms();
    if (now - f->last_tick_ms < TICK_MS)
        return;
    f->last_tick_ms = now;
    tick(f);
}

void fi_heap_settle(fief *f) {
    size_t charged = f->count.charged_bytes;
    if (f->shrinking && charged > f->purged_at_bytes + f->purged_at_bytes / 4 + MEBIBYTE)
        f->shrinking = false;
    size_t kept = f->shrinking ? larger(MEBIBYTE, charged / 8) : larger(KEPT_BYTES, 3 * charged);
    if (f->count.dirty_bytes > kept) {
        f->shrinking = true;
        f->purged_at_bytes = charged;
        fi_heap_purge(f);
    } else if (++f->events % TICK_EVENTS == 0) {
        look_at_the_clock(f);
    }
}
