/* report.h - what is printed about the run as a whole, around the outputs and the tables. */
#ifndef FIEF_LUA_REPORT_H
#define FIEF_LUA_REPORT_H

#include "options.h"
#include "process.h"

#include <fief/fief.h>

#include <stddef.h>
#include <stdint.h>

/* One step, made for every state in turn. */
typedef struct step {
    uint64_t total_ns;
    uint64_t longest_ns;
} step;

typedef struct measurements {
    step create, close, destroy;
    uint64_t run_ns;           /* wall time */
    uint64_t run_processor_ns; /* of all threads, inside turns */
    uint64_t trim_ns;
    process_memory before, after;
    size_t peak_resident_bytes;
    uint64_t foreign_frees;
    fief_leaks leaks;
} measurements;

void report_begin(const options *o);
void report_end(const options *o, const measurements *m, unsigned failed_state_count);

#endif
