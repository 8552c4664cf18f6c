/* The calling thread's stack: the return addresses on it, and how to see soon that they are still there.
 *
 * A walk goes from frame to frame by the rules of os/frame_rules.h, which it remembers; where there is none, by
 * the frame pointer. It reads nothing but the stack that it is on, and ends where that ends. Its first steps
 * depend on registers alone, and each other one on words of the stack that it has read: those are its facts. As
 * long as they hold, another walk from the same place would go the same way. */
#ifndef FI_OS_BACKTRACE_H
#define FI_OS_BACKTRACE_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FI_WALK_MOST_FRAMES = 64, FI_WALK_MOST_FACTS = 88 };

/* Where a walk begins. */
typedef struct fi_registers {
    uintptr_t pc; /* 0: this machine's walks begin with fp */
    uintptr_t sp, fp;
} fi_registers;

typedef struct fi_fact {
    const uintptr_t *at;
    uintptr_t value;
} fi_fact;

typedef struct fi_facts {
    unsigned count; /* more than the most: they are not all here, and say nothing */
    bool fp_counts; /* the walk began with fp */
    fi_fact facts[FI_WALK_MOST_FACTS];
} fi_facts;

typedef struct fi_walk {
    unsigned count;
    bool found_site;
    uintptr_t pcs[FI_WALK_MOST_FRAMES];
} fi_walk;

/* The place where it stands. Inlined, so that it is the caller's frame; which must not return before the walk. */
__attribute__((always_inline)) static inline fi_registers fi_os_here(void) {
    fi_registers r = {0, 0, 0};
#if defined(__x86_64__)
    __asm__ volatile("leaq 0(%%rip), %0\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2"
                     : "=&r"(r.pc), "=&r"(r.sp), "=&r"(r.fp));
#elif defined(__aarch64__)
    r.sp = r.fp = (uintptr_t)__builtin_frame_address(0);
#endif
    return r;
}

/* A return address as it stands in a walk. */
uintptr_t fi_os_return_address(const void *address);

/* The return addresses behind `here`, innermost first, at most `most`: from `site` on, if that is among the first,
 * else all. Facts are left out (count is more than the most) where they would not do. */
void fi_os_walk(const fi_registers *here, uintptr_t site, unsigned most, fi_walk *walk, fi_facts *facts);

/* True if a walk from where the facts were taken, by the same thread and from the same sp and pc, would be the
 * same. Reads what a walk may have read: call it for no other place. */
FI_UNCHECKED_STACK static inline bool fi_os_facts_hold(const fi_facts *facts, uintptr_t fp, uintptr_t old_fp) {
    if (facts->fp_counts && fp != old_fp)
        return false;
    for (unsigned i = 0; i < facts->count; i++)
        if (*facts->facts[i].at != facts->facts[i].value)
            return false;
    return true;
}

/* False: nothing tells fief's own frames, so that walks are chancy, or end at once. Then a trace may be the one
 * frame that asked. */
bool fi_os_can_walk(void);

/* Zeroed memory of the calling thread's own, the same for each call; given back when the thread ends. NULL on
 * exhaustion. */
void *fi_os_thread_memory(void);

enum { FI_THREAD_MEMORY_BYTES = 96 << 10 };

#endif
