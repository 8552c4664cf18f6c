#define _GNU_SOURCE 1 /* program_invocation_short_name */
#include "adapter/launch_stats.h"

#include "adapter/launch.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- counting ---- */

/* Peaks are of different times: their sum is no peak. */
static void sum_up(fief_stats *sum, const fief_stats *one) {
    sum->live_blocks += one->live_blocks;
    sum->live_bytes += one->live_bytes;
    sum->allocations += one->allocations;
    sum->remote_in += one->remote_in;
    sum->foreign_out += one->foreign_out;
    sum->late_out += one->late_out;
    sum->misuses += one->misuses;
    sum->limit_failures += one->limit_failures;
}

void fi_launch_stats_add(fi_launch_stats *s, const char *name, const fief_stats *stats) {
    sum_up(&s->total, stats);
    unsigned used = s->count < FI_LAUNCH_STATS_ROWS ? (unsigned)s->count : FI_LAUNCH_STATS_ROWS;
    unsigned place = used;
    s->count++;
    while (place > 0 && s->rows[place - 1].stats.charged_peak_bytes < stats->charged_peak_bytes)
        place--;
    if (place == FI_LAUNCH_STATS_ROWS) {
        sum_up(&s->others, stats);
        return;
    }
    if (used == FI_LAUNCH_STATS_ROWS)
        sum_up(&s->others, &s->rows[--used].stats);
    fi_launch_row *row = &s->rows[place];
    memmove(row + 1, row, (used - place) * sizeof *row);
    row->stats = *stats;
    snprintf(row->name, sizeof row->name, "%s", name);
}

/* ---- telling ---- */

/* `width` 0: as wide as it is. */
static void add_count(fi_text *t, int width, uint64_t count) {
    char room[FI_TEXT_COUNT_BYTES];
    fi_text_add(t, "%*s", width, fi_text_count(room, count));
}

static void add_name(fi_text *t, const char *name) {
    fi_text_add(t, "  %-*s", FI_LAUNCH_STATS_NAME_BYTES, name);
}

static void add_row(fi_text *t, const char *name, const fief_stats *stats) {
    add_name(t, name);
    add_count(t, 11, stats->live_blocks);
    add_count(t, 15, stats->live_bytes);
    if (stats->charged_peak_bytes != 0)
        add_count(t, 15, stats->charged_peak_bytes);
    else
        fi_text_add(t, "%15s", "");
    add_count(t, 15, stats->allocations);
    add_count(t, 9, stats->foreign_out);
    add_count(t, 9, stats->limit_failures);
    fi_text_add(t, "\n");
}

static void add_table(fi_text *t, const fi_launch_stats *s) {
    add_name(t, s->tenant);
    fi_text_add(t, "%11s%15s%15s%15s%9s%9s\n", "live blocks", "live bytes", "peak bytes", "allocations", "foreign",
                "refused");
    for (unsigned i = 0; i < FI_LAUNCH_STATS_ROWS && i < s->count; i++)
        add_row(t, s->rows[i].name, &s->rows[i].stats);
    if (s->count > FI_LAUNCH_STATS_ROWS) {
        char name[32];
        snprintf(name, sizeof name, "%" PRIu64 " others", s->count - FI_LAUNCH_STATS_ROWS);
        add_row(t, name, &s->others);
    }
    if (s->count > 1)
        add_row(t, "all", &s->total);
}

/* Nothing of what there was none of. */
static void add_if_any(fi_text *t, const char *what, uint64_t count) {
    if (count == 0)
        return;
    fi_text_add(t, "  %s ", what);
    add_count(t, 0, count);
    fi_text_add(t, "\n");
}

static void add_rest(fi_text *t, const fi_launch_stats *s) {
    fief_leaks leaks;
    struct rusage usage;
    fief_leaks_read(&leaks);
    add_if_any(t, "blocks that came home from others:", s->total.remote_in);
    add_if_any(t, "late frees:", s->total.late_out);
    add_if_any(t, "other misuse:", s->total.misuses);
    add_if_any(t, "blocks left by those that ended:", leaks.blocks);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        add_if_any(t, "most resident memory of the process, KiB:", (uint64_t)usage.ru_maxrss);
}

void fi_launch_stats_tell(const fi_launch_stats *s) {
    int saved = errno;
    char bytes[4096];
    fi_text t = FI_TEXT(bytes);
    fi_text_add(&t, "fief: what %.64s (process %ld) used\n", program_invocation_short_name, (long)getpid());
    add_table(&t, s);
    add_rest(&t, s);
    fi_launch_tell(t.bytes, t.length);
    errno = saved;
}
