#include "heap/refill.h"

#include "heap/charge.h"
#include "heap/misuse.h"
#include "heap/pools.h"
#include "heap/remote.h"
#include "heap/stats.h"

enum {
    LEAST_CHUNK_BYTES = 1024, /* carved at once: as much as is carved already, between these two */
    MOST_CHUNK_BYTES = 4 * 1024,
    LEAST_LIST_BYTES = 4 * 1024, /* how long lists may get, in a small heap and in a large one */
    MOST_LIST_BYTES = 16 * 1024,
    BORROW_BYTES = 2048,    /* a class borrows that much before it gets a pool */
    LEAST_LOAN_BYTES = 512, /* of it at once, after a first block */
    MOST_LOAN_BYTES = 1024,
    HOT_FREES = 4096 /* at most between two refills: what a refill takes in and sends waits no longer */
};

static fi_pool *current_pool(const fief *f, unsigned size_class) {
    uint32_t index = f->classes[size_class].current;
    return index != 0 ? &fi_the_map.pools[index] : NULL;
}

static fi_block *listed(fief *f, fi_block *list, unsigned blocks) {
    f->count.listed += blocks;
    return list;
}

static fi_block *take_all(fief *f, fi_pool *pool) {
    unsigned blocks = fi_pool_free_count(pool);
    return listed(f, fi_pool_take(pool, f), blocks);
}

/* ---- what has come back ---- */

/* Taking a list costs a dozen nanoseconds, however long it is. A class that takes many short ones is given more
 * blocks, so that they become longer: up to a share of the heap. */
static void lengthen(fief *f, unsigned size_class) {
    unsigned classes = fi_count_bits(f->touched[0]) + fi_count_bits(f->touched[1]);
    size_t bytes = f->count.charged_bytes / (8 * classes);
    bytes = bytes < LEAST_LIST_BYTES ? LEAST_LIST_BYTES : bytes > MOST_LIST_BYTES ? MOST_LIST_BYTES : bytes;
    size_t most = bytes / fi_class_bytes(size_class);
    size_t twice = 2U * f->worth[size_class];
    size_t worth = twice < most ? twice : most;
    f->worth[size_class] = (uint8_t)(worth < f->worth[size_class] ? f->worth[size_class]
                                     : worth < 255                ? worth
                                                                  : 255);
    f->patience[size_class] = FI_PATIENCE;
}

static fi_block *collect(fief *f, unsigned size_class) {
    fi_pool *pool = current_pool(f, size_class);
    if (pool != NULL) {
        unsigned free = fi_pool_free_count(pool);
        if (free >= f->worth[size_class] || (free > 0 && pool->carved == pool->capacity))
            return take_all(f, pool);
        if (pool->carved < pool->capacity)
            return NULL;
        fi_heap_retire_current(f, size_class);
    }
    uint32_t ready = f->classes[size_class].ready;
    if (ready == 0)
        return NULL;
    pool = &fi_the_map.pools[ready];
    fi_heap_make_current(f, pool);
    return fi_pool_free_count(pool) > 0 ? take_all(f, pool) : NULL; /* else there is room to carve */
}

/* ---- what is new ---- */

/* Charges for `blocks` more of a pool and carves them. */
static fi_charge carve(fief *f, fi_pool *pool, unsigned blocks, bool *pressed, fi_block **list) {
    unsigned room = (unsigned)(pool->capacity - pool->carved);
    blocks = blocks < room ? blocks : room;
    size_t bytes = fi_pool_extent(pool, f, pool->carved + blocks) - fi_pool_extent(pool, f, pool->carved);
    if (bytes > 0) { /* else they lie on pages that are charged already */
        fi_charge charge = fi_heap_charge(f, bytes, pressed);
        fi_stats_note_memory(f);
        if (charge != FI_CHARGED)
            return charge;
    }
    *list = listed(f, fi_pool_carve(pool, f, blocks), blocks);
    return FI_CHARGED;
}

