#include "heap/arenas.h"

#include "arena/meta.h"
#include "heap/features.h"
#include "heap/watch.h"

#include <string.h>

enum { MOST_LOOKS = 16 }; /* arenas that are tried for a run before a new one is taken */

/* ---- lists by free granules ---- */

static void unlist(fief *f, fi_arena *arena) {
    if (arena->list == 0)
        return;
    *(arena->prev != NULL ? &arena->prev->next : &f->arena_lists[arena->list - 1]) = arena->next;
    if (arena->next != NULL)
        arena->next->prev = arena->prev;
    arena->list = 0;
}

static void relist(fief *f, fi_arena *arena) {
    unsigned list = arena->free_granules == 0 ? 0 : fi_highest_bit(fi_count_bits(arena->free_granules)) + 1;
    if (list == arena->list)
        return;
    unlist(f, arena);
    if (list == 0)
        return;
    arena->prev = NULL;
    arena->next = f->arena_lists[list - 1];
    if (arena->next != NULL)
        arena->next->prev = arena;
    f->arena_lists[list - 1] = arena;
    arena->list = (uint8_t)list;
}

/* ---- table ---- */

static bool grow_table(fief *f, size_t room) {
    fi_arena **arenas = fi_meta_alloc(room * sizeof *arenas);
    if (arenas == NULL)
        return false;
    memcpy(arenas, f->arenas, f->arena_room * sizeof *arenas);
    if (f->arenas != f->inline_arenas)
        fi_meta_free(f->arenas, f->arena_room * sizeof *arenas);
    f->arenas = arenas;
    f->arena_room = (uint32_t)room;
    return true;
}

/* An arena keeps its index for as long as it stays, since others use it to say where remote frees are. `from`:
 * all below are in use. */
static uint32_t free_index(const fief *f, uint32_t from) {
    if (f->count.arenas == f->arena_end)
        return f->arena_end;
    uint32_t index = from;
    while (f->arenas[index] != NULL)
        index++;
    return index;
}

static void seat(fief *f, fi_arena *arena, uint32_t index) {
    f->arenas[index] = arena;
    if (index == f->arena_end)
        f->arena_end++;
    f->count.arenas++;
    f->count.reserved_bytes += arena->bytes;
}

bool fi_heap_reserve_arenas(fief *f, size_t more) {
    size_t room = f->arena_room;
    while (room < f->count.arenas + more)
        room *= 2;
    return room == f->arena_room || grow_table(f, room);
}

uint32_t fi_heap_seat_arena(fief *f, fi_arena *arena, uint32_t from) {
    uint32_t index = free_index(f, from);
    FI_ASSERT(index < f->arena_room);
    seat(f, arena, index);
    arena->list = 0;
    relist(f, arena);
    return index;
}

bool fi_heap_add_arena(fief *f, fi_arena *arena) {
    uint32_t index = free_index(f, 0);
    if (index == f->arena_room && !grow_table(f, (size_t)f->arena_room * 2))
        return false;
    seat(f, arena, index);
    fi_arena_adopt(arena, f, f->id, &f->slot->remote_summary, index);
    f->count.dirty_bytes += fi_arena_touched_bytes(arena, ~UINT64_C(0));
    relist(f, arena);
    if (FI_UNLIKELY(f->debug != NULL))
        fi_the_watch.joined(f, arena);
    return true;
}

void fi_heap_forget_arena(fief *f, fi_arena *arena) {
    if (FI_UNLIKELY(f->debug != NULL))
        fi_the_watch.leaving(f, arena);
    if (FI_UNLIKELY(f->freelists != NULL) && arena->granules != 0)
        fi_the_freelists.forget(f, arena);
    unlist(f, arena);
    f->arenas[arena->index] = NULL;
    while (f->arena_end > 0 && f->arenas[f->arena_end - 1] == NULL)
        f->arena_end--;
    f->count.arenas--;
    f->count.reserved_bytes -= arena->bytes;
}

static fi_arena *new_arena(fief *f, unsigned granules) {
    bool small = f->count.reserved_bytes < FI_SMALL_HEAP_BYTES && granules <= FI_UNIT_GRANULES / 2;
    fi_arena *arena = fi_arena_take(&f->source, small ? FI_SMALL_ARENA_UNITS : FI_FULL_ARENA_UNITS, !f->zeroed);
    if (arena == NULL && !small) /* where address space is short, a small one may still be had */
        arena =
            granules <= FI_UNIT_GRANULES / 2 ? fi_arena_take(&f->source, FI_SMALL_ARENA_UNITS, !f->zeroed) : NULL;
    if (arena != NULL && !fi_heap_add_arena(f, arena)) {
        fi_arena_leave(arena, &f->source, false);
        return NULL;
    }
    return arena;
}

/* ---- granules ---- */

