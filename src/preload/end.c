#include "preload/end.h"

#include "adapter/launch.h"
#include "adapter/launch_stats.h"
#include "fief/debug.h"
#include "preload/tenant.h"

static fi_launch_stats used = {.tenant = "thread"};

void fi_end_count(const fief *f, const fief_stats *stats) {
    if (fi_launch_get()->stats)
        fi_launch_stats_add(&used, fief_name(f), stats);
}

static void finish(fief *f) {
    fief_stats stats;
    (void)fief_poll(f);
    if (fi_launch_get()->check)
        (void)fief_check(f);
    if (fi_launch_get()->leaks)
        (void)fief_leaks_report(f, FIEF_TEXT, NULL, NULL);
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    fi_end_count(f, &stats);
}

__attribute__((destructor)) static void end(void) {
    const fi_launch *asked = fi_launch_get();
    if (!asked->check && !asked->leaks && !asked->stats)
        return;
    if (asked->leaks)
        (void)fief_leaks_suppress("tag:^" FI_TENANT_RECORD "$");
    fi_tenant_each(finish);
    if (asked->stats)
        fi_launch_stats_tell(&used);
}
