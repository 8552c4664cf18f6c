#include "table.h"

#include "figures.h"
#include "layout.h"

#include <stdio.h>

enum { MOST_ROWS = 16, FIRST_ROWS = 8, LARGEST_ROWS = MOST_ROWS - FIRST_ROWS };

/* Sums over one or more states. */
typedef struct row {
    uint64_t turns, moves, allocations, live_bytes, committed_bytes, peak_bytes, foreign_frees, run_ns;
} row;

static void add(row *r, const tenant *t) {
    r->turns += t->turn_count;
    r->moves += t->move_count;
    r->allocations += t->stats.allocations;
    r->live_bytes += t->stats.live_bytes;
    r->committed_bytes += t->stats.committed_bytes;
    r->peak_bytes += t->stats.charged_peak_bytes;
    r->foreign_frees += t->stats.foreign_out;
    r->run_ns += t->run_ns;
}

static void print_heading(const char *number) {
    printf("%6s  %-16s %9s %9s %11s %8s %9s %8s %7s %7s\n", number, "Script", "Turns", "Moves", "Allocations",
           "Live", "Committed", "Peak", "Foreign", "Time");
}

static void print_row(uint64_t number, const char *name, const row *r) {
    printf("%6s  %-16.16s %9s %9s %11s %8s %9s %8s %7s %7s\n", figure_of_count(number).text, name,
           figure_of_count(r->turns).text, figure_of_count(r->moves).text, figure_of_count(r->allocations).text,
           figure_of_bytes(r->live_bytes).text, figure_of_bytes(r->committed_bytes).text,
           figure_of_bytes(r->peak_bytes).text, figure_of_count(r->foreign_frees).text,
           figure_of_ns(r->run_ns).text);
}

/* ---- states ---- */

static void print_state(const tenant *t) {
    row r = {0};
    add(&r, t);
    print_row(t->number, options_file_name(t->script), &r);
}

static bool is_larger(const tenant *a, const tenant *b) {
    return b == NULL || a->stats.charged_peak_bytes > b->stats.charged_peak_bytes;
}

/* Of those that come after `previous`, the largest; among equals, the one with the smallest number. */
static const tenant *next_largest(const tenant *tenants, unsigned count, const tenant *previous) {
    const tenant *largest = NULL;
    for (const tenant *t = tenants; t < tenants + count; t++) {
        bool comes_later = previous == NULL || is_larger(previous, t) || (!is_larger(t, previous) && t > previous);
        if (comes_later && is_larger(t, largest))
            largest = t;
    }
    return largest;
}

void table_print_states(const tenant *tenants, unsigned count) {
    unsigned first_count = count <= MOST_ROWS ? count : FIRST_ROWS;
    layout_rule("each state");
    print_heading("State");
    for (unsigned i = 0; i < first_count; i++)
        print_state(&tenants[i]);
    if (first_count == count)
        return;
    printf("%6s  of the other %s states, the largest by peak:\n", "", figure_of_count(count - first_count).text);
    const tenant *t = NULL;
    for (unsigned i = 0; i < LARGEST_ROWS; i++) {
        t = next_largest(tenants + first_count, count - first_count, t);
        print_state(t);
    }
    printf("%6s  %s states are left out here\n", "", figure_of_count(count - MOST_ROWS).text);
}

/* ---- totals ---- */

/* Every `step`th state from `first` on. */
static void print_sum(const char *name, const tenant *tenants, unsigned count, unsigned first, unsigned step) {
    row r = {0};
    unsigned states = 0;
    for (unsigned i = first; i < count; i += step, states++)
        add(&r, &tenants[i]);
    print_row(states, name, &r);
}

void table_print_totals(const tenant *tenants, unsigned count, const options *o) {
    layout_rule("all states");
    print_heading("States");
    if (count > o->script_count)
        for (unsigned script = 0; script < o->script_count; script++)
            print_sum(options_file_name(o->scripts[script]), tenants, count, script, o->script_count);
    print_sum("total", tenants, count, 0, 1);
}
