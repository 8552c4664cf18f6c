#include "heap/pools.h"

#include "base/atomics.h"
#include "heap/arenas.h"
#include "heap/charge.h"
#include "heap/misuse.h"
#include "heap/purge.h"
#include "heap/stats.h"
#include "heap/watch.h"

/* A full pool becomes READY when this part of it has come back: less, and a refill would be for a few blocks;
 * more, and the heap would be larger than it need be. docs/decisions/0005-pool-choice.md has the measurements. */
enum { FULL_FRACTION = 16, LEAST_ROOM_BYTES = 16, MOST_ROOM_BYTES = 4096 };

static void set_state(fi_pool *pool, fi_pool_state state) {
    fi_store_relaxed(&pool->state, (uint8_t)state);
}

/* ---- opening and closing ---- */

/* Watched blocks have a guard in front, the end of the one before: so the first one has room before it. No more
 * than keeps every block as aligned as its size. */
size_t fi_heap_first_block(bool behind_handle, unsigned size_class, bool watched) {
    size_t start = behind_handle ? FI_HANDLE_BYTES : 0;
    if (!watched)
        return start;
    size_t room = fi_class_bytes(size_class) & -fi_class_bytes(size_class);
    room = room < LEAST_ROOM_BYTES ? LEAST_ROOM_BYTES : room;
    return start + (room < MOST_ROOM_BYTES ? room : MOST_ROOM_BYTES);
}

fi_pool *fi_heap_open_pool(fief *f, unsigned size_class) {
    fi_pool *pool = fi_heap_take_granule(f, fi_heap_is_coarse(size_class));
    if (pool == NULL)
        return NULL;
    if (f->own_lists != NULL && !fi_the_watch.opening(pool, size_class)) {
        fi_heap_give_run(f, pool, 1, 0);
        return NULL;
    }
    bool behind_handle = pool->arena->holds_handle && fi_map_granule(pool) == 0;
    size_t first = fi_heap_first_block(behind_handle, size_class, f->own_lists != NULL);
    fi_pool_open(pool, pool->arena, size_class, fi_map_address(pool) + first, f);
    f->classes[size_class].current = fi_map_index(pool);
    f->touched[size_class / 64] |= UINT64_C(1) << (size_class % 64);
    f->count.pools++;
    return pool;
}

static void close_pool(fief *f, fi_pool *pool) {
    size_t extent = fi_pool_extent(pool, f, pool->carved);
    fi_pool_close(pool);
    fi_heap_give_run(f, pool, 1, extent);
    fi_heap_uncharge(f, extent);
    f->count.pools--;
    fi_heap_settle(f);
    fi_stats_note_memory(f);
}

/* ---- states ---- */

void fi_heap_make_current(fief *f, fi_pool *pool) {
    fi_class *class = &f->classes[pool->size_class];
    FI_ASSERT(pool->state == FI_POOL_READY && class->current == 0);
    fi_heap_own_end(f, pool);
    fi_ring_remove(&class->ready, pool);
    set_state(pool, FI_POOL_CURRENT);
    fi_pool_expect(pool, fi_pool_used(pool) + 1);
    class->current = fi_map_index(pool);
}

static void expect_some(fi_pool *pool) {
    unsigned free = fi_pool_free_count(pool), worth = pool->capacity / FULL_FRACTION;
    fi_pool_expect(pool, worth > free ? worth - free : 1);
}

void fi_heap_retire_current(fief *f, unsigned size_class) {
    fi_pool *pool = &fi_the_map.pools[f->classes[size_class].current];
    FI_ASSERT(pool->carved == pool->capacity);
    f->classes[size_class].current = 0;
    set_state(pool, FI_POOL_FULL);
    expect_some(pool);
}

void fi_heap_drained(fief *f, fi_pool *pool) {
    if (pool->state == FI_POOL_READY)
        fi_ring_remove(&f->classes[pool->size_class].ready, pool);
    set_state(pool, FI_POOL_FULL);
    expect_some(pool);
}

/* In front, to be used next while it is in the cache; at the back where its arena is mostly empty, so that it may
 * drain instead. */
static void make_ready(fief *f, fi_pool *pool) {
    const fi_arena *arena = pool->arena;
    bool arena_drains = 2 * fi_count_bits(arena->free_granules) > arena->granules && !arena->holds_handle;
    set_state(pool, FI_POOL_READY);
    fi_ring_push(&f->classes[pool->size_class].ready, pool, !arena_drains);
    fi_pool_expect(pool, fi_pool_used(pool));
}

void fi_heap_event(fief *f, fi_pool *pool) {
    if (pool->state == FI_POOL_FULL && fi_pool_used(pool) > 0) {
        make_ready(f, pool);
        return;
    }
    if (pool->state == FI_POOL_READY)
        fi_ring_remove(&f->classes[pool->size_class].ready, pool);
    close_pool(f, pool);
}

