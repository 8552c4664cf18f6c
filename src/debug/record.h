/* What is recorded of each block of a watched heap: one cache line, outside of the memory that programs write to.
 *
 * A granule that a watched heap has used has a sheet of records, for good: so a block's record is found by
 * arithmetic, by any thread, at any time, and the blocks of an ended interpreter can still be told of until
 * another pool is opened there. What a sheet costs beyond address space is the records that were used since.
 *
 * The owner writes, under its lock; but whoever frees another's block takes its state from LIVE to SENT first, and
 * writes `freed` then. Others read at any time, and find what may be changing: they show it, and trust none of it.
 */
#ifndef FI_DEBUG_RECORD_H
#define FI_DEBUG_RECORD_H

#include "base/atomics.h"
#include "fief/debug.h"
#include "heap/tracer.h"
#include "pool/pool.h"

typedef enum fi_record_state {
    FI_RECORD_NONE = 0, /* never handed out since its pool was opened */
    FI_RECORD_LIVE,
    FI_RECORD_SENT, /* freed by another, not yet home */
    FI_RECORD_HELD, /* freed, in quarantine */
    FI_RECORD_FREE  /* freed, its memory back in its pool */
} fi_record_state;

/* Who, when, and from where. */
typedef struct fi_event {
    fi_trace trace;
    uint32_t thread;
    uint32_t ms; /* see fi_debug_ms */
} fi_event;

typedef struct fi_record {
    uint64_t serial; /* of the allocation; 0: none yet */
    uint64_t size;   /* requested */
    uint64_t next;   /* HELD, or a guarded place that rests: fi_record_ref of the one behind it; FREE, or NONE: the
                        link that was written to its block, 0 if its pool's carving wrote it */
    fief_id freed_by;
    fi_event made, freed;
    uint8_t state;           /* fi_record_state */
    uint8_t alignment_shift; /* of the request */
    fief_domain domain;
    uint8_t room_shift; /* LARGE, HUGE: its memory begins 2^room_shift bytes before it */
    fief_tag tag;
    uint16_t offset; /* guarded: where the block begins in its page */
} fi_record;

static_assert(sizeof(fi_record) == 64, "a record is one cache line");

enum {
    FI_LEAST_SLOT_BYTES = 32,                                        /* of a watched block with its guard */
    FI_SHEET_RECORDS = (1 << FI_GRANULE_SHIFT) / FI_LEAST_SLOT_BYTES /* the last is never a block's */
};

#define FI_SHEET_BYTES (FI_SHEET_RECORDS * sizeof(fi_record))

/* One for each granule: NULL until it has one. The table is made before the first watched handle. */
extern fi_record **fi_sheets;

/* Makes the table; false on exhaustion, and it may be tried again. */
FI_MUST_USE bool fi_records_init(void);

/* Makes a granule's records usable. False on exhaustion. */
FI_MUST_USE bool fi_records_enable(const fi_pool *pool);

/* The same, the first `count` of them NONE. */
FI_MUST_USE bool fi_records_open(const fi_pool *pool, unsigned count);

/* NULL if there are no records, or none of that index. Any thread. */
static inline fi_record *fi_record_of(const fi_pool *pool, unsigned index) {
    fi_record **sheets = fi_load_acquire(&fi_sheets);
    fi_record *sheet = sheets != NULL ? fi_load_acquire(&sheets[fi_map_index(pool)]) : NULL;
    return sheet != NULL && index < FI_SHEET_RECORDS - 1 ? sheet + index : NULL;
}

static inline fi_record_state fi_record_state_of(const fi_record *record) {
    return (fi_record_state)fi_load_acquire(&record->state);
}

/* For those who read while it is written. */
static inline void fi_event_store(fi_event *to, fi_event event) {
    fi_store_relaxed(&to->trace, event.trace);
    fi_store_relaxed(&to->thread, event.thread);
    fi_store_relaxed(&to->ms, event.ms);
}

/* Which record it is: lists of records are linked by these and not by addresses, so that a link that was
 * overwritten leads to nothing worse than another record. 0 is none. */
typedef uint64_t fi_record_ref;

static inline fi_record_ref fi_record_ref_to(const fi_pool *pool, unsigned index) {
    return ((uint64_t)fi_map_index(pool) << 16 | index) + 1;
}

/* False: there is no such record. */
static inline bool fi_record_find(fi_record_ref ref, fi_pool **pool, unsigned *index) {
    uint64_t granule = (ref - 1) >> 16;
    if (ref == 0 || granule >= fi_the_map.units * FI_UNIT_GRANULES)
        return false;
    *pool = &fi_the_map.pools[granule];
    *index = (unsigned)((ref - 1) & 0xFFFF);
    return fi_record_of(*pool, *index) != NULL;
}

#endif
