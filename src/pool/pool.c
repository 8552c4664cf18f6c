#include "pool/pool.h"

#include "base/atomics.h"
#include "base/check.h"
#include "os/os.h"

/* ---- the seqlock of a descriptor: odd while its owner changes it ---- */

static void begin_change(fi_pool *pool) {
    uint32_t generation = pool->generation != 0 ? pool->generation : fi_the_map.first_generation;
    fi_store_relaxed(&pool->generation, generation + 1);
}

static void end_change(fi_pool *pool) {
    fi_store_release(&pool->generation, pool->generation + 1);
}

/* ---- opening and closing ---- */

void fi_pool_open(fi_pool *pool, fi_arena *arena, unsigned size_class, char *start, void *owner) {
    unsigned granule = (unsigned)(pool - fi_map_pools(arena));
    char *end = arena->start + ((size_t)granule << FI_GRANULE_SHIFT) + fi_arena_run_bytes(arena, granule, 1);
    begin_change(pool);
    pool->free = owner;
    fi_store_release(&pool->base, (uintptr_t)start + (uintptr_t)owner);
    fi_store_release(&pool->multiplier, fi_size_classes[size_class].multiplier);
    fi_store_release(&pool->limit, 0);
    pool->count = 1;
    pool->floor = -1;
    fi_store_release(&pool->carved, 0);
    pool->capacity = (uint16_t)fi_class_divide(size_class, (size_t)(end - start));
    fi_store_release(&pool->size_class, (uint8_t)size_class);
    fi_store_release(&pool->state, FI_POOL_CURRENT);
    fi_store_release(&pool->arena, arena);
    end_change(pool);
}

static void open_tail(fi_pool *pool, fi_arena *arena, unsigned behind) {
    begin_change(pool);
    fi_store_release(&pool->limit, 0);
    fi_store_release(&pool->carved, (uint16_t)behind);
    fi_store_release(&pool->size_class, FI_TAIL_CLASS);
    fi_store_release(&pool->state, FI_POOL_TAIL);
    fi_store_release(&pool->arena, arena);
    end_change(pool);
}

void fi_pool_open_large(fi_pool *first, fi_arena *arena, unsigned granules, size_t bytes, fi_pool_state state,
                        void *owner) {
    begin_change(first);
    fi_store_release(&first->arena, arena);
    fi_store_release(&first->limit, 0);
    fi_store_release(&first->base, (uintptr_t)fi_map_address(first) + (uintptr_t)owner);
    fi_store_release(&first->large_bytes, bytes);
    fi_store_release(&first->carved, 0);
    first->capacity = (uint16_t)granules;
    fi_store_release(&first->state, (uint8_t)state);
    end_change(first);
    for (unsigned i = 1; i < granules; i++)
        open_tail(first + i, arena, i);
}

void fi_pool_open_guarded(fi_pool *pool, fi_arena *arena, size_t bytes, unsigned places, void *owner) {
    fi_pool_open_large(pool, arena, 1, bytes, FI_POOL_GUARDED, owner);
    begin_change(pool);
    fi_store_release(&pool->carved, (uint16_t)places);
    end_change(pool);
}

void fi_pool_resize_large(fi_pool *first, unsigned granules, size_t bytes) {
    for (unsigned i = first->capacity; i < granules; i++)
        open_tail(first + i, first->arena, i);
    for (unsigned i = granules; i < first->capacity; i++)
        fi_pool_close(first + i);
    first->capacity = (uint16_t)granules;
    fi_store_release(&first->large_bytes, bytes);
}

void fi_pool_move_start(fi_pool *first, ptrdiff_t bytes) {
    begin_change(first);
    fi_store_release(&first->base, first->base + (uintptr_t)bytes);
    fi_store_release(&first->large_bytes, first->large_bytes - (size_t)bytes);
    end_change(first);
}

void fi_pool_rebase(fi_pool *pool, uintptr_t bytes) {
    fi_store_release(&pool->base, pool->base + bytes);
}

void fi_pool_close(fi_pool *pool) {
    begin_change(pool);
    fi_store_release(&pool->limit, 0);
    fi_store_release(&pool->state, FI_POOL_NONE);
    end_change(pool);
}

/* ---- blocks ---- */

/* Two words at once: a block's link and its mark. */
typedef uintptr_t words __attribute__((vector_size(2 * sizeof(uintptr_t)), aligned(sizeof(uintptr_t)), may_alias));

fi_block *fi_pool_carve(fi_pool *pool, void *owner, unsigned count) {
    FI_ASSERT(count > 0 && pool->carved + count <= pool->capacity);
    fi_block *first = fi_pool_block(pool, owner, pool->carved);
    size_t bytes = fi_class_bytes(pool->size_class);
    char *at = (char *)first;
    words block = {(uintptr_t)at + bytes, (uintptr_t)at};
    for (unsigned i = 1; i < count; i++) {
        *(words *)at = block;
        block += bytes;
        at += bytes;
    }
    *(fi_block *)at = (fi_block){owner, (uintptr_t)at};

    pool->count += count;
    fi_store_relaxed(&pool->carved, (uint16_t)(pool->carved + count));
    fi_store_relaxed(&pool->limit, pool->carved * fi_class_excess(pool->size_class));
    return first;
}

fi_block *fi_pool_take(fi_pool *pool, void *owner) {
    fi_block *list = pool->free;
    FI_ASSERT(list != owner);
    pool->free = owner;
    pool->count += fi_pool_free_count(pool);
    return list;
}

fi_block *fi_pool_take_some(fi_pool *pool, void *owner, unsigned count) {
    if (fi_pool_free_count(pool) <= count)
        return fi_pool_take(pool, owner);
    fi_block *list = pool->free, *last = list;
    for (unsigned i = 1; i < count; i++)
        last = last->next;
    pool->free = last->next;
    last->next = owner;
    pool->count += count;
    return list;
}

/* ---- rings ---- */

static fi_pool *at(uint32_t index) {
    return &fi_the_map.pools[index];
}

void fi_ring_push(uint32_t *ring, fi_pool *pool, bool at_front) {
    uint32_t index = fi_map_index(pool);
    if (*ring == 0) {
        pool->next = pool->prev = index;
        *ring = index;
        return;
    }
    fi_pool *front = at(*ring);
    pool->next = *ring;
    pool->prev = front->prev;
    at(front->prev)->next = index;
    front->prev = index;
    if (at_front)
        *ring = index;
}

void fi_ring_remove(uint32_t *ring, fi_pool *pool) {
    uint32_t index = fi_map_index(pool);
    if (pool->next == index) {
        *ring = 0;
        return;
    }
    at(pool->prev)->next = pool->next;
    at(pool->next)->prev = pool->prev;
    if (*ring == index)
        *ring = pool->next;
}

void fi_ring_join(uint32_t *ring, uint32_t other) {
    if (*ring == 0 || other == 0) {
        *ring |= other;
        return;
    }
    fi_pool *front = at(*ring), *other_front = at(other);
    uint32_t last = front->prev, other_last = other_front->prev;
    at(last)->next = other;
    other_front->prev = last;
    at(other_last)->next = *ring;
    front->prev = other_last;
}
