/* What a watched handle has besides its heap. Used under its lock, like the handle, except where noted. */
#ifndef FI_DEBUG_STATE_H
#define FI_DEBUG_STATE_H

#include "debug/guard.h"
#include "debug/record.h"
#include "heap/watch.h"
#include "os/os.h"

/* Freed blocks, oldest first, linked through their records. */
typedef struct fi_quarantine {
    fi_record_ref oldest, newest; /* 0: none */
    fi_spot first;                /* the oldest's, if it is one; sent for ahead of its time */
    fi_record *last;              /* the newest's, if there is one */
    size_t bytes;                 /* of their slots */
    size_t most_bytes;
} fi_quarantine;

/* Traces of one frame are looked up here first: a program has few sites at a time. */
enum { FI_SITES = 64 };
typedef struct fi_site {
    const void *pc;
    fi_trace trace;
} fi_site;

struct fi_debug {
    uint8_t level; /* fief_debug; OFF: it only samples */
    bool fills;    /* false where a tool watches the memory itself */
    bool tells_leaks;
    uint64_t serial;   /* of the last allocation */
    uint64_t break_at; /* 0: never */
    uint32_t now_ms;   /* as of some allocations ago */
    fi_quarantine quarantine;
    fi_guards guards;

    /* Who is inside a verb; read and written by whoever is. */
    uint64_t inside_thread; /* 0: nobody */
    const char *inside_operation;

    fi_block *lists[FI_CLASSES];
    fi_site sites[FI_SITES];
};

/* The trace of a call, by the heap's level. */
FI_SLOW fi_trace fi_debug_trace_slow(fief *f, const void *site);

static inline fi_trace fi_debug_trace(fief *f, const void *site) {
    const fi_site *known = &f->debug->sites[((uintptr_t)site >> 2) % FI_SITES];
    return FI_LIKELY(known->pc == site) ? known->trace : fi_debug_trace_slow(f, site);
}

/* What this call and this moment are. `site` is where the verb returns to; its thread is inside the handle. */
static inline fi_event fi_event_now(fief *f, const void *site) {
    return (fi_event){
        .trace = fi_debug_trace(f, site), .thread = (uint32_t)f->debug->inside_thread, .ms = f->debug->now_ms};
}

/* The same without a handle: of a heap that is watched at `level`. Any thread. */
fi_event fi_event_elsewhere(unsigned level, const void *site);

/* All of a record but its links, its place and its state. Others may be reading. */
void fi_record_write(fi_record *record, const fi_request *request, uint64_t serial, fi_event made,
                     size_t alignment);

/* Milliseconds since fief first watched anything, modulo 2^32. */
uint32_t fi_debug_ms(void);

/* A thread inside a handle; and who was inside when it came, which is itself or nobody. */
typedef struct fi_visit {
    uint64_t self, previous;
} fi_visit;

/* Another thread is inside. Told. */
FI_COLD void fi_debug_meet(fief *f, uint64_t other, const char *operation, const void *site);

/* Between these two a thread is inside the handle. A second one that comes in is told. No read-modify-write: of
 * two that come in at the same moment, the one whose number was overwritten learns of the other when it leaves. */
static inline fi_visit fi_debug_enter(fief *f, const char *operation, const void *site) {
    fi_debug *debug = f->debug;
    fi_visit visit = {fi_os_thread_id(), fi_load_relaxed(&debug->inside_thread)};
    if (FI_UNLIKELY(visit.previous != 0 && visit.previous != visit.self)) {
        fi_debug_meet(f, visit.previous, operation, site);
        visit.previous = 0;
    }
    fi_store_relaxed(&debug->inside_thread, visit.self);
    fi_store_relaxed(&debug->inside_operation, operation);
    return visit;
}

static inline void fi_debug_leave(fief *f, fi_visit visit) {
    fi_debug *debug = f->debug;
    uint64_t inside = fi_load_relaxed(&debug->inside_thread);
    if (FI_UNLIKELY(inside != visit.self && inside != 0))
        fi_debug_meet(f, inside, "leaving a verb", NULL);
    else
        fi_store_relaxed(&debug->inside_thread, visit.previous);
}

/* A block is handed out; and has come back. */
static inline void fi_debug_count_in(fief *f, size_t size) {
    f->count.watched_allocations++;
    f->count.watched_blocks++;
    f->count.watched_bytes += size;
}

static inline void fi_debug_count_out(fief *f, size_t size) {
    f->count.watched_blocks--;
    f->count.watched_bytes -= size;
}

/* An allocation's number; a look at the clock now and then. */
static inline uint64_t fi_debug_next_serial(fi_debug *debug) {
    enum { CLOCK_EVERY = 64 }; /* each look would cost more than the rest */
    if (FI_UNLIKELY(debug->serial % CLOCK_EVERY == 0))
        debug->now_ms = fi_debug_ms();
    return ++debug->serial;
}

#endif
