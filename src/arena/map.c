#include "arena/map.h"

#include "base/atomics.h"
#include "base/bits.h"
#include "base/check.h"
#include "os/os.h"

fi_map fi_the_map;
const fi_pool fi_no_pool;

/* An entry of `heads` from here on is the low bits of an owner's id; below, it is a slot. */
#define TOMBSTONE (UINT32_C(1) << 31)
static_assert(FI_MOST_UNITS <= TOMBSTONE, "a slot is never taken for a tombstone");

/* The tables, one behind the other in a single mapping. */
typedef struct layout {
    size_t pools, remote, arenas, heads, used, end;
} layout;

static size_t place(size_t *end, size_t bytes) {
    size_t at = *end;
    *end = fi_round_up(at + bytes, fi_os_page_bytes());
    return at;
}

static layout lay_out(size_t units) {
    layout l = {0};
    size_t granules = units * FI_UNIT_GRANULES;
    l.pools = place(&l.end, granules * sizeof(fi_pool));
    l.remote = place(&l.end, granules * FI_REMOTE_WORDS * sizeof(uint64_t));
    l.arenas = place(&l.end, units * sizeof(fi_arena));
    l.heads = place(&l.end, units * sizeof(uint32_t));
    l.used = place(&l.end, fi_divide_up(units, 64) * sizeof(uint64_t));
    return l;
}

bool fi_map_init(size_t units) {
    layout l = lay_out(units);
    char *base = fi_os_map_zeros(l.end);
    if (base == NULL)
        return false;
    if (!fi_os_enable(base + l.used, l.end - l.used)) {
        fi_os_release(base, l.end);
        return false;
    }
    fi_the_map = (fi_map){.pools = (fi_pool *)(base + l.pools),
                          .remote = (uint64_t *)(base + l.remote),
                          .arenas = (fi_arena *)(base + l.arenas),
                          .heads = (uint32_t *)(base + l.heads),
                          .used = (uint64_t *)(base + l.used)};
    fi_the_map.used[0] = 1; /* so that 0 can stand for no unit, and for no pool */
    fi_store_release(&fi_the_map.units, units);
    return true;
}

static bool enable(void *table, size_t entry_bytes, size_t first, size_t count) {
    size_t from = fi_round_down((size_t)table + first * entry_bytes, fi_os_page_bytes());
    size_t to = fi_round_up((size_t)table + (first + count) * entry_bytes, fi_os_page_bytes());
    return fi_os_enable((void *)from, to - from);
}

/* A stripe is a gibibyte of the window: one bit of `enabled`, a handful of system calls, once. */
enum { STRIPE_UNITS = 4096, MOST_STRIPES = FI_MOST_UNITS / STRIPE_UNITS };
static uint8_t enabled[MOST_STRIPES]; /* under FI_RANK_PROCESS */

static bool enable_stripe(size_t stripe) {
    size_t first = stripe * STRIPE_UNITS;
    size_t units = fi_the_map.units - first < STRIPE_UNITS ? fi_the_map.units - first : STRIPE_UNITS;
    size_t granule = first * FI_UNIT_GRANULES, granules = units * FI_UNIT_GRANULES;
    return enable(fi_the_map.pools, sizeof(fi_pool), granule, granules) &&
           enable(fi_the_map.remote, FI_REMOTE_WORDS * sizeof(uint64_t), granule, granules) &&
           enable(fi_the_map.arenas, sizeof(fi_arena), first, units) &&
           enable(fi_the_map.heads, sizeof(uint32_t), first, units);
}

bool fi_map_enable(size_t first_unit, size_t units) {
    FI_ASSERT(first_unit + units <= fi_the_map.units);
    for (size_t stripe = first_unit / STRIPE_UNITS; stripe * STRIPE_UNITS < first_unit + units; stripe++) {
        if (enabled[stripe])
            continue;
        if (!enable_stripe(stripe))
            return false;
        enabled[stripe] = 1;
    }
    return true;
}

