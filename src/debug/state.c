#include "debug/state.h"

#include "os/os.h"

enum { CLOCK_EVERY = 64 }; /* allocations between two looks at the clock: each would cost more than the rest */

uint32_t fi_debug_ms(void) {
    static uint64_t epoch;
    uint64_t now = fi_os_now_ms() + 1, none = 0;
    if (FI_UNLIKELY(fi_load_relaxed(&epoch) == 0))
        (void)fi_cas_acq_rel(&epoch, &none, now);
    return (uint32_t)(now - fi_load_relaxed(&epoch));
}

fi_event fi_event_now(fief *f, const void *site) {
    fi_debug *debug = f->debug;
    if (debug->serial % CLOCK_EVERY == 0)
        debug->now_ms = fi_debug_ms();
    return (fi_event){.trace = debug->level >= FIEF_DEBUG_FULL ? fi_the_tracer.capture(f, site)
                                                               : fi_the_tracer.note(site),
                      .thread = (uint32_t)fi_os_thread_id(),
                      .ms = (uint32_t)debug->now_ms};
}

fi_event fi_event_elsewhere(unsigned level, const void *site) {
    return (fi_event){.trace =
                          level >= FIEF_DEBUG_FULL ? fi_the_tracer.capture(NULL, site) : fi_the_tracer.note(site),
                      .thread = (uint32_t)fi_os_thread_id(),
                      .ms = fi_debug_ms()};
}

void fi_record_write(fi_record *record, const fi_request *request, uint64_t serial, fi_event made,
                     size_t alignment) {
    fi_store_relaxed(&record->serial, serial);
    fi_store_relaxed(&record->size, request->size);
    fi_store_relaxed(&record->freed_by, FIEF_ID_NONE);
    fi_event_store(&record->made, made);
    fi_event_store(&record->freed, (fi_event){0, 0, 0});
    fi_store_relaxed(&record->alignment_shift, (uint8_t)fi_lowest_bit(alignment));
    fi_store_relaxed(&record->domain, request->domain);
    fi_store_relaxed(&record->tag, request->tag);
}

/* ---- one at a time ---- */

FI_COLD static void tell_two(fief *f, uint64_t other, const char *operation, const void *site) {
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_TWO_THREADS,
                             .operation = operation,
                             .pointer = f,
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f,
                             .site = site,
                             .goes_on = true,
                             .other_thread = other,
                             .other_operation = fi_load_relaxed(&f->debug->inside_operation)});
}

/* No read-modify-write: of two threads that come in at the same moment, the one whose number was overwritten
 * learns of the other when it leaves. */
uint64_t fi_debug_enter(fief *f, const char *operation, const void *site) {
    fi_debug *debug = f->debug;
    uint64_t self = fi_os_thread_id(), inside = fi_load_relaxed(&debug->inside_thread);
    if (FI_UNLIKELY(inside != 0 && inside != self)) {
        tell_two(f, inside, operation, site);
        inside = 0;
    }
    fi_store_relaxed(&debug->inside_thread, self);
    fi_store_relaxed(&debug->inside_operation, operation);
    return inside;
}

void fi_debug_leave(fief *f, uint64_t previous) {
    fi_debug *debug = f->debug;
    uint64_t self = fi_os_thread_id(), inside = fi_load_relaxed(&debug->inside_thread);
    if (FI_UNLIKELY(inside != self && inside != 0)) {
        tell_two(f, inside, "leaving a verb", NULL);
        return;
    }
    fi_store_relaxed(&debug->inside_thread, previous);
}
