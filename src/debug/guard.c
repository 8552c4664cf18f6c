#include "debug/guard.h"

#include "base/check.h"
#include "debug/fill.h"
#include "debug/state.h"
#include "heap/arenas.h"
#include "heap/charge.h"
#include "os/os.h"

#include <string.h>

enum {
    REGION_BYTES = 1 << 20,
    MOST_BYTES = 1 << 24, /* of one guarded block */
    MOST_GUARDED = 8192,  /* each live one costs the process two mappings; Linux allows some 65,000 */
    MOST_OF_ALL = 24576,  /* of all heaps together */
    MOST_SAMPLED = 64,
    MOST_IN_A_ROW = 64,
    MOST_RESTING_ARENAS = 64,
    PLACES_PER_BLOCK = 2 /* how many places there are for each block: half of them rest */
};

#define NS_PER_SAMPLE UINT64_C(4000000) /* one costs some 30 microseconds, most of it mprotect() */

static uint64_t live_of_all;

/* ---- geometry: in a region every other page is a guard, from the first to the last ---- */

static size_t region_places(void) {
    return (REGION_BYTES / fi_os_page_bytes() - 1) / 2;
}

/* Where the bytes of a place are. */
static char *place_start(char *region, unsigned index) {
    return region + (2 * (size_t)index + 1) * fi_os_page_bytes();
}

static size_t place_bytes(size_t region_bytes, unsigned places) {
    return places > 1 ? fi_os_page_bytes() : region_bytes - 2 * fi_os_page_bytes();
}

size_t fi_guard_place_bytes(const fi_pool_view *view) {
    return place_bytes(view->large_bytes, view->carved);
}

/* How far into its first page a block begins. */
static size_t offset_of(const fi_record *record) {
    size_t offset = fi_load_relaxed(&record->offset);
    return offset < fi_os_page_bytes() ? offset : 0;
}

fi_spot fi_guard_spot(const fief *f, const fi_pool *pool, unsigned index) {
    fi_record *record = fi_record_of(pool, index);
    char *start = place_start(fi_pool_start(pool, f), index);
    char *end = start + place_bytes(pool->large_bytes, pool->carved);
    size_t before = offset_of(record);
    return (fi_spot){.pool = (fi_pool *)(uintptr_t)pool,
                     .index = index,
                     .record = record,
                     .block = start + before,
                     .slot_bytes = (size_t)(end - start) - before,
                     .fence_bytes = before < FI_FENCE_BYTES ? before : FI_FENCE_BYTES};
}

char *fi_guard_place(const fi_pool_view *view, unsigned index) {
    return place_start(view->start, index);
}

char *fi_guard_block(const fi_pool_view *view, unsigned index, const fi_record *record) {
    return fi_guard_place(view, index) + offset_of(record);
}

bool fi_guard_locate(const fi_pool *pool, const fi_pool_view *view, const void *p, unsigned *index, char **block) {
    size_t offset = (size_t)((const char *)p - view->start), page = fi_os_page_bytes();
    if ((const char *)p < view->start || offset >= view->large_bytes)
        return false;
    *index = view->carved > 1 ? (unsigned)((offset / page - (offset >= page)) / 2) : 0;
    const fi_record *record = *index < view->carved ? fi_record_of(pool, *index) : NULL;
    if (record == NULL)
        return false;
    *block = fi_guard_block(view, *index, record);
    return true;
}

/* ---- places ---- */

static fi_spot spot_at(const fief *f, fi_record_ref ref) {
    fi_pool *pool;
    unsigned index;
    bool is_place = fi_record_find(ref, &pool, &index) && pool->state == FI_POOL_GUARDED &&
                    pool->arena->owner == f && index < pool->carved;
    FI_ASSERT(is_place);
    return fi_guard_spot(f, pool, index);
}

static void append(fief *f, fi_guard_queue *queue, const fi_spot *spot) {
    fi_record_ref ref = fi_record_ref_to(spot->pool, spot->index);
    spot->record->next = 0;
    if (queue->oldest == 0)
        queue->oldest = ref;
    else
        spot_at(f, queue->newest).record->next = ref;
    queue->newest = ref;
    queue->count++;
}

/* Places that were never used come before those that rest. */
static void prepend(fi_guard_queue *queue, const fi_pool *pool, unsigned index) {
    fi_record_ref ref = fi_record_ref_to(pool, index);
    fi_record_of(pool, index)->next = queue->oldest;
    if (queue->oldest == 0)
        queue->newest = ref;
    queue->oldest = ref;
    queue->count++;
}

static fi_spot take_oldest(fief *f, fi_guard_queue *queue) {
    fi_spot spot = spot_at(f, queue->oldest);
    FI_ASSERT(queue->count > 0 && fi_record_state_of(spot.record) != FI_RECORD_LIVE);
    queue->oldest = spot.record->next;
    queue->count--;
    return spot;
}

