#include "debug/state.h"

#include "os/os.h"

uint32_t fi_debug_ms(void) {
    static uint64_t epoch;
    uint64_t now = fi_os_now_ms() + 1, none = 0;
    if (FI_UNLIKELY(fi_load_relaxed(&epoch) == 0))
        (void)fi_cas_acq_rel(&epoch, &none, now);
    return (uint32_t)(now - fi_load_relaxed(&epoch));
}

/* From FULL on each call has a stack of its own, and each sample has one: nothing is remembered by the site. */
fi_trace fi_debug_trace_slow(fief *f, const void *site) {
    if (f->debug->level != FIEF_DEBUG_CHECK)
        return fi_the_tracer.capture(f, site);
    fi_site *place = &f->debug->sites[((uintptr_t)site >> 2) % FI_SITES];
    *place = (fi_site){site, fi_the_tracer.note(site)};
    return place->trace;
}

fi_event fi_event_elsewhere(unsigned level, const void *site) {
    return (fi_event){.trace =
                          level != FIEF_DEBUG_CHECK ? fi_the_tracer.capture(NULL, site) : fi_the_tracer.note(site),
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

void fi_debug_meet(fief *f, uint64_t other, const char *operation, const void *site) {
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
