#include "heap/large.h"

#include "arena/spare.h"
#include "heap/arenas.h"
#include "heap/charge.h"
#include "heap/misuse.h"
#include "heap/purge.h"
#include "heap/stats.h"
#include "os/os.h"

#include <string.h>

size_t fi_large_usable(size_t bytes) {
    return fi_round_up(bytes, fi_os_page_bytes());
}

static unsigned granules_for(size_t bytes) {
    return (unsigned)fi_divide_up(bytes, FI_GRANULE_BYTES);
}

static void count_in(fief *f, size_t bytes) {
    f->count.large_allocations++;
    f->count.large_blocks++;
    f->count.large_bytes += bytes;
    fi_stats_note_memory(f);
}

/* ---- inside an arena ---- */

static void *alloc_run(fief *f, size_t bytes, const fi_large_request *request) {
    bool zeroed = false;
    unsigned granules = granules_for(bytes);
    fi_pool *pool = fi_heap_take_run(f, granules, bytes, request->growing, &zeroed);
    if (pool == NULL)
        return NULL;
    fi_pool_open_large(pool, pool->arena, granules, bytes, FI_POOL_LARGE, f);
    void *block = fi_map_address(pool);
    if (request->zero && !zeroed)
        memset(block, 0, request->bytes);
    return block;
}

static void free_run(fief *f, fi_pool *pool) {
    unsigned granules = pool->capacity;
    size_t bytes = pool->large_bytes;
    for (unsigned i = 0; i < granules; i++)
        fi_pool_close(pool + i);
    fi_heap_give_run(f, pool, granules, bytes);
}

/* ---- huge ---- */

/* A spare one is dirty. */
static fi_arena *take_huge(const fief *f, size_t bytes, size_t alignment) {
    fi_arena *spare = f->source.alloc == NULL && !f->zeroed ? fi_spare_take(bytes, alignment) : NULL;
    return spare != NULL ? spare : fi_arena_take_huge(&f->source, bytes, alignment);
}

static void *alloc_huge(fief *f, size_t bytes, const fi_large_request *request) {
    fi_arena *arena = take_huge(f, bytes, request->alignment);
    if (arena == NULL)
        return NULL;
    if (!fi_heap_add_arena(f, arena)) {
        fi_arena_leave(arena, &f->source, false);
        return NULL;
    }
    fi_pool_open_large(fi_map_pools(arena), arena, 1, bytes, FI_POOL_HUGE, f);
    if (request->zero && (arena->from_provider || arena->dirty_granules != 0))
        memset(arena->start, 0, request->bytes);
    return arena->start;
}

/* `usable_bytes` of it still have their pages. */
static void free_huge(fief *f, fi_pool *pool, size_t usable_bytes) {
    fi_arena *arena = pool->arena;
    fi_pool_close(pool);
    fi_heap_forget_arena(f, arena);
    if (usable_bytes == 0 || !fi_spare_keep(arena, usable_bytes))
        fi_arena_leave(arena, &f->source, false);
}

/* ---- both ---- */

void *fi_large_alloc(fief *f, const fi_large_request *request) {
    if (!fi_misuse_check_handle(f, "fief_alloc"))
        return NULL;
    size_t bytes = fi_large_usable(request->bytes != 0 ? request->bytes : 1);
    if (!fi_heap_charge_at_once(f, bytes))
        return NULL;
    bool huge = bytes > FI_HUGE_BYTES || request->alignment > FI_GRANULE_BYTES;
    void *block = huge ? alloc_huge(f, bytes, request) : alloc_run(f, bytes, request);
    if (block == NULL)
        fi_heap_uncharge(f, bytes);
    else
        count_in(f, bytes);
    return block;
}

void fi_large_free(fief *f, fi_pool *pool) {
    size_t bytes = pool->large_bytes;
    f->count.large_blocks--;
    f->count.large_bytes -= bytes;
    if (pool->state == FI_POOL_HUGE)
        free_huge(f, pool, bytes);
    else
        free_run(f, pool);
    fi_heap_uncharge(f, bytes);
    fi_heap_settle(f);
    fi_stats_note_memory(f);
}

/* ---- resizing ---- */

