#include "debug/quarantine.h"

#include "base/tool.h"
#include "debug/fill.h"
#include "debug/large.h"
#include "heap/pools.h"

#include <string.h>

static void tell(fief *f, const fi_spot *spot, const char *operation) {
    size_t size = spot->record->size;
    fi_damage damage = fi_fill_damage(spot->block, FI_FREED, size);
    fi_incident incident = {.kind = FIEF_MISUSE_WRITE_AFTER_FREE,
                            .operation = operation,
                            .pointer = spot->block,
                            .block = spot->block,
                            .block_bytes = size,
                            .owner_slot = f->slot,
                            .owner_id = f->id,
                            .caller = f,
                            .goes_on = true,
                            .damage = damage.first,
                            .damaged_bytes = damage.bytes,
                            .shown = damage.first};
    size_t left = size - (size_t)((const char *)damage.first - spot->block);
    incident.shown_bytes = (unsigned)(left < FI_SHOWN_BYTES ? left : FI_SHOWN_BYTES);
    memcpy(incident.bytes, damage.first, incident.shown_bytes);
    fi_fill(spot->block, FI_FREED, size);
    fi_misuse(&incident);
}

static bool is_intact(fief *f, const fi_spot *spot, const char *operation) {
    if (!f->debug->fills || fi_fill_is_intact(spot->block, FI_FREED, spot->record->size))
        return true;
    tell(f, spot, operation);
    return false;
}

/* Back to the heap. */
static void let_go(fief *f, const fi_spot *spot) {
    fi_store_release(&spot->record->state, FI_RECORD_FREE);
    if (!f->debug->fills)
        fi_tool_reuse(spot->block, sizeof(fi_block));
    if (fi_pool_is_small(spot->pool))
        fi_heap_take_back(f, spot->pool, (fi_block *)(void *)spot->block);
    else
        fi_debug_large_free(f, spot);
}

/* What is next to go was not touched for long: it is sent for while this one is looked at. */
static void make_oldest(fief *f, fi_record *record) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    quarantine->oldest = fi_spot_of(f, fi_record_pool(record), fi_record_index(record));
    __builtin_prefetch(record, 1);
    __builtin_prefetch(quarantine->oldest.block, 1);
    __builtin_prefetch(quarantine->oldest.block + 64, 1);
}

static void release_oldest(fief *f) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    const fi_spot spot = quarantine->oldest;
    fi_record *next = spot.record->next;
    quarantine->bytes -= spot.slot_bytes;
    if (spot.record == quarantine->newest)
        quarantine->newest = NULL;
    else
        make_oldest(f, next);
    is_intact(f, &spot, "a look at freed memory");
    let_go(f, &spot);
}

bool fi_quarantine_drain(fief *f, size_t bytes) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    bool any = quarantine->newest != NULL;
    while (quarantine->bytes > bytes)
        release_oldest(f);
    return any;
}

void fi_quarantine_hold(fief *f, const fi_spot *spot) {
    fi_quarantine *quarantine = &f->debug->quarantine;
    if (quarantine->newest != NULL)
        quarantine->newest->next = spot->record;
    else
        quarantine->oldest = *spot;
    spot->record->next = NULL;
    quarantine->newest = spot->record;
    quarantine->bytes += spot->slot_bytes;
    if (quarantine->bytes > quarantine->most_bytes)
        fi_quarantine_drain(f, quarantine->most_bytes);
}

size_t fi_quarantine_check(fief *f) {
    size_t wrong = 0;
    const fi_quarantine *quarantine = &f->debug->quarantine;
    fi_record *first = quarantine->newest != NULL ? quarantine->oldest.record : NULL;
    for (fi_record *record = first; record != NULL; record = record->next) {
        fi_spot spot = fi_spot_of(f, fi_record_pool(record), fi_record_index(record));
        wrong += !is_intact(f, &spot, "fief_check");
    }
    return wrong;
}
