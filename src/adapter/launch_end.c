#include "adapter/launch_end.h"

#include "adapter/launch.h"
#include "fief/debug.h"

static void tell_part(const char *text, size_t bytes, void *arg) {
    (void)arg;
    fi_launch_tell(text, bytes);
}

void fi_launch_end_heap(fief *f, fi_launch_stats *figures) {
    fief_stats stats;
    (void)fief_poll(f);
    if (fi_launch_get()->check)
        (void)fief_check(f);
    if (fi_launch_get()->leaks)
        (void)fief_leaks_report(f, FIEF_TEXT, tell_part, NULL);
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    fi_launch_stats_add(figures, fief_name(f), &stats);
}

void fi_launch_end(const fi_launch_stats *figures) {
    if (fi_launch_get()->stats)
        fi_launch_stats_tell(figures);
}