static unsigned chunk_blocks(const fief *f, const fi_pool *pool) {
    size_t block = fi_class_bytes(pool->size_class);
    size_t bytes = pool->carved * block;
    bytes = bytes < LEAST_CHUNK_BYTES ? LEAST_CHUNK_BYTES : bytes > MOST_CHUNK_BYTES ? MOST_CHUNK_BYTES : bytes;
    unsigned blocks = (unsigned)(bytes / block), worth = f->worth[pool->size_class];
    return blocks > worth ? blocks : worth;
}

/* A small heap would touch an OS page for each class it uses. Until a class has proved its need it takes its
 * blocks from the next power of two's pool instead. */
static unsigned lender_of(unsigned size_class) {
    size_t bytes = fi_class_bytes(size_class);
    size_t lent = bytes <= 32 ? 32 : (size_t)1 << (fi_highest_bit(bytes - 1) + 1);
    return (unsigned)(lent - 1) >> 3;
}

static bool borrows(const fief *f, unsigned size_class) {
    return !fi_heap_is_coarse(size_class) && lender_of(size_class) != size_class &&
           f->count.reserved_bytes < FI_SMALL_HEAP_BYTES &&
           f->borrowed[size_class] < BORROW_BYTES / FI_BORROW_UNIT_BYTES;
}

static fi_pool *pool_to_carve(fief *f, unsigned size_class) {
    fi_pool *pool = current_pool(f, size_class);
    return pool != NULL ? pool : fi_heap_open_pool(f, size_class);
}

/* One at first, since many classes are met but once; then as many as have been borrowed so far, between two
 * bounds. */
static unsigned lent_blocks(size_t borrowed_bytes, size_t block) {
    if (borrowed_bytes == 0)
        return 1;
    size_t bytes = borrowed_bytes < LEAST_LOAN_BYTES  ? LEAST_LOAN_BYTES
                   : borrowed_bytes < MOST_LOAN_BYTES ? borrowed_bytes
                                                      : MOST_LOAN_BYTES;
    return (unsigned)(bytes / block); /* the largest lent are of LEAST_LOAN_BYTES */
}

static fi_charge borrow(fief *f, unsigned size_class, bool *pressed, fi_block **list) {
    unsigned lender = lender_of(size_class);
    size_t lent_bytes = fi_class_bytes(lender);
    unsigned blocks = lent_blocks(f->borrowed[size_class] * FI_BORROW_UNIT_BYTES, lent_bytes);

    fi_pool *pool = current_pool(f, lender);
    fi_charge charge = FI_CHARGED;
    if (pool != NULL && fi_pool_free_count(pool) > 0) {
        if (blocks > fi_pool_free_count(pool) || f->own_lists != NULL) /* its links are looked at one by one */
            blocks = fi_pool_free_count(pool);
        *list = listed(f, fi_pool_take_some(pool, f, blocks), blocks);
    } else {
        if (pool != NULL && pool->carved == pool->capacity)
            fi_heap_retire_current(f, lender);
        pool = pool_to_carve(f, lender);
        charge = pool != NULL ? carve(f, pool, blocks, pressed, list) : FI_CHARGE_REFUSED;
    }
    if (charge == FI_CHARGED) {
        size_t borrowed = f->borrowed[size_class] + blocks * lent_bytes / FI_BORROW_UNIT_BYTES;
        f->borrowed[size_class] = (uint8_t)(borrowed < UINT8_MAX ? borrowed : UINT8_MAX);
    }
    return charge;
}

static fi_charge grow(fief *f, unsigned size_class, bool *pressed, fi_block **list) {
    if (f->classes[size_class].current == 0 && borrows(f, size_class))
        return borrow(f, size_class, pressed, list);
    fi_pool *pool = pool_to_carve(f, size_class);
    return pool != NULL ? carve(f, pool, chunk_blocks(f, pool), pressed, list) : FI_CHARGE_REFUSED;
}

/* ---- what is left ---- */

/* At the limit: the few blocks that have come back to pools which count as full, or are current. */
static fi_block *scrape(fief *f, unsigned size_class) {
    for (uint32_t i = 0; i < f->arena_end; i++) {
        const fi_arena *arena = f->arenas[i];
        for (unsigned granule = 0; arena != NULL && granule < arena->granules; granule++) {
            fi_pool *pool = fi_map_pools(arena) + granule;
            if ((arena->free_granules >> granule & 1) != 0 || !fi_pool_is_small(pool) ||
                pool->size_class != size_class || fi_pool_free_count(pool) == 0)
                continue;
            fi_heap_own_end(f, pool);
            fi_block *list = take_all(f, pool);
            if (pool->state != FI_POOL_CURRENT)
                fi_heap_drained(f, pool);
            return list;
        }
    }
    return NULL;
}