/* The pages behind a block's new end are dirty, but no longer counted: they go now. */
static void shrink(fief *f, fi_pool *pool, size_t bytes) {
    size_t old_bytes = pool->large_bytes;
    char *block = fi_map_address(pool);
    if (pool->state == FI_POOL_HUGE) {
        fi_pool_resize_large(pool, 1, bytes);
        if (!pool->arena->from_provider)
            fi_os_purge(block + bytes, old_bytes - bytes);
    } else {
        unsigned granules = pool->capacity, kept = granules_for(bytes);
        fi_pool_resize_large(pool, kept, bytes);
        size_t last_end = kept * FI_GRANULE_BYTES < old_bytes ? kept * FI_GRANULE_BYTES : old_bytes;
        if (!pool->arena->from_provider)
            fi_os_purge(block + bytes, last_end - bytes);
        if (kept < granules) {
            fi_store_relaxed(&pool[kept].arena, pool->arena);
            fi_heap_give_run(f, pool + kept, granules - kept, old_bytes - last_end);
        }
    }
    fi_heap_uncharge(f, old_bytes - bytes);
    fi_heap_settle(f);
}

static bool grow_in_place(fief *f, fi_pool *pool, size_t bytes) {
    if (pool->state == FI_POOL_HUGE) {
        size_t reserved = pool->arena->bytes;
        bool extended = fi_arena_extend_huge(pool->arena, &f->source, pool->large_bytes, bytes);
        f->count.reserved_bytes += pool->arena->bytes - reserved;
        if (extended)
            fi_pool_resize_large(pool, 1, bytes);
        return extended;
    }
    if (bytes > FI_HUGE_BYTES)
        return false;
    unsigned granules = pool->capacity, needed = granules_for(bytes);
    if (needed == granules ? bytes > fi_arena_run_bytes(pool->arena, fi_map_granule(pool), granules)
                           : !fi_heap_extend_run(f, pool, granules, needed - granules, bytes))
        return false;
    fi_pool_resize_large(pool, needed, bytes);
    return true;
}

/* New address space for a huge block, its pages moved there. */
static void *grow_by_moving(fief *f, fi_pool *pool, size_t bytes) {
    size_t old_bytes = pool->large_bytes;
    if (pool->state != FI_POOL_HUGE || pool->arena->from_provider || fi_source_gives_arenas(&f->source))
        return NULL;
    fi_arena *arena = fi_arena_take_huge_of_system(bytes, FI_UNIT_BYTES);
    if (arena == NULL)
        return NULL;
    if (!fi_heap_add_arena(f, arena)) {
        fi_arena_leave(arena, &f->source, false);
        return NULL;
    }
    if (!fi_os_move_pages(pool->arena->start, arena->start, old_bytes)) {
        fi_heap_forget_arena(f, arena);
        fi_arena_leave(arena, &f->source, false);
        return NULL;
    }
    fi_pool_open_large(fi_map_pools(arena), arena, 1, bytes, FI_POOL_HUGE, f);
    free_huge(f, pool, 0);
    f->count.large_allocations++;
    return arena->start;
}

/* Giving pages back takes a system call: a few of them are not worth one. */
static bool is_worth_shrinking(size_t old_bytes, size_t bytes) {
    return old_bytes - bytes >= FI_GRANULE_BYTES || bytes < old_bytes / 2;
}

void *fi_large_resize(fief *f, fi_pool *pool, size_t bytes, bool *refused) {
    size_t old_bytes = pool->large_bytes;
    bytes = fi_large_usable(bytes);
    void *block = fi_map_address(pool);
    if (bytes <= old_bytes) {
        if (!is_worth_shrinking(old_bytes, bytes))
            return block;
        shrink(f, pool, bytes);
    } else {
        *refused = !fi_heap_charge_at_once(f, bytes - old_bytes);
        if (*refused)
            return NULL;
        if (!grow_in_place(f, pool, bytes) && (block = grow_by_moving(f, pool, bytes)) == NULL) {
            fi_heap_uncharge(f, bytes - old_bytes);
            return NULL;
        }
    }
    f->count.large_bytes += bytes - old_bytes;
    fi_stats_note_memory(f);
    return block;
}