/* An arena of guarded places. NULL on exhaustion. */
static fi_pool *open_arena(fief *f, size_t bytes, unsigned places) {
    fi_arena *arena = fi_arena_take_huge_of_system(bytes, FI_UNIT_BYTES);
    if (arena == NULL)
        return NULL;
    fi_pool *pool = fi_map_pools(arena);
    if (!fi_records_open(pool, places) || !fi_os_forbid(arena->start, bytes) || !fi_heap_add_arena(f, arena)) {
        fi_arena_leave(arena, &f->source, false);
        return NULL;
    }
    fi_pool_open_guarded(pool, arena, bytes, places, f);
    return pool;
}

static void close_arena(fief *f, fi_pool *pool) {
    fi_arena *arena = pool->arena;
    fi_pool_close(pool);
    fi_heap_forget_arena(f, arena);
    fi_arena_leave(arena, &f->source, false);
}

static bool open_region(fief *f) {
    unsigned places = (unsigned)region_places();
    fi_pool *pool = open_arena(f, REGION_BYTES, places);
    if (pool == NULL)
        return false;
    for (unsigned i = places; i-- > 0;)
        prepend(&f->debug->guards.places, pool, i);
    return true;
}

static bool take_place(fief *f, fi_spot *spot) {
    fi_guards *guards = &f->debug->guards;
    fi_guard_queue *places = &guards->places;
    bool fresh = places->oldest != 0 && spot_at(f, places->oldest).record->serial == 0;
    if (!fresh && guards->live + places->count < guards->most * PLACES_PER_BLOCK && !open_region(f) &&
        places->oldest == 0)
        return false;
    if (places->oldest == 0)
        return false;
    *spot = take_oldest(f, places);
    return true;
}

/* A place is free. One that was never opened is not fresh any more, but no worse for it. */
static void put_away(fief *f, const fi_spot *spot) {
    fi_guards *guards = &f->debug->guards;
    if (spot->pool->carved > 1) {
        append(f, &guards->places, spot);
        return;
    }
    append(f, &guards->arenas, spot);
    if (guards->arenas.count > MOST_RESTING_ARENAS)
        close_arena(f, take_oldest(f, &guards->arenas).pool);
}

/* ---- allocation ---- */

static bool charge(fief *f, size_t bytes) {
    bool pressed = true; /* the callback is not for this: there is another way */
    return fi_heap_charge(f, bytes, &pressed) == FI_CHARGED;
}

static size_t data_bytes(size_t size) {
    return fi_round_up(size != 0 ? size : 1, fi_os_page_bytes());
}

static bool take(fief *f, size_t bytes, fi_spot *spot) {
    if (bytes == fi_os_page_bytes())
        return take_place(f, spot);
    fi_pool *pool = open_arena(f, bytes + 2 * fi_os_page_bytes(), 1);
    if (pool != NULL)
        *spot = fi_guard_spot(f, pool, 0);
    return pool != NULL;
}

static void write_record(fief *f, fi_record *r, const fi_request *request, size_t alignment, size_t offset) {
    uint64_t serial = fi_debug_next_serial(f->debug);
    fi_record_write(r, request, serial, fi_event_now(f, request->site), alignment);
    fi_store_relaxed(&r->offset, (uint16_t)offset);
    fi_store_release(&r->state, FI_RECORD_LIVE);
}

/* The page was used before: what is not filled is what its last tenant left. */
static void prepare(const fi_spot *spot, const fi_request *request) {
    if (spot->fence_bytes > 0)
        memset(spot->block - spot->fence_bytes, FI_FENCE, spot->fence_bytes);
    memset(spot->block, request->zero ? 0 : FI_FRESH, request->size);
    memset(spot->block + request->size, FI_FENCE, spot->slot_bytes - request->size);
}

static void *open_place(fief *f, const fi_spot *place, const fi_request *request, size_t alignment, size_t bytes) {
    fi_guards *guards = &f->debug->guards;
    size_t offset = guards->left ? 0 : bytes - fi_round_up(request->size != 0 ? request->size : 1, alignment);
    write_record(f, place->record, request, alignment, offset);
    fi_spot spot = fi_guard_spot(f, place->pool, place->index);
    if (!fi_os_commit(spot.block - offset, bytes)) {
        fi_store_release(&spot.record->state, FI_RECORD_NONE);
        put_away(f, &spot);
        return NULL;
    }
    prepare(&spot, request);
    guards->live++;
    fi_add_relaxed(&live_of_all, 1);
    fi_debug_count_in(f, request->size);
    return spot.block;
}

static bool is_full(const fi_guards *guards) {
    uint64_t all = fi_load_relaxed(&live_of_all);
    return guards->live >= guards->most || (all >= MOST_OF_ALL && all >= guards->most);
}