/* A host may give an address range again that has other entries now: the living come before the dead. */
fi_arena *fi_map_find(const void *p) {
    uintptr_t address = (uintptr_t)p;
    fi_arena *dead = NULL;
    if (fi_load_acquire(&fi_the_map.units) == 0) /* nothing was ever created */
        return NULL;
    for (unsigned alternate = 0; alternate < FI_MAP_ALTERNATES; alternate++) {
        uint32_t head = fi_load_acquire(&fi_the_map.heads[fi_map_slot(address, alternate)]);
        if (head == 0 || head >= TOMBSTONE)
            continue;
        fi_arena *arena = &fi_the_map.arenas[head];
        uintptr_t start = (uintptr_t)fi_load_relaxed(&arena->start);
        if (address - start >= fi_load_relaxed(&arena->bytes))
            continue;
        if (fi_load_acquire(&arena->owner) != NULL)
            return arena;
        dead = dead == NULL ? arena : dead;
    }
    return dead;
}

/* ---- the dead ---- */

/* Units whose entries fill whole pages of every table. */
static size_t group_units(void) {
    return fi_os_page_bytes() / sizeof(fi_arena);
}

/* In use, or with nothing to forget. */
static bool is_to_stay(size_t first, size_t units) {
    bool any = false;
    for (size_t i = first; i < first + units; i++) {
        if ((fi_the_map.used[i / 64] >> (i % 64) & 1) != 0)
            return true;
        any = any || (fi_the_map.heads[i] != 0 && fi_the_map.heads[i] < TOMBSTONE);
    }
    return !any;
}

static void raise_first_generation(const fi_pool *pools, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (pools[i].generation > fi_the_map.first_generation)
            fi_the_map.first_generation = pools[i].generation;
}

/* The host may put anything where its memory was: that leaves no tombstone. */
static uint32_t inscription(const fi_arena *arena) {
    return arena->owner_id != 0 && !arena->from_provider ? TOMBSTONE | (uint32_t)arena->owner_id : 0;
}

/* An arena may end in another group than it begins in. */
static void bury_arena(uint32_t slot) {
    const fi_arena *arena = &fi_the_map.arenas[slot];
    uint32_t tombstone = inscription(arena);
    for (size_t i = slot; i < slot + (arena->bytes >> FI_UNIT_SHIFT); i++)
        if (fi_the_map.heads[i] == slot)
            fi_store_release(&fi_the_map.heads[i], tombstone);
}

fi_map_forget_fn *fi_map_on_forget;

static void forget(size_t first, size_t units) {
    for (size_t i = first; i < first + units; i++) {
        uint32_t head = fi_the_map.heads[i];
        if (head == 0 || head >= TOMBSTONE)
            continue;
        bool retaken =
            (fi_the_map.used[head / 64] >> (head % 64) & 1) != 0; /* its arena's entry is another's since */
        if (!retaken)
            bury_arena(head);
        if (fi_the_map.heads[i] == head)
            fi_store_release(&fi_the_map.heads[i], 0);
    }
    size_t granule = first * FI_UNIT_GRANULES, granules = units * FI_UNIT_GRANULES;
    raise_first_generation(fi_the_map.pools + granule, granules);
    fi_os_purge(fi_the_map.pools + granule, granules * sizeof(fi_pool));
    fi_os_purge(fi_the_map.remote + granule * FI_REMOTE_WORDS, granules * FI_REMOTE_WORDS * sizeof(uint64_t));
    fi_os_purge(fi_the_map.arenas + first, units * sizeof(fi_arena));
    if (fi_map_on_forget != NULL)
        fi_map_on_forget(granule, granules);
}

void fi_map_forget_dead(void) {
    size_t units = group_units() < fi_the_map.units ? group_units() : fi_the_map.units;
    for (size_t first = 0; first < fi_the_map.units; first += units)
        if (enabled[first / STRIPE_UNITS] && !is_to_stay(first, units))
            forget(first, units);
}

uint64_t fi_map_tombstone(const void *p) {
    if (fi_load_acquire(&fi_the_map.units) == 0)
        return 0;
    uint32_t head = fi_load_acquire(&fi_the_map.heads[fi_map_slot((uintptr_t)p, 0)]);
    if (head < TOMBSTONE)
        return 0;
    uint64_t recent = fi_load_relaxed(&fi_the_map.recent_owner);
    int32_t behind = (int32_t)(((uint32_t)recent - head) << 1) / 2; /* of the low 31 bits, with a sign */
    return recent - (uint64_t)(int64_t)behind;
}
