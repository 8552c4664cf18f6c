#include "heap/visit.h"

#include "heap/pools.h"
#include "heap/purge.h"
#include "heap/remote.h"
#include "heap/stats.h"
#include "heap/watch.h"

#include <string.h>

enum { MOST_BLOCKS = (1 << FI_GRANULE_SHIFT) / FI_LEAST_BLOCK_BYTES };

typedef struct visit {
    fief *f;
    fief_visitor *visitor;
    void *arg;
} visit;

/* A watched heap's blocks are live by their records, which know their size, too. */
static bool show(const visit *v, const fi_pool *pool, unsigned index, void *block, size_t bytes) {
    if (v->f->debug != NULL) {
        fi_seen seen = {block, bytes};
        if (!fi_the_watch.is_live(v->f, pool, index, &seen))
            return true;
        return v->visitor(seen.block, seen.bytes, v->arg);
    }
    return v->visitor(block, bytes, v->arg);
}

static bool visit_guarded(const visit *v, const fi_pool *pool) {
    unsigned blocks = pool->carved;
    for (unsigned i = 0; i < blocks; i++)
        if (!show(v, pool, i, NULL, 0))
            return false;
    return true;
}

/* The set is made before the first visit, so that the visitor may free what it sees. */
static bool visit_pool(const visit *v, fi_pool *pool) {
    uint64_t free[MOST_BLOCKS / 64];
    memset(free, 0, sizeof free);
    size_t bytes = fi_class_bytes(pool->size_class);
    char *start = fi_pool_start(pool, v->f);
    fi_heap_own_end(v->f, pool);
    for (const fi_block *b = v->f->own_lists != NULL ? fi_heap_sentinel(v->f) : pool->free;
         b != fi_heap_sentinel(v->f); b = b->next) {
        size_t index = fi_class_divide(pool->size_class, (size_t)((const char *)b - start));
        FI_ASSERT((const char *)b >= start && index < pool->carved);
        free[index / 64] |= UINT64_C(1) << (index % 64);
    }
    unsigned carved = pool->carved;
    for (unsigned i = 0; i < carved; i++)
        if ((free[i / 64] >> (i % 64) & 1) == 0 && !show(v, pool, i, start + i * bytes, bytes))
            return false;
    return true;
}

static bool visit_granule(const visit *v, fi_pool *pool) {
    if (fi_pool_is_small(pool))
        return visit_pool(v, pool);
    if (pool->state == FI_POOL_GUARDED)
        return visit_guarded(v, pool);
    if (pool->state != FI_POOL_LARGE && pool->state != FI_POOL_HUGE)
        return true;
    return show(v, pool, 0, fi_pool_start(pool, v->f), pool->large_bytes);
}

static bool visit_arena(const visit *v, fi_arena *arena) {
    if (arena->granules == 0)
        return visit_granule(v, fi_map_pools(arena));
    for (unsigned granule = 0; arena->owner == v->f && granule < arena->granules; granule++)
        if ((arena->free_granules >> granule & 1) == 0 && !visit_granule(v, fi_map_pools(arena) + granule))
            return false;
    return true;
}

/* With the handle's lists emptied, what is not on a pool's list is live. */
void fi_heap_visit(fief *f, fief_visitor *visitor, void *arg) {
    fi_remote_take_in(f);
    if (f->own_lists == NULL)
        fi_heap_flush_lists(f);
    visit v = {f, visitor, arg};
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL && !visit_arena(&v, f->arenas[i]))
            return;
}

static uint64_t committed(const fief *f) {
    return f->count.charged_bytes + f->count.dirty_bytes;
}

size_t fi_heap_trim(fief *f) {
    uint64_t before = committed(f);
    fi_remote_take_in(f);
    if (f->debug != NULL)
        fi_the_watch.drain(f);
    fi_heap_flush_lists(f);
    fi_heap_close_idle(f);
    fi_heap_purge(f);
    fi_stats_publish(f);
    uint64_t after =
        committed(f); /* a host's memory is not purged, and a pool that closes may leave more of it behind */
    return after < before ? before - after : 0;
}
