/* fief-lua: hosts Lua 5.4 states, each on a fief of its own, on any number of threads.
 *
 * It shows what a fief is for. A state's memory is counted and limited by itself; a state moves between threads
 * with nothing but the lock of a queue; a free of another state's block is caught; and when a state ends, all
 * its memory goes back. The report gives the figures. */
#include "figures.h"
#include "host.h"
#include "options.h"
#include "outputs.h"
#include "process.h"
#include "progress.h"
#include "report.h"
#include "scheduler.h"
#include "table.h"
#include "tenant.h"

#include <stdio.h>
#include <stdlib.h>

static void add_time(step *s, uint64_t begin_ns) {
    uint64_t ns = process_clock_ns() - begin_ns;
    s->total_ns += ns;
    s->longest_ns = ns > s->longest_ns ? ns : s->longest_ns;
}

static void create_all(tenant *tenants, const options *o, measurements *m) {
    for (unsigned i = 0; i < o->state_count; i++) {
        uint64_t begin_ns = process_clock_ns();
        tenant_create(tenants, o, i + 1);
        add_time(&m->create, begin_ns);
    }
}

/* State 2 gets a block of state 1's, and frees it after its first turn. */
static void plant_foreign_free(tenant *tenants) {
    if (tenants[0].heap != NULL)
        tenants[1].planted_foreign = fief_alloc(tenants[0].heap, PLANTED_BYTES);
    if (tenants[1].planted_foreign == NULL || tenants[1].ended)
        fputs("fief-lua: no foreign free: the two states that it takes have no memory for it\n", stderr);
}

static void run_all(tenant *tenants, const options *o, measurements *m) {
    progress p;
    uint64_t begin_ns = process_clock_ns();
    progress_begin(&p, o->quiet, o->state_count);
    scheduler_run(tenants, o->state_count, o, &p);
    progress_end(&p);
    m->run_ns = process_clock_ns() - begin_ns;
}

/* The states are closed before any heap is destroyed, so that no block's owner is dead while others still run. */
static void end_all(tenant *tenants, const options *o, measurements *m) {
    for (unsigned i = 0; i < o->state_count; i++) {
        tenant_count(&tenants[i]);
        m->run_processor_ns += tenants[i].run_ns;
        m->foreign_frees += tenants[i].stats.foreign_out;
    }
    for (unsigned i = 0; i < o->state_count; i++) {
        uint64_t begin_ns = process_clock_ns();
        tenant_close(&tenants[i]);
        add_time(&m->close, begin_ns);
    }
    for (unsigned i = 0; i < o->state_count; i++) {
        uint64_t begin_ns = process_clock_ns();
        tenant_destroy(&tenants[i]);
        add_time(&m->destroy, begin_ns);
    }
    uint64_t begin_ns = process_clock_ns();
    fief_trim(NULL);
    m->trim_ns = process_clock_ns() - begin_ns;
    fief_leaks_read(&m->leaks);
}

/* Prints what the states did, then frees what the host has kept for that. Returns how many failed. */
static unsigned print_and_free(tenant *tenants, const options *o) {
    outputs results = {.count = 0};
    for (unsigned i = 0; i < o->state_count; i++)
        outputs_add(&results, &tenants[i]);
    outputs_print(&results);
    table_print_states(tenants, o->state_count);
    table_print_totals(tenants, o->state_count, o);
    unsigned failed_state_count = results.failed_state_count;
    outputs_fini(&results);
    free(tenants);
    process_trim_malloc();
    return failed_state_count;
}

/* Returns how many states failed. */
static unsigned host_states(const options *o) {
    measurements m = {.before = process_memory_now()};
    tenant *tenants = host_alloc_zeros(o->state_count, sizeof *tenants);
    create_all(tenants, o, &m);
    if (o->plant == PLANT_FOREIGN_FREE)
        plant_foreign_free(tenants);
    run_all(tenants, o, &m);
    end_all(tenants, o, &m);
    unsigned failed_state_count = print_and_free(tenants, o);
    m.peak_resident_bytes = process_peak_resident_bytes();
    m.after = process_memory_now();
    report_end(o, &m, failed_state_count);
    return failed_state_count;
}

int main(int argc, char **argv) {
    options o;
    switch (options_parse(&o, argc, argv)) {
    case OPTIONS_DONE:
        return EXIT_SUCCESS;
    case OPTIONS_WRONG:
        return HOST_EXIT_IMPOSSIBLE;
    case OPTIONS_RUN:
        break;
    }
    process_prepare_malloc();
    report_begin(&o);
    return host_states(&o) == 0 ? EXIT_SUCCESS : HOST_EXIT_FAILED;
}
