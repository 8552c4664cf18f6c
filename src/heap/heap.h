/* The handle: one interpreter's heap.
 *
 * It lies at the start of the interpreter's first arena, so that a small heap is a page or two, and so that two
 * handles are never nearer than a unit: the owner check relies on that. The first pool's blocks begin behind it.
 *
 * Everything here is used under the interpreter's lock, by one thread at a time; what others may write is in the
 * slot and in the arenas. */
#ifndef FI_HEAP_HEAP_H
#define FI_HEAP_HEAP_H

#include "base/attributes.h"
#include "base/check.h"
#include "fief/fief.h"
#include "fief/inline.h"
#include "fief/trace.h"
#include "heap/slot.h"
#include "pool/pool.h"

enum {
    FI_HANDLE_BYTES = 3072, /* where the first pool begins; a multiple of 1 KiB keeps its blocks aligned */
    FI_ARENA_LISTS = 5,     /* arenas with 1, 2-3, 4-7, 8-15, 16 free granules */
    FI_INLINE_ARENAS = 8,
    FI_LARGE_GRANULES = 8, /* the largest block inside an arena is half a full one; beyond, it is huge */
    FI_BORROW_UNIT_BYTES = 16,
    FI_PATIENCE = 32
};

enum {
    FI_IN_PRESSURE = 1,                     /* the pressure callback runs */
    FI_IN_CALL = 4,                         /* a call of another's runs in it */
    FI_FROZEN = 2,                          /* its blocks may be read-only */
    FI_LEAK_FORGIVEN = FIEF_LEAK_STRICT + 1 /* all memory is taken back, and nothing in it was a leak */
};

/* Up to so much address space a heap is small: its arenas are, and its classes borrow. */
#define FI_SMALL_HEAP_BYTES (4 * FI_UNIT_BYTES)

#define FI_HUGE_BYTES (FI_LARGE_GRANULES * FI_GRANULE_BYTES - FI_ARENA_GAP_BYTES) /* blocks above are huge */

/* Pools of a size class. Every pool of a class is current, in the ring, or full. */
typedef struct fi_class {
    uint32_t current; /* index of the pool that is allocated from; 0: none */
    uint32_t ready;   /* ring of READY pools */
} fi_class;

/* Plain counters of the owner. Blocks in a list of the handle are neither live nor free:
 *   allocations of small blocks = listed - blocks in lists - what `fast.hot` has left
 *   live small blocks           = used blocks of all pools - blocks in lists
 *   frees                       = allocations - live
 * A watched handle has the blocks that src/debug gives out, and no others; one that samples has both. */
typedef struct fi_counters {
    /* Blocks moved from pools into lists, less those moved back; and hot frees, made and still allowed. */
    uint64_t listed;
    uint64_t large_allocations;
    uint64_t large_blocks;
    uint64_t large_bytes;
    uint64_t watched_allocations; /* by src/debug, which alone knows what is live of them */
    uint64_t watched_blocks;
    uint64_t watched_bytes; /* requested */
    uint64_t pools;
    uint64_t arenas;
    uint64_t reserved_bytes;
    uint64_t charged_bytes; /* pages of carved blocks and of large blocks, and the handle's own page */
    uint64_t charged_peak_bytes;
    uint64_t dirty_bytes; /* free granules' bytes that the system has not got back */
    uint64_t foreign_out;
    uint64_t remote_in;
    uint64_t late_out;
    uint64_t misuses;
    uint64_t limit_failures;
    uint64_t pressure_calls;
    uint64_t immortal_frees;
} fi_counters;

/* Others' blocks on their way home (outbox.h). */
typedef struct fi_outgoing fi_outgoing;
typedef struct fi_outbox {
    fi_outgoing *words; /* FI_OUTBOX_WORDS of them; NULL: none was ever put in */
    uint64_t used;      /* a bit for each that is not empty */
    uint32_t count;     /* blocks put in since all was sent; 0: it is empty */
} fi_outbox;

/* What src/debug knows of a watched handle. */
typedef struct fi_debug fi_debug;
typedef struct fi_details fi_details;

typedef struct fi_exit {
    struct fi_exit *next;
    fief_exit_fn *fn;
    void *arg;
} fi_exit;

struct fief {
    fief_fast fast;
    fi_class classes[FI_CLASSES];
    uint8_t borrowed[FI_FINE_CLASSES]; /* of other classes' blocks, in FI_BORROW_UNIT_BYTES; see refill.c */
    uint8_t worth[FI_CLASSES];         /* blocks that must have come back before they are taken as a list */
    uint8_t patience[FI_CLASSES];      /* lists to take until longer ones are tried for */
    uint64_t touched[2];               /* classes whose list or pools may not be empty */

