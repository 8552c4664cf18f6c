#include "debug/audit.h"

#include "debug/quarantine.h"
#include "debug/walk.h"
#include "heap/pools.h"

#include <string.h>

/* What a policy of ABORT would end, an audit goes on from: it is asked what there is, all of it. */
typedef struct audit {
    fi_release how;
    size_t wrong;
    uint64_t live; /* blocks seen */
} audit;

static void tell(fief *f, audit *a, const void *where, const char *what) {
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_CORRUPTION,
                             .operation = a->how.operation,
                             .pointer = where,
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f,
                             .site = a->how.site,
                             .goes_on = true,
                             .told = what});
    a->wrong++;
}

/* ---- blocks ---- */

static bool look_at_block(fief *f, const fi_spot *spot, void *arg) {
    audit *a = arg;
    fi_record_state state = fi_record_state_of(spot->record);
    if (state != FI_RECORD_LIVE && state != FI_RECORD_SENT)
        return true;
    a->live++;
    if (!fi_spot_is_sound(spot))
        tell(f, a, spot->block, "the block's record has no size that fits its slot");
    else if (f->debug->fills)
        a->wrong += fi_fence_check(f, spot, &a->how);
    return true;
}

static void look_at_blocks(fief *f, audit *a) {
    fi_walk(f, look_at_block, a);
    if (!fi_quarantine_check(f, &a->wrong))
        tell(f, a, f, "the list of blocks that are held back is broken");
    if (a->live != f->count.watched_blocks)
        tell(f, a, f, "the count of live blocks is not that of the records");
}

/* ---- lists ---- */

/* A free block is in a pool of this heap's, and marked as free. Returns how many the list has. */
static size_t look_at_list(fief *f, audit *a, const fi_block *list) {
    size_t count = 0, most = f->count.reserved_bytes / FI_LEAST_BLOCK_BYTES;
    for (const fi_block *b = list; b != fi_heap_sentinel(f); b = b->next, count++) {
        if (count > most) {
            tell(f, a, list, "a list of free blocks has no end");
            return count;
        }
        if (!fi_heap_is_linkable(f, b)) {
            tell(f, a, b, "a free block's link leads out of the heap");
            return count;
        }
        if (b->mark != (uintptr_t)b) {
            tell(f, a, b, "a free block's mark was written to");
            return count;
        }
    }
    return count;
}

static void look_at_pool(fief *f, audit *a, fi_pool *pool) {
    if (!fi_pool_is_small(pool))
        return;
    fi_heap_own_end(f, pool);
    size_t before = a->wrong, count = look_at_list(f, a, pool->free);
    if (a->wrong == before && count != fi_pool_free_count(pool))
        tell(f, a, fi_pool_start(pool, f), "a pool's list has not the blocks that it counts");
}

static void look_at_lists(fief *f, audit *a) {
    for (uint32_t i = 0; i < f->arena_end; i++) {
        const fi_arena *arena = f->arenas[i];
        for (unsigned granule = 0; arena != NULL && granule < arena->granules; granule++)
            if ((arena->free_granules >> granule & 1) == 0)
                look_at_pool(f, a, fi_map_pools(arena) + granule);
    }
    FI_FOR_TOUCHED (f, c) {
        look_at_list(f, a, *fi_heap_list(f, c));
    }
}

/* ---- all ---- */

size_t fi_audit(fief *f, const void *site) {
    audit a = {.how = FI_RELEASE("fief_check", site)};
    uint8_t kept[sizeof f->policies], kept_default = f->on_misuse;
    for (size_t i = 0; i < sizeof kept; i++) {
        kept[i] = f->policies[i];
        f->policies[i] = kept[i] == FIEF_POLICY_ABORT ? FIEF_POLICY_REPORT : kept[i];
    }
    f->on_misuse = kept_default == FIEF_MISUSE_ABORT ? FIEF_MISUSE_REPORT : kept_default;
    look_at_lists(f, &a);
    if (f->own_lists != NULL)
        look_at_blocks(f, &a);
    memcpy(f->policies, kept, sizeof kept);
    f->on_misuse = kept_default;
    return a.wrong;
}
