#include "debug/links.h"

#include "heap/pools.h"

/* A block that was never handed out, nor given back, is linked to the place behind it. */
static bool is_as_written(fief *f, const fi_spot *spot, const fi_block *next) {
    uint64_t written = spot->record->next;
    if (next == fi_heap_sentinel(f))
        return true;
    return written != 0 ? (uintptr_t)next == written : (const char *)next == spot->block + spot->slot_bytes;
}

static void tell(fief *f, const fi_spot *spot, const char *operation) {
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_WRITE_AFTER_FREE,
                             .operation = operation,
                             .pointer = spot->block,
                             .block = spot->block,
                             .block_bytes = spot->slot_bytes,
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f,
                             .goes_on = true});
}

void fi_links_give(fief *f, const fi_spot *spot) {
    spot->record->next = (uintptr_t)spot->pool->free;
    fi_heap_take_back(f, spot->pool, (fi_block *)(void *)spot->block);
}

void fi_links_check(fief *f, unsigned size_class, const fi_spot *taken) {
    fi_block **list = fi_heap_list(f, size_class);
    if (FI_LIKELY(is_as_written(f, taken, *list)))
        return;
    *list = fi_heap_sentinel(f);
    tell(f, taken, "an allocation");
}

/* The first block of a list is one of the heap's: it was there, or a link that was looked at led to it. */
void fi_links_flush(fief *f) {
    FI_FOR_TOUCHED (f, c) {
        fi_block **list = fi_heap_list(f, c);
        while (*list != fi_heap_sentinel(f)) {
            fi_block *block = *list, *next = block->next;
            fi_spot spot = fi_spot_at(f, (char *)block);
            bool linked = is_as_written(f, &spot, next), marked = block->mark == (uintptr_t)block;
            *list = linked && marked ? next : fi_heap_sentinel(f);
            if (!linked || !marked)
                tell(f, &spot, "a look at free memory");
            if (!marked)
                break;
            f->count.listed--;
            fi_links_give(f, &spot);
        }
    }
}
