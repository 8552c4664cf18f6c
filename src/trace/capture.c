/* Walking a stack takes some nanoseconds a frame, and interpreters allocate from few places, over and over. So a
 * thread keeps the facts of its last walks with the trace that each gave: where a walk would begin at the same
 * place, and the facts hold, the trace is known without one. */
#include "trace/capture.h"

#include "base/atomics.h"
#include "heap/heap.h"
#include "os/backtrace.h"
#include "trace/depot.h"

#include <assert.h>
#include <string.h>

enum { USUAL_FRAMES = 16, SETS = 32, WAYS = 2 };

static_assert((int)FI_DEPOT_MOST_FRAMES <= (int)FI_WALK_MOST_FRAMES, "a walk is as long as a stack");

static unsigned depth = USUAL_FRAMES;

bool fi_capture_set_depth(unsigned frames) {
    if (frames == 0 || frames > FI_DEPOT_MOST_FRAMES)
        return false;
    fi_store_relaxed(&depth, frames);
    return true;
}

/* A walk, and what it gave. */
typedef struct memory {
    fi_registers from;
    uintptr_t site;
    unsigned most;
    fi_trace trace; /* 0: none */
    fi_facts facts;
} memory;

typedef struct memories {
    memory of[SETS][WAYS];
    uint8_t turn[SETS]; /* which way is to be forgotten next */
} memories;

static_assert(sizeof(memories) <= FI_THREAD_MEMORY_BYTES, "a thread's memory holds them");

static unsigned set_of(const fi_registers *here, uintptr_t site) {
    return (unsigned)((here->sp * 31 ^ site) * UINT64_C(0x9E3779B97F4A7C15) >> 32) % SETS;
}

static bool is_known(const memory *m, const fi_registers *here, uintptr_t site, unsigned most) {
    return m->from.sp == here->sp && m->site == site && m->most == most && m->from.pc == here->pc &&
           m->trace != 0 && fi_os_facts_hold(&m->facts, here->fp, m->from.fp);
}

/* The site stands in front, also where the walk did not come by it. */
static fi_trace put_walk(const fi_walk *walk, uintptr_t site, unsigned most) {
    if (walk->found_site || site == 0)
        return fi_depot_put(walk->pcs, walk->count);
    uintptr_t pcs[FI_WALK_MOST_FRAMES];
    unsigned count = 1;
    pcs[0] = site;
    for (unsigned i = 0; i < walk->count && count < most; i++)
        pcs[count++] = walk->pcs[i];
    return fi_depot_put(pcs, count);
}

/* The facts are kept only when all of them are there: to learn of the stack may take memory, and so come back. */
static void remember(memory *m, const fi_registers *here, uintptr_t site, unsigned most, const fi_facts *facts,
                     fi_trace trace) {
    if (facts->count > FI_WALK_MOST_FACTS)
        return;
    m->from = *here;
    m->site = site;
    m->most = most;
    m->trace = trace;
    m->facts.count = facts->count;
    m->facts.fp_counts = facts->fp_counts;
    memcpy(m->facts.facts, facts->facts, facts->count * sizeof *facts->facts);
}

static FI_SLOW fi_trace walk_slow(memories *all, const fi_registers *here, uintptr_t site, unsigned most) {
    fi_walk walk;
    fi_facts facts;
    fi_os_walk(here, site, most, &walk, &facts);
    fi_trace trace = put_walk(&walk, site, most);
    if (all != NULL) {
        unsigned set = set_of(here, site);
        remember(&all->of[set][all->turn[set]++ % WAYS], here, site, most, &facts, trace);
    }
    return trace;
}

static inline fi_trace capture_native(const fi_registers *here, uintptr_t site) {
    unsigned most = fi_load_relaxed(&depth);
    memories *all = fi_os_thread_memory();
    if (all != NULL) {
        const memory *ways = all->of[set_of(here, site)];
        for (unsigned i = 0; i < WAYS; i++)
            if (is_known(&ways[i], here, site, most))
                return ways[i].trace;
    }
    return walk_slow(all, here, site, most);
}

/* The callback may allocate after all: then that has no frames of the runtime's. */
static FI_THREAD_LOCAL bool asking;

static FI_SLOW fi_trace put_frames_in_front(fief *f, fi_trace stack) {
    char text[FIEF_FRAMES_BYTES];
    if (asking)
        return stack;
    asking = true;
    size_t bytes = f->frames(f, text, sizeof text, f->frames_arg);
    asking = false;
    return fi_depot_put_text(stack, text, bytes < sizeof text ? bytes : sizeof text);
}

fi_trace fi_capture(fief *f, const void *site) {
    fi_registers here = fi_os_here();
    fi_trace stack = capture_native(&here, fi_os_return_address(site));
    return f != NULL && f->frames != NULL ? put_frames_in_front(f, stack) : stack;
}

fi_trace fi_capture_at(const fi_registers *at, const void *site) {
    return walk_slow(NULL, at, fi_os_return_address(site), fi_load_relaxed(&depth));
}