/* Takes granules out of the free ones; true if all of them are known to be zeros. */
static inline bool claim(fief *f, fi_arena *arena, unsigned first, unsigned granules) {
    uint64_t run = fi_bit_run(first, granules);
    FI_ASSERT((arena->free_granules & run) == run);
    f->count.dirty_bytes -= fi_arena_touched_bytes(arena, run);
    arena->free_granules &= ~run;
    arena->aged_granules &= ~run;
    fi_store_relaxed(&fi_map_pools(arena)[first].arena, arena); /* others may look: the pool is closed */
    relist(f, arena);
    return (arena->dirty_granules & run) == 0;
}

static uint64_t runnable(const fi_arena *arena) {
    return arena->free_granules & ~(uint64_t)arena->holds_handle;
}

fi_pool *fi_heap_take_granule(fief *f, bool coarse) {
    for (unsigned list = 0; list < FI_ARENA_LISTS; list++) {
        for (fi_arena *arena = f->arena_lists[list]; arena != NULL; arena = arena->next) {
            uint64_t free = coarse ? runnable(arena) : arena->free_granules;
            if (free == 0)
                continue; /* a handle's arena with nothing but the granule behind the handle: at most one */
            unsigned granule = fi_lowest_bit(free);
            claim(f, arena, granule, 1);
            return fi_map_pools(arena) + granule;
        }
    }
    fi_arena *arena = new_arena(f, 1);
    if (arena == NULL)
        return NULL;
    unsigned granule = fi_lowest_bit(runnable(arena));
    claim(f, arena, granule, 1);
    return fi_map_pools(arena) + granule;
}

/* Where in an arena a run fits, 64 for nowhere: with `room` granules if possible, and in any case `granules`. */
static unsigned place_in(const fi_arena *arena, unsigned granules, unsigned room, size_t bytes) {
    uint64_t free = runnable(arena);
    unsigned first = room <= arena->granules ? fi_find_run(free, room) : 64;
    if (first == 64)
        first = fi_find_run(free, granules);
    return first != 64 && bytes <= fi_arena_run_bytes(arena, first, granules) ? first : 64;
}

fi_pool *fi_heap_take_run(fief *f, unsigned granules, size_t bytes, bool growing, bool *zeroed) {
    unsigned room = growing ? granules + granules / 2 + 1 : granules;
    unsigned looks = 0;
    for (unsigned list = fi_highest_bit(granules); list < FI_ARENA_LISTS; list++) {
        for (fi_arena *arena = f->arena_lists[list]; arena != NULL && looks < MOST_LOOKS; arena = arena->next) {
            looks++;
            unsigned first = place_in(arena, granules, room, bytes);
            if (first != 64) {
                *zeroed = claim(f, arena, first, granules);
                return fi_map_pools(arena) + first;
            }
        }
    }
    fi_arena *arena = new_arena(f, room);
    if (arena == NULL)
        return NULL;
    unsigned first = place_in(arena, granules, room, bytes);
    if (first == 64) /* a small arena, because there was no full one: too small for this run */
        return NULL;
    *zeroed = claim(f, arena, first, granules);
    return fi_map_pools(arena) + first;
}

bool fi_heap_extend_run(fief *f, fi_pool *first, unsigned granules, unsigned more, size_t bytes) {
    fi_arena *arena = first->arena;
    unsigned at = fi_map_granule(first);
    if (at + granules + more > arena->granules || bytes > fi_arena_run_bytes(arena, at, granules + more))
        return false;
    uint64_t run = fi_bit_run(at + granules, more);
    if ((arena->free_granules & run) != run)
        return false;
    claim(f, arena, at + granules, more);
    return true;
}

void fi_heap_give_run(fief *f, fi_pool *first, unsigned granules, size_t touched) {
    fi_arena *arena = first->arena;
    unsigned at = fi_map_granule(first);
    FI_ASSERT(granules > 0);
    for (unsigned i = 0; i < granules; i++) {
        size_t here = touched < FI_GRANULE_BYTES ? touched : FI_GRANULE_BYTES;
        touched -= here;
        fi_arena_touch(arena, at + i, here);
    }
    uint64_t run = fi_bit_run(at, granules);
    f->count.dirty_bytes += fi_arena_touched_bytes(arena, run);
    arena->free_granules |= run;
    relist(f, arena);
}

void fi_heap_purge_arena(fief *f, fi_arena *arena, uint64_t mask) {
    mask &= arena->free_granules & arena->dirty_granules;
    if (mask == 0 || arena->from_provider) /* the host's memory is the host's to purge */
        return;
    f->count.dirty_bytes -= fi_arena_touched_bytes(arena, mask);
    arena->aged_granules &= ~mask;
    fi_arena_purge(arena, mask);
}

void fi_heap_release_arena(fief *f, fi_arena *arena) {
    FI_ASSERT(!arena->holds_handle && arena->free_granules == fi_arena_all_granules(arena));
    f->count.dirty_bytes -= fi_arena_touched_bytes(arena, ~UINT64_C(0));
    fi_heap_forget_arena(f, arena);
    fi_arena_leave(arena, &f->source, false);
}
