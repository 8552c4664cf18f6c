/* What a watched handle has besides its heap. Used under its lock, like the handle, except where noted. */
#ifndef FI_DEBUG_STATE_H
#define FI_DEBUG_STATE_H

#include "debug/guard.h"
#include "debug/record.h"
#include "heap/watch.h"

/* Freed blocks, oldest first, linked through their records. */
typedef struct fi_quarantine {
    fi_record_ref oldest, newest; /* 0: none */
    size_t bytes;                 /* of their slots */
    size_t most_bytes;
} fi_quarantine;

struct fi_debug {
    uint8_t level; /* fief_debug; OFF: it only samples */
    bool fills;    /* false where a tool watches the memory itself */
    bool tells_leaks;
    uint64_t serial;   /* of the last allocation */
    uint64_t break_at; /* 0: never */
    uint64_t now_ms;   /* as of some allocations ago */
    fi_quarantine quarantine;
    fi_guards guards;

    /* Who is inside a verb; read and written by whoever is. */
    uint64_t inside_thread; /* 0: nobody */
    const char *inside_operation;

    fi_block *lists[FI_CLASSES];
};

/* What this call and this moment are. `site` is where the verb returns to. */
fi_event fi_event_now(fief *f, const void *site);

/* The same without a handle: of a heap that is watched at `level`. Any thread. */
fi_event fi_event_elsewhere(unsigned level, const void *site);

/* All of a record but its links, its place and its state. Others may be reading. */
void fi_record_write(fi_record *record, const fi_request *request, uint64_t serial, fi_event made,
                     size_t alignment);

/* Milliseconds since fief first watched anything, modulo 2^32. */
uint32_t fi_debug_ms(void);

/* Between these two a thread is inside the handle. A second one that comes in is told. `enter` returns what leave
 * puts back. */
uint64_t fi_debug_enter(fief *f, const char *operation, const void *site);
void fi_debug_leave(fief *f, uint64_t previous);

#endif
