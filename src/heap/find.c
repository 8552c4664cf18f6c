#include "heap/find.h"

#include "arena/space.h"
#include "heap/pools.h"
#include "heap/remote.h"
#include "heap/watch.h"

static fi_place find_in_small(fi_found *found, const void *p) {
    size_t offset = (size_t)((const char *)p - found->view.start);
    size_t bytes = fi_class_bytes(found->view.size_class);
    if ((const char *)p < found->view.start || offset >= found->view.carved * bytes)
        return FI_PLACE_WILD;
    found->index = (unsigned)fi_class_divide(found->view.size_class, offset);
    found->block = found->view.start + found->index * bytes;
    found->block_bytes = bytes;
    return found->block == p ? FI_PLACE_BLOCK : fi_place_between(p);
}

static fi_place find_in_large(fi_found *found, const void *p) {
    found->block = found->view.start;
    found->block_bytes = found->view.large_bytes;
    if ((size_t)((const char *)p - found->block) >= found->block_bytes) {
        found->block = NULL;
        return FI_PLACE_WILD;
    }
    return found->block == p ? FI_PLACE_BLOCK : fi_place_between(p);
}

/* A granule without a pool held one if its generation ever moved. */
static fi_place find_in_none(const fi_found *found) {
    return fi_load_relaxed(&found->pool->generation) != 0 ? FI_PLACE_GIVEN_BACK : FI_PLACE_WILD;
}

static fi_place find_in_arena(fi_found *found, const void *p) {
    found->pool = fi_map_pools(found->arena) + fi_map_granule_of(found->arena, p);
    if (!fi_pool_snapshot(found->pool, found->owner, &found->view))
        return find_in_none(found);
    if (found->view.state == FI_POOL_TAIL) {
        found->pool -= found->view.carved;
        if (!fi_pool_snapshot(found->pool, found->owner, &found->view))
            return find_in_none(found);
    }
    if (found->view.state == FI_POOL_GUARDED)
        return FI_PLACE_WILD; /* until it is refined */
    bool large = found->view.state == FI_POOL_LARGE || found->view.state == FI_POOL_HUGE;
    return large ? find_in_large(found, p) : find_in_small(found, p);
}

/* Memory that was given back, or forgotten since it was looked at. */
static void find_dead(fi_found *found, const void *p) {
    if (found->slot == NULL)
        found->owner_id = fi_space_holds(p) ? fi_map_tombstone(p) : FIEF_ID_NONE;
    found->place = found->owner_id != FIEF_ID_NONE ? FI_PLACE_GIVEN_BACK : FI_PLACE_WILD;
}

static fi_found look(fi_arena *arena, const void *p) {
    fi_found found = {.place = FI_PLACE_WILD, .arena = arena, .owner_state = FIEF_DEAD};
    if (found.arena != NULL) {
        found.slot = fi_owner_slot(found.arena);
        found.owner_id = fi_load_acquire(&found.arena->owner_id);
        found.owner = found.slot != NULL ? fi_load_acquire(&found.arena->owner) : NULL;
    }
    if (found.owner != NULL)
        found.place = find_in_arena(&found, p);
    else
        find_dead(&found, p);
    fi_found_look_again(&found);
    if (fi_found_is_watched(&found) && found.owner != NULL)
        fi_the_watch.refine(&found, p);
    return found;
}

/* An arena that passes to another owner meanwhile shows something of both. */
fi_found fi_find(const void *p) {
    for (;; fi_os_yield()) {
        fi_arena *arena = fi_map_find(p);
        unsigned passing = arena != NULL ? fi_load_acquire(&arena->passing) : 0;
        fi_found found = look(arena, p);
        if (arena == NULL || (passing % 2 == 0 && fi_load_relaxed(&arena->passing) == passing))
            return found;
    }
}

/* Runtimes that count what they have ask for each block, and more than once. 0: it takes a closer look. */
static size_t small_bytes(const void *p) {
    const fi_pool *pool = fi_map_own_entry(p);
    fi_small found;
    if (pool == NULL || !fi_find_small(pool, p, &found))
        return 0;
    unsigned size_class = fi_load_acquire(&pool->size_class);
    bool is_plain = fi_slot_level(fi_owner_slot(found.arena)) == 0 && size_class < FI_CLASSES;
    return is_plain && fi_find_is_same(pool, &found) ? fi_class_bytes(size_class) : 0;
}

size_t fi_find_usable_bytes(const void *p) {
    size_t bytes = small_bytes(p);
    if (FI_LIKELY(bytes != 0))
        return bytes;
    fi_found found = fi_find(p);
    return found.place == FI_PLACE_BLOCK ? found.block_bytes : 0;
}

/* An interpreter says that it is closing before it closes its pools and leaves its arenas: so who finds one of
 * those gone, and looks again, learns why. */
void fi_found_look_again(fi_found *found) {
    bool same = found->slot != NULL && fi_load_acquire(&found->slot->id) == found->owner_id;
    found->owner_state = same ? (fief_state)fi_load_acquire(&found->slot->state) : FIEF_DEAD;
}

fi_pool *fi_find_own_large(fief *f, const void *p) {
    fi_pool *pool = (fi_pool *)fief_fast_pool_of(f, p);
    uint8_t state = fi_load_acquire(&pool->state);
    bool is_own = (state == FI_POOL_LARGE || state == FI_POOL_HUGE) &&
                  fi_load_relaxed(&pool->base) == (uintptr_t)p + (uintptr_t)f;
    return is_own && !fi_remote_is_sent(pool, pool->generation, 0) ? pool : NULL;
}

/* The mark alone may be the program's: the lists tell for certain. */
bool fi_found_is_free(fief *f, const fi_found *found) {
    if (found->view.state == FI_POOL_LARGE || found->view.state == FI_POOL_HUGE)
        return fi_remote_is_sent(found->pool, found->view.generation, 0);
    const fi_block *block = (const fi_block *)(void *)found->block;
    return block->mark == (uintptr_t)block && fi_heap_is_listed(f, found->pool, block);
}

fi_incident fi_found_incident(const fi_found *found, const void *p, fief *caller, const char *operation) {
    return (fi_incident){.kind = fi_place_misuse(found->place),
                         .operation = operation,
                         .pointer = p,
                         .block = found->block,
                         .block_bytes = found->block_bytes,
                         .owner_slot = found->slot,
                         .owner_id = found->owner_id,
                         .caller = caller};
}

fief_misuse fi_place_misuse(fi_place place) {
    switch (place) {
    case FI_PLACE_GIVEN_BACK:
        return FIEF_MISUSE_DOUBLE_FREE;
    case FI_PLACE_INTERIOR:
        return FIEF_MISUSE_INTERIOR;
    case FI_PLACE_MISALIGNED:
        return FIEF_MISUSE_MISALIGNED;
    case FI_PLACE_WILD:
        return FIEF_MISUSE_WILD;
    case FI_PLACE_BLOCK:
        break;
    }
    return (fief_misuse)0;
}