    fief_id id;
    fi_slot *slot;
    uint8_t state;      /* fief_state */
    uint8_t on_foreign; /* fief_foreign_policy */
    uint8_t on_misuse;  /* fief_misuse_policy */
    bool zeroed;
    uint8_t obstacles;                  /* to its end: FI_IN_PRESSURE, FI_IN_CALL, FI_FROZEN */
    bool shrinking;                     /* most of the heap was freed: give memory back as it comes (purge.c) */
    uint32_t unwinding;                 /* depth of fief_unwind_begin */
    uint8_t policies[FIEF_POLICY_ROOM]; /* fief_policy, by kind */
    uint8_t on_leak;                    /* fief_leak_policy, or FI_LEAK_FORGIVEN */
    bool immortal;                      /* see immortal.h */
    bool has_tables;                    /* which end with it (src/xi/tables.c) */
    uint64_t frozen_failures;           /* an immortal one's; of others not looked at */
    fi_debug *debug;                    /* NULL: nothing of it is watched */
    uint64_t attention_at;              /* once so many blocks were listed, the next allocation is for src/debug */
    fi_block **lists;                   /* by class: what blocks are handed out from */
    fi_block **own_lists;               /* a watched handle has these for it; NULL: the fast ones are */
    uint64_t told_foreign;              /* owners whose foreign blocks have been written of (bit id mod 64) */
    fi_source source;

    fi_arena **arenas;  /* by index; NULL where one was left */
    uint32_t arena_end; /* indices below may be in use */
    uint32_t arena_room;
    fi_arena *arena_lists[FI_ARENA_LISTS];
    fi_arena *inline_arenas[FI_INLINE_ARENAS];

    fief_limit limit;
    size_t gate_bytes;      /* charging beyond takes a closer look (charge.c) */
    size_t soft_gate_bytes; /* where the pressure callback is due next */
    fi_counters count;
    size_t purged_at_bytes; /* charged when shrinking began or went on */
    uint64_t last_tick_ms;
    uint32_t events; /* pools closed, a clock for looking at the clock */

    uint32_t stats_sequence; /* odd while the owner writes `stats` */
    fief_stats stats;        /* published */
    fi_exit *exits;
    struct fi_freelists *freelists; /* NULL: it has none */
    fi_exit *parcels;               /* the callback that ends those that it holds; NULL: it never held one */
    struct fi_exchange *closing;    /* that of its slot, from the beginning of its end on (src/xi); else NULL */

    fief_frames_fn *frames; /* the runtime's own stack, for traces; NULL: none */
    void *frames_arg;

    fi_outbox outbox;
};

static_assert(sizeof(struct fief) <= FI_HANDLE_BYTES, "the handle fits before the first pool");
static_assert(offsetof(struct fief, fast) == 0, "inline.h finds its part at the start");

/* The slot of an arena's owner, living or ended; NULL if it never had one. */
static inline fi_slot *fi_owner_slot(const fi_arena *arena) {
    char *summary = (char *)fi_load_acquire(&arena->remote_summary);
    return summary != NULL ? (fi_slot *)(void *)(summary - offsetof(fi_slot, remote_summary)) : NULL;
}

/* ---- the fast path ---- */

/* Lets the fast paths find the heap's pools by their addresses, or keeps them from it. A handle whose arena has
 * not got the map's entries for its address frees by the slow path alone. */
static inline void fi_heap_open_fast_path(fief *f, const fi_arena *home) {
    bool own_entries = home->slot == fi_map_slot((uintptr_t)home->start, 0);
    f->fast.pools = own_entries ? (char *)fi_the_map.pools : (char *)(uintptr_t)&fi_no_pool;
    f->fast.pool_mask = own_entries ? (fi_the_map.units * FI_UNIT_GRANULES - 1) * sizeof(fi_pool) : 0;
}

static inline void fi_heap_close_fast_path(fief *f) {
    f->fast.pools = (char *)(uintptr_t)&fi_no_pool;
    f->fast.pool_mask = 0;
}

/* ---- lists ---- */

static inline fi_block *fi_heap_sentinel(fief *f) {
    return (fi_block *)f;
}

/* The fine classes' lists, which inline.h allocates from, and the coarse ones' follow one another. */
static inline fi_block **fi_heap_fast_list(fief *f, unsigned size_class) {
    return (fi_block **)(void *)((char *)f + offsetof(fief_fast, lists)) + size_class;
}

static_assert(offsetof(fief_fast, coarse_lists) == offsetof(fief_fast, lists) + FI_FINE_CLASSES * sizeof(void *) &&
                  sizeof((fief_fast *)NULL)->coarse_lists == FI_COARSE_CLASSES * sizeof(void *),
              "one array");

/* The list that blocks of a class are handed out from. */
static inline fi_block **fi_heap_list(const fief *f, unsigned size_class) {
    return &f->lists[size_class];
}

/* The first class from `from` on whose list or pools may not be empty; FI_CLASSES if there is none. */
static inline unsigned fi_heap_next_touched(const fief *f, unsigned from) {
    for (unsigned word = from / 64; word < 2; word++) {
        uint64_t left = f->touched[word] & (word == from / 64 ? ~UINT64_C(0) << (from % 64) : ~UINT64_C(0));
        if (left != 0)
            return word * 64 + fi_lowest_bit(left);
    }
    return FI_CLASSES;
}

#define FI_FOR_TOUCHED(f, c)                                                                                      \
    for (unsigned c = fi_heap_next_touched(f, 0); (c) < FI_CLASSES; (c) = fi_heap_next_touched(f, (c) + 1))

static inline bool fi_heap_is_frozen(const fief *f) {
    return (f->obstacles & FI_FROZEN) != 0;
}

static inline bool fi_heap_is_coarse(unsigned size_class) {
    return size_class >= FI_FINE_CLASSES;
}

#endif
