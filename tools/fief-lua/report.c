#include "report.h"

#include "figures.h"
#include "layout.h"

#include <lua.h>
#include <stdio.h>

static const char *plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

void report_begin(const options *o) {
    printf("fief-lua %d.%d.%d, %s: %s state%s of %u script%s on %u thread%s%s\n", FIEF_VERSION_MAJOR,
           FIEF_VERSION_MINOR, FIEF_VERSION_PATCH, LUA_RELEASE, figure_of_count(o->state_count).text,
           plural(o->state_count), o->script_count, plural(o->script_count), o->thread_count,
           plural(o->thread_count), o->migrate && o->thread_count > 1 ? ", every turn on another" : "");
    printf("A turn takes %s instructions. Each state's heap: blocks aligned to %zu bytes, ",
           figure_of_count((unsigned)o->slice_instructions).text, o->alignment);
    if (o->limit_bytes != 0)
        printf("at most %s.\n", figure_of_bytes(o->limit_bytes).text);
    else
        printf("no limit.\n");
    fflush(stdout);
}

/* ---- time ---- */

static void print_step(const char *name, const step *s, unsigned state_count) {
    printf("  %-24s %12s %14s %14s\n", name, figure_of_ns(s->total_ns).text,
           figure_of_ns(s->total_ns / state_count).text, figure_of_ns(s->longest_ns).text);
}

static void print_times(const options *o, const measurements *m) {
    layout_rule("time");
    printf("  %-24s %12s %14s %14s\n", "", "All states", "Each, mean", "Longest");
    print_step("create heap and state", &m->create, o->state_count);
    printf("  %-24s %12s\n", "run", figure_of_ns(m->run_ns).text);
    printf("  %-24s %12s %14s\n", "  processor time", figure_of_ns(m->run_processor_ns).text,
           figure_of_ns(m->run_processor_ns / o->state_count).text);
    print_step("lua_close", &m->close, o->state_count);
    print_step("fief_destroy", &m->destroy, o->state_count);
    printf("  %-24s %12s\n", "fief_trim(NULL)", figure_of_ns(m->trim_ns).text);
}

/* ---- what is left ---- */

static void print_difference(const char *name, size_t before_bytes, size_t after_bytes) {
    bool grew = after_bytes >= before_bytes;
    size_t bytes = grew ? after_bytes - before_bytes : before_bytes - after_bytes;
    printf("  %-24s %12s %s\n", name, figure_of_bytes(bytes).text, grew ? "more" : "less");
}

static void print_memory(const measurements *m) {
    layout_rule("resident memory of the process");
    printf("  %-24s %12s\n", "before the first state", figure_of_bytes(m->before.resident_bytes).text);
    printf("  %-24s %12s\n", "at its peak", figure_of_bytes(m->peak_resident_bytes).text);
    printf("  %-24s %12s\n", "after the last state", figure_of_bytes(m->after.resident_bytes).text);
    print_difference("difference", m->before.resident_bytes, m->after.resident_bytes);
    print_difference("  without libraries' code", m->before.anonymous_bytes, m->after.anonymous_bytes);
}

static void print_conduct(const measurements *m) {
    layout_rule("conduct");
    printf("  %-24s %12s    %s\n", "blocks never freed", figure_of_count(m->leaks.blocks).text,
           figure_of_bytes(m->leaks.bytes).text);
    printf("  %-24s %12s\n", "foreign frees", figure_of_count(m->foreign_frees).text);
    printf("  %-24s %12s\n", "late frees", figure_of_count(m->leaks.late_frees).text);
}

void report_end(const options *o, const measurements *m, unsigned failed_state_count) {
    print_times(o, m);
    print_memory(m);
    print_conduct(m);
    printf("  %-24s %12s    of %s\n", "states that failed", figure_of_count(failed_state_count).text,
           figure_of_count(o->state_count).text);
}