void *fi_guard_alloc(fief *f, const fi_request *request, size_t alignment) {
    fi_guards *guards = &f->debug->guards;
    size_t most = guards->sample != 0 ? fi_os_page_bytes() : MOST_BYTES;
    if (request->size > most || alignment > fi_os_page_bytes() || is_full(guards) ||
        fi_source_gives_arenas(&f->source))
        return NULL;
    size_t bytes = data_bytes(request->size);
    if (!charge(f, bytes))
        return NULL;
    fi_spot place;
    void *block = take(f, bytes, &place) ? open_place(f, &place, request, alignment, bytes) : NULL;
    if (block == NULL)
        fi_heap_uncharge(f, bytes);
    return block;
}

/* ---- free ---- */

void fi_guard_free(fief *f, const fi_spot *spot) {
    fi_guards *guards = &f->debug->guards;
    size_t bytes = place_bytes(spot->pool->large_bytes, spot->pool->carved);
    char *start = place_start(fi_pool_start(spot->pool, f), spot->index);
    guards->live--;
    fi_sub_acq_rel(&live_of_all, 1);
    fi_heap_uncharge(f, bytes);
    if (!fi_os_forbid(start, bytes))
        fi_fill(spot->block, FI_FREED, spot->record->size);
    else if (f->debug->level == FIEF_DEBUG_GUARD) /* a few sampled pages are cheaper to keep */
        fi_os_purge(start, bytes);
    put_away(f, spot);
}

void fi_guard_drain(fief *f) {
    fi_guards *guards = &f->debug->guards;
    fi_guard_queue *arenas = &guards->arenas;
    while (arenas->oldest != 0)
        close_arena(f, take_oldest(f, arenas).pool);
    if (guards->live > 0)
        return;
    guards->places = (fi_guard_queue){0, 0, 0}; /* all places of all regions */
    for (uint32_t i = 0; i < f->arena_end; i++)
        if (f->arenas[i] != NULL && fi_map_pools(f->arenas[i])->state == FI_POOL_GUARDED)
            close_arena(f, fi_map_pools(f->arenas[i]));
}

static void join_queues(const fief *f, fi_guard_queue *queue, const fi_guard_queue *other) {
    if (other->oldest == 0)
        return;
    if (queue->oldest == 0)
        queue->oldest = other->oldest;
    else
        spot_at(f, queue->newest).record->next = other->oldest;
    queue->newest = other->newest;
    queue->count += other->count;
}

void fi_guard_join(fief *f, fi_guards *other) {
    fi_guards *guards = &f->debug->guards;
    join_queues(f, &guards->places, &other->places);
    join_queues(f, &guards->arenas, &other->arenas);
    guards->live += other->live;
    other->live = 0;
}

/* ---- frozen ---- */

/* Places that rest are inaccessible as they are. */
bool fi_guard_freeze(const fief *f, const fi_pool *pool, bool frozen) {
    size_t bytes = place_bytes(pool->large_bytes, pool->carved);
    bool all = true;
    for (unsigned i = 0; i < pool->carved; i++) {
        char *start = place_start(fi_pool_start(pool, f), i);
        fi_record_state state = fi_record_state_of(fi_record_of(pool, i));
        bool is_used = state == FI_RECORD_LIVE || state == FI_RECORD_SENT;
        if (is_used && !(frozen ? fi_os_freeze(start, bytes) : fi_os_commit(start, bytes)))
            all = false;
    }
    return all;
}

void fi_guard_end(fief *f) {
    fi_sub_acq_rel(&live_of_all, f->debug->guards.live);
}

/* ---- sampling ---- */

/* Xorshift: the distance to the next one must not follow a pattern of the program's. */
static uint64_t next_random(fi_guards *guards) {
    uint64_t x = guards->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return guards->random = x;
}

/* So many of them in a row, then one each NS_PER_SAMPLE. */
static bool has_time(fi_guards *guards) {
    uint64_t now = fi_os_now_ns(), earliest = now - MOST_IN_A_ROW * NS_PER_SAMPLE;
    if (guards->paid_ns > now)
        return false;
    guards->paid_ns = (guards->paid_ns > earliest ? guards->paid_ns : earliest) + NS_PER_SAMPLE;
    return true;
}

bool fi_guard_next_sample(fief *f) {
    fi_guards *guards = &f->debug->guards;
    uint64_t distance = 1 + next_random(guards) % (2 * (uint64_t)guards->sample - 1); /* `sample` on average */
    f->attention_at = f->count.listed + distance;
    return has_time(guards);
}

void fi_guard_begin(fief *f, uint32_t most, uint32_t sample, bool left) {
    fi_guards *guards = &f->debug->guards;
    guards->most = most != 0 ? most : sample != 0 ? MOST_SAMPLED : MOST_GUARDED;
    guards->sample = sample;
    guards->left = left;
    guards->random = (f->id + 1) * UINT64_C(0x9E3779B97F4A7C15);
}
