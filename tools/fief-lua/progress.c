#define _POSIX_C_SOURCE 200809L

#include "progress.h"

#include "figures.h"
#include "process.h"

#include <stdio.h>
#include <unistd.h>

#define PLAIN_INTERVAL_NS UINT64_C(5000000000)

static const char clear_line[] = "\r\033[K";

void progress_begin(progress *p, bool silent, unsigned state_count) {
    *p = (progress){
        .silent = silent,
        .on_terminal = isatty(STDERR_FILENO) != 0,
        .state_count = state_count,
        .begin_ns = process_clock_ns(),
    };
    p->told_ns = p->begin_ns;
}

void progress_show(progress *p, unsigned ended_count, uint64_t turn_count) {
    uint64_t now_ns = process_clock_ns();
    bool is_last = ended_count == p->state_count;
    bool due = p->on_terminal || is_last || now_ns - p->told_ns >= PLAIN_INTERVAL_NS;
    if (p->silent || !due)
        return;
    p->told_ns = now_ns;
    fprintf(stderr, "%s%s of %s states ended, %s turns, %s resident, %s%s", p->on_terminal ? clear_line : "",
            figure_of_count(ended_count).text, figure_of_count(p->state_count).text,
            figure_of_count(turn_count).text, figure_of_bytes(process_memory_now().resident_bytes).text,
            figure_of_ns(now_ns - p->begin_ns).text, p->on_terminal ? "" : "\n");
}

void progress_end(const progress *p) {
    if (!p->silent && p->on_terminal)
        fputs(clear_line, stderr);
}