/* At the limit: what another class would hand out next. */
static fi_block *take_list(fief *f, unsigned size_class) {
    fi_block *list = *fi_heap_list(f, size_class);
    *fi_heap_list(f, size_class) = fi_heap_sentinel(f);
    return list != fi_heap_sentinel(f) ? list : NULL;
}

/* The callback of a pressed allocation may have allocated, and so refilled the list itself. */
static bool list_is_empty(fief *f, unsigned size_class) {
    return *fi_heap_list(f, size_class) == fi_heap_sentinel(f);
}

/* One block of the list is handed out, the rest is for the fast path. NULL: it has been written to, and is given
 * up. */
static inline void *hand_out(fief *f, unsigned size_class, fi_block *list) {
    *fi_heap_list(f, size_class) = list->next;
    if (FI_LIKELY(list->mark == (uintptr_t)list)) {
        list->mark = 0;
        return list;
    }
    *fi_heap_list(f, size_class) = list;
    fi_misuse_written_after_free(f, size_class);
    return NULL;
}

/* The list that the class goes on with; NULL on exhaustion. */
static fi_block *find_list(fief *f, unsigned size_class) {
    bool pressed = false;
    for (;;) {
        fi_remote_take_in(f);
        if (!list_is_empty(f, size_class))
            return *fi_heap_list(f, size_class);
        fi_block *list = collect(f, size_class);
        if (list != NULL)
            return list;
        fi_charge charge = grow(f, size_class, &pressed, &list);
        if (charge == FI_CHARGED)
            return list;
        if (charge == FI_CHARGE_AGAIN)
            continue;
        if (!list_is_empty(f, size_class))
            return *fi_heap_list(f, size_class);
        list = scrape(f, size_class);
        if (list == NULL && !fi_heap_is_coarse(size_class)) {
            list = take_list(f, lender_of(size_class));
            list = list != NULL ? list : scrape(f, lender_of(size_class));
            f->borrowed[size_class] |= list != NULL; /* so that its blocks are counted as what they are */
        }
        return list;
    }
}

FI_SLOW static void *find_block(fief *f, unsigned size_class) {
    for (;;) {
        fi_block *list = find_list(f, size_class);
        void *block = list != NULL ? hand_out(f, size_class, list) : NULL;
        if (block != NULL || list == NULL)
            return block;
    }
}

/* Of a heap that samples, each block that is handed out may be the one to watch. */
static inline void grant_hot(fief *f, unsigned size_class) {
    fi_heap_grant_hot(f, size_class, f->attention_at == UINT64_MAX ? HOT_FREES : 0);
}

FI_SLOW static void *refill_slow(fief *f, unsigned size_class) {
    if (!fi_misuse_check_handle(f, "fief_alloc"))
        return NULL;
    if (!list_is_empty(f, size_class))
        fi_misuse_written_after_free(f, size_class);
    if (f->patience[size_class] == 0)
        lengthen(f, size_class);
    grant_hot(f, size_class);
    f->touched[size_class / 64] |= UINT64_C(1) << (size_class % 64);
    return find_block(f, size_class);
}

/* By far the most frequent case comes first: enough has come back to the current pool, and nothing else is due. */
void *fi_heap_refill(fief *f, unsigned size_class) {
    fi_pool *pool = &fi_the_map.pools[f->classes[size_class].current];
    f->fast.sentinel_mark = 0;
    if (FI_LIKELY(fi_pool_free_count(pool) >= f->worth[size_class] && f->patience[size_class] > 0 &&
                  list_is_empty(f, size_class) && fi_load_relaxed(&f->slot->remote_summary) == 0)) {
        f->patience[size_class]--;
        grant_hot(f, size_class);
        void *block = hand_out(f, size_class, take_all(f, pool));
        return FI_LIKELY(block != NULL) ? block : find_block(f, size_class);
    }
    return refill_slow(f, size_class);
}
