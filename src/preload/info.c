/* What glibc's malloc tells of itself and lets be set. */
#define _GNU_SOURCE 1
#include "preload/tenant.h"

#include "adapter/launch.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

/* Of all heaps; those of other threads as of their last slow path. */
static fief_totals totals(void) {
    fief_totals sum;
    fief *f = fi_tenant_enter();
    if (f != NULL)
        fief_stats_publish(f);
    fi_tenant_leave(f);
    fief_totals_read(&sum);
    return sum;
}

FIEF_API struct mallinfo2 mallinfo2(void) {
    fief_totals sum = totals();
    return (struct mallinfo2){.arena = sum.committed_bytes,
                              .uordblks = sum.live_bytes,
                              .fordblks =
                                  sum.committed_bytes > sum.live_bytes ? sum.committed_bytes - sum.live_bytes : 0};
}

static int as_int(size_t bytes) {
    return bytes < INT32_MAX ? (int)bytes : INT32_MAX;
}

FIEF_API struct mallinfo mallinfo(void) {
    struct mallinfo2 info = mallinfo2();
    return (struct mallinfo){
        .arena = as_int(info.arena), .uordblks = as_int(info.uordblks), .fordblks = as_int(info.fordblks)};
}

FIEF_API void malloc_stats(void) {
    char text[256];
    fief_totals sum = totals();
    int length = snprintf(text, sizeof text,
                          "fief: %" PRIu64 " heaps, %" PRIu64 " blocks live, %" PRIu64 " bytes live, %" PRIu64
                          " bytes committed\n",
                          sum.interpreters, sum.live_blocks, sum.live_bytes, sum.committed_bytes);
    fi_launch_tell(text, (size_t)length);
}

FIEF_API int malloc_info(int options, FILE *stream) {
    if (options != 0)
        return -1;
    fief_totals sum = totals();
    int written = fprintf(stream,
                          "<malloc version=\"fief-1\">\n<heaps count=\"%" PRIu64 "\"/>\n"
                          "<live blocks=\"%" PRIu64 "\" bytes=\"%" PRIu64 "\"/>\n"
                          "<committed bytes=\"%" PRIu64 "\"/>\n</malloc>\n",
                          sum.interpreters, sum.live_blocks, sum.live_bytes, sum.committed_bytes);
    return written < 0 ? -1 : 0;
}

/* There is nothing to keep at the top of anything. */
FIEF_API int malloc_trim(size_t keep_bytes) {
    (void)keep_bytes;
    size_t bytes = fi_tenant_trim_waiting();
    fief *f = fi_tenant_enter();
    if (f != NULL)
        bytes += fief_trim(f);
    fi_tenant_leave(f);
    bytes += fief_trim(NULL);
    return bytes > 0;
}

/* Every setting is accepted, and none means anything here. */
FIEF_API int mallopt(int parameter, int value) {
    (void)parameter;
    (void)value;
    return 1;
}
