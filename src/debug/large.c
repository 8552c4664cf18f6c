#include "debug/large.h"

#include "debug/fill.h"
#include "heap/alloc.h"
#include "heap/large.h"
#include "heap/pools.h"

enum { LEAST_ROOM_BYTES = 64 }; /* a cache line, so that a block begins on one as others do */

fi_spot fi_debug_large_alloc(fief *f, size_t bytes, size_t alignment, bool zero) {
    size_t room = alignment > LEAST_ROOM_BYTES ? alignment : LEAST_ROOM_BYTES;
    if (bytes > PTRDIFF_MAX - FI_UNIT_BYTES - room - FI_FENCE_BYTES)
        return (fi_spot){.block = NULL};
    size_t all = room + bytes + FI_FENCE_BYTES;
    char *start = fi_heap_alloc_large(f, all > FI_SMALL_BYTES ? all : FI_SMALL_BYTES + 1, alignment, zero);
    if (start == NULL)
        return (fi_spot){.block = NULL};
    fi_pool *pool = fi_heap_pool_of(f, start);
    if (!fi_records_enable(pool)) {
        fi_large_free(f, pool);
        return (fi_spot){.block = NULL};
    }
    fi_pool_move_start(pool, (ptrdiff_t)room);
    fi_spot spot = fi_spot_of(f, pool, 0);
    fi_store_relaxed(&spot.record->room_shift, (uint8_t)fi_lowest_bit(room));
    return spot;
}

void fi_debug_large_free(fief *f, const fi_spot *spot) {
    fi_pool_move_start(spot->pool, fi_map_address(spot->pool) - spot->block);
    fi_large_free(f, spot->pool);
}