void fi_heap_close_idle(fief *f) {
    FI_FOR_TOUCHED (f, c) {
        fi_pool *pool = &fi_the_map.pools[f->classes[c].current];
        if (f->classes[c].current == 0 || fi_pool_used(pool) > 0)
            continue;
        f->classes[c].current = 0;
        close_pool(f, pool);
    }
}

/* One that is carved only in part can be gone on with, too. */
static bool has_room(const fi_pool *pool) {
    unsigned free = fi_pool_free_count(pool);
    return pool->carved < pool->capacity || (free > 0 && free >= pool->capacity / FULL_FRACTION);
}

void fi_heap_rest_pools(fief *f) {
    FI_FOR_TOUCHED (f, c) {
        fi_pool *pool = &fi_the_map.pools[f->classes[c].current];
        if (f->classes[c].current == 0)
            continue;
        f->classes[c].current = 0;
        if (has_room(pool)) {
            make_ready(f, pool);
        } else {
            set_state(pool, FI_POOL_FULL);
            expect_some(pool);
        }
    }
}

/* ---- lists ---- */

fi_pool *fi_heap_pool_of(const fief *f, const void *p) {
    fief_fast_pool *pool = fief_fast_pool_of(f, p);
    if (fief_fast_holds(f, pool, p))
        return (fi_pool *)pool;
    fi_arena *arena = fi_map_find(p);
    if (arena == NULL || arena->owner != f)
        return NULL;
    return fi_map_pools(arena) + fi_map_granule_of(arena, p);
}

bool fi_heap_is_linkable(const fief *f, const fi_block *block) {
    const fi_pool *pool = (uintptr_t)block % sizeof(void *) == 0 ? fi_heap_pool_of(f, block) : NULL;
    return pool != NULL && fi_pool_is_small(pool);
}

/* A link that was written to leads nowhere: what lay behind it is given up, and stays used. */
void fi_heap_own_end_slow(fief *f, fi_pool *pool) {
    unsigned free = fi_pool_free_count(pool), seen = 1;
    pool->arena->foreign_ends &= (uint16_t)~fi_bit_run(fi_map_granule(pool), 1);
    if (free == 0)
        return;
    fi_block *last = pool->free;
    for (; seen < free && fi_heap_is_linkable(f, last->next); seen++)
        last = last->next;
    last->next = fi_heap_sentinel(f);
    pool->count += free - seen;
    if (seen < free)
        fi_misuse_list_cut(f, pool, last);
}

/* Walks a list for as long as its blocks are this heap's: false if it ends anywhere but at the sentinel. */
static bool walk(fief *f, const fi_block *list, const fi_block *wanted, bool *found) {
    for (size_t left = f->count.reserved_bytes / FI_LEAST_BLOCK_BYTES; list != fi_heap_sentinel(f); left--) {
        *found = *found || list == wanted;
        if (left == 0 || !fi_heap_is_linkable(f, list))
            return false;
        list = list->next;
    }
    return true;
}

bool fi_heap_is_listed(fief *f, fi_pool *pool, const fi_block *block) {
    bool found = false;
    fi_heap_own_end(f, pool);
    if (!walk(f, pool->free, block, &found))
        return true;
    FI_FOR_TOUCHED (f, c) { /* small heaps borrow: any list may hold it */
        if (found || !walk(f, *fi_heap_list(f, c), block, &found))
            return true;
    }
    return found;
}

void fi_heap_flush_lists(fief *f) {
    FI_FOR_TOUCHED (f, c) {
        fi_heap_grant_hot(f, c, 0);
        fi_block **list = fi_heap_list(f, c);
        while (*list != fi_heap_sentinel(f)) {
            fi_block *block = *list;
            *list = block->next;
            f->count.listed--;
            fi_pool *pool = fi_heap_pool_of(f, block);
            FI_ASSERT(pool != NULL && fi_pool_is_small(pool));
            fi_heap_take_back(f, pool, block);
        }
    }
}

/* A list's blocks are of its class's size, but for those that a small heap has borrowed. The walk ends where a
 * link is damaged; one to the next place in the same pool, as most are, needs no look at the map. */
static void count_list(fief *f, unsigned size_class, fi_listed *listed) {
    bool borrowed = !fi_heap_is_coarse(size_class) && f->borrowed[size_class] != 0;
    size_t stride = fi_class_bytes(size_class);
    uint64_t blocks = 0;
    const fi_block *next_place = NULL;
    for (const fi_block *b = *fi_heap_list(f, size_class); b != fi_heap_sentinel(f); b = b->next) {
        if (b != next_place && !fi_heap_is_linkable(f, b))
            break;
        next_place = (const fi_block *)(const void *)((const char *)b + stride);
        blocks++;
        listed->bytes += borrowed ? fi_class_bytes(fi_heap_pool_of(f, b)->size_class) : 0;
    }
    listed->blocks += blocks;
    listed->bytes += borrowed ? 0 : blocks * fi_class_bytes(size_class);
}

fi_listed fi_heap_count_listed(fief *f) {
    fi_listed listed = {0, 0};
    FI_FOR_TOUCHED (f, c) {
        count_list(f, c, &listed);
    }
    return listed;
}
