#include "preload/end.h"

#include "adapter/launch.h"
#include "adapter/launch_end.h"
#include "fief/debug.h"
#include "preload/tenant.h"

static fi_launch_stats figures = {.tenant = "thread"};

void fi_end_count(const fief *f, const fief_stats *stats) {
    if (fi_launch_get()->stats)
        fi_launch_stats_add(&figures, fief_name(f), stats);
}

static void end_heap(fief *f) {
    fi_launch_end_heap(f, &figures);
}

__attribute__((destructor)) static void end(void) {
    if (!fi_launch_wants_end())
        return;
    if (fi_launch_get()->leaks)
        (void)fief_leaks_suppress("tag:^" FI_TENANT_RECORD "$");
    fi_tenant_each(end_heap);
    fi_launch_end(&figures);
}
