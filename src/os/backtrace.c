#define _GNU_SOURCE
#include "os/backtrace.h"

#include "base/atomics.h"
#include "os/frame_rules.h"
#include "os/modules.h"
#include "os/os.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__LP64__)
enum { HAS_FRAME_RECORDS = 1, ADDRESS_BITS = 47 };
#elif defined(__aarch64__)
enum { HAS_FRAME_RECORDS = 1, ADDRESS_BITS = 48 }; /* above may be a signature */
#else
enum { HAS_FRAME_RECORDS = 0, ADDRESS_BITS = 63 };
#endif

enum { MOST_INNER_FRAMES = 40 }; /* between a walk's beginning and the site */

uintptr_t fi_os_return_address(const void *address) {
    return (uintptr_t)address & ((UINT64_C(1) << ADDRESS_BITS) - 1);
}

/* ---- remembered rules ---- */

/* A rule is one word, so that it is read and written whole: the upper bits of its address, which with the set that
 * it is in tell all of it; the low bits of the modules' version; then the rule. 0: none. */
enum {
    SET_BITS = 12,
    WAYS = 4,
    VERSION_BITS = 5,
    FP_BITS = 6,     /* with a sign, in words */
    START_BITS = 15, /* the same */
    KIND_BITS = 3,
    RULE_BITS = FP_BITS + START_BITS + KIND_BITS,
    WORD = 8
};

static uint64_t rules[1 << SET_BITS][WAYS];
static uint64_t version; /* of the modules, when a rule was last read */

static unsigned set_of(uintptr_t pc) {
    return (unsigned)((pc ^ pc >> SET_BITS) & ((1U << SET_BITS) - 1));
}

static uint64_t key_of(uintptr_t pc, uint64_t of_version) {
    return ((uint64_t)pc >> SET_BITS << VERSION_BITS | (of_version & ((1U << VERSION_BITS) - 1))) << RULE_BITS;
}

static bool fits(int32_t offset, unsigned bits) {
    int32_t words = offset / WORD;
    return offset % WORD == 0 && words >= -(1 << (bits - 1)) && words < 1 << (bits - 1);
}

static uint64_t pack(const fi_frame_rule *rule) {
    uint64_t start = (uint64_t)(rule->start / WORD) & ((1U << START_BITS) - 1);
    uint64_t fp = (uint64_t)(rule->fp / WORD) & ((1U << FP_BITS) - 1);
    return (fp << START_BITS | start) << KIND_BITS | (uint64_t)rule->kind;
}

/* The `bits` above `shift`, with their sign, from words to bytes. */
static int32_t unpack_offset(uint64_t word, unsigned shift, unsigned bits) {
    return ((int32_t)((uint32_t)(word >> shift) << (32 - bits)) >> (32 - bits)) * WORD;
}

static fi_frame_rule unpack(uint64_t word) {
    return (fi_frame_rule){(fi_frame_kind)(word & ((1U << KIND_BITS) - 1)),
                           unpack_offset(word, KIND_BITS, START_BITS),
                           unpack_offset(word, KIND_BITS + START_BITS, FP_BITS)};
}

/* Two threads may write the same, or one over another's: nothing is lost but time. */
static FI_SLOW fi_frame_rule find_rule_slow(uintptr_t pc) {
    uint64_t now = fi_os_modules_version();
    fi_store_relaxed(&version, now);
    fi_frame_rule rule = fi_frame_rule_read(pc - 1); /* the call may be the last of its function */
    if (pc >> ADDRESS_BITS != 0 || !fits(rule.start, START_BITS) || !fits(rule.fp, FP_BITS))
        return rule;
    uint64_t *set = rules[set_of(pc)], key = key_of(pc, now);
    unsigned way = 0;
    while (way < WAYS && fi_load_relaxed(&set[way]) != 0 &&
           ((fi_load_relaxed(&set[way]) ^ key) >> RULE_BITS & ((1U << VERSION_BITS) - 1)) == 0)
        way++;
    fi_store_relaxed(&set[way < WAYS ? way : (pc >> 3) % WAYS], key | pack(&rule));
    return rule;
}

static inline fi_frame_rule find_rule(uintptr_t pc) {
    const uint64_t *set = rules[set_of(pc)];
    uint64_t key = key_of(pc, fi_load_relaxed(&version));
    for (unsigned way = 0; way < WAYS; way++) {
        uint64_t rule = fi_load_relaxed(&set[way]) - key; /* without the key, where it is the same */
        if (FI_LIKELY(rule - 1 < (UINT64_C(1) << RULE_BITS) - 1))
            return unpack(rule);
    }
    return find_rule_slow(pc);
}

/* Some linkers leave out the table of the tables, which is all that can be found of them here. */
bool fi_os_can_walk(void) {
    fi_registers here = fi_os_here();
    return here.pc != 0 ? find_rule(here.pc).kind != FI_FRAME_UNKNOWN : HAS_FRAME_RECORDS != 0;
}

/* ---- what may be read ---- */

typedef struct bounds {
    uintptr_t low, high; /* high 0: not asked yet; low == high: asking */
} bounds;

static FI_THREAD_LOCAL bounds own_stack;

/* The system may take memory to answer, and so come back here: then the stack is looked at page by page. */
static FI_COLD void find_own_stack_slow(void) {
    pthread_attr_t attributes;
    void *low;
    size_t bytes;
    own_stack = (bounds){1, 1};
    int saved = errno;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &low, &bytes) == 0)
            own_stack = (bounds){(uintptr_t)low, (uintptr_t)low + bytes};
        pthread_attr_destroy(&attributes);
    }
    errno = saved;
}

static FI_COLD bool can_read_page(uintptr_t page) {
    char byte;
    struct iovec to = {&byte, 1}, from = {(void *)page, 1};
    int saved = errno;
    bool can = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
    errno = saved;
    return can;
}

typedef struct walker {
    uintptr_t pc, sp, fp;
    uintptr_t fp_at;     /* the word that fp came from; 0: it is the register */
    bool fp_noted;       /* fp is among the facts */
    uintptr_t low, high; /* these can be read */
    bool on_own_stack;
    fi_facts *facts;
} walker;

static void find_bounds(walker *w) {
    if (FI_UNLIKELY(own_stack.high == 0))
        find_own_stack_slow();
    w->on_own_stack = w->sp - own_stack.low < own_stack.high - own_stack.low;
    w->low = w->sp;
    w->high = w->on_own_stack ? own_stack.high : (w->sp | (fi_os_page_bytes() - 1)) + 1;
}

/* The stack of a coroutine, of a signal: nobody knows where it ends. */
static FI_COLD bool can_read_slow(walker *w, uintptr_t at) {
    uintptr_t page = at & ~(uintptr_t)(fi_os_page_bytes() - 1);
    if (w->on_own_stack || at < w->sp || !can_read_page(page))
        return false;
    w->low = page > w->sp ? page : w->sp;
    w->high = page + fi_os_page_bytes();
    return true;
}

static bool can_read(walker *w, uintptr_t at) {
    if (at % sizeof at != 0)
        return false;
    return FI_LIKELY(at - w->low < w->high - w->low) || can_read_slow(w, at);
}

FI_UNCHECKED_STACK static uintptr_t word_at(uintptr_t at) {
    return *(const uintptr_t *)at;
}

/* ---- steps ---- */

static void note(walker *w, uintptr_t at, uintptr_t value) {
    fi_facts *facts = w->facts;
    if (facts->count < FI_WALK_MOST_FACTS)
        facts->facts[facts->count] = (fi_fact){(const uintptr_t *)at, value};
    facts->count++;
}

/* The walk takes a turn by fp. */
static void note_fp(walker *w) {
    if (w->fp_noted)
        return;
    w->fp_noted = true;
    if (w->fp_at == 0)
        w->facts->fp_counts = true;
    else
        note(w, w->fp_at, w->fp);
}

static bool take_fp(walker *w, uintptr_t at) {
    if (!can_read(w, at))
        return false;
    w->fp = word_at(at);
    w->fp_at = at;
    w->fp_noted = false;
    return true;
}

/* To the frame that begins at `start`, just above its return address. */
static bool take_frame(walker *w, uintptr_t start, uintptr_t back_at) {
    if (start <= w->sp || !can_read(w, back_at))
        return false;
    w->sp = start;
    uintptr_t back = word_at(back_at);
    note(w, back_at, back);
    w->pc = fi_os_return_address((const void *)back);
    return w->pc != 0;
}

/* The caller's fp and the return address lie side by side at fp. */
static bool step_by_record(walker *w) {
    uintptr_t record = w->fp;
    note_fp(w);
    if (!HAS_FRAME_RECORDS || record < w->sp || !can_read(w, record) || !can_read(w, record + sizeof record))
        return false;
    return take_fp(w, record) && take_frame(w, record + 2 * sizeof record, record + sizeof record);
}

static bool step(walker *w) {
    if (w->pc == 0)
        return step_by_record(w);
    fi_frame_rule rule = find_rule(w->pc);
    if (rule.kind == FI_FRAME_UNKNOWN)
        return step_by_record(w);
    if (rule.kind == FI_FRAME_LAST)
        return false;
    if (rule.kind != FI_FRAME_BY_SP)
        note_fp(w);
    uintptr_t start = (rule.kind == FI_FRAME_BY_SP ? w->sp : w->fp) + (uintptr_t)(intptr_t)rule.start;
    uintptr_t base = start;
    if (FI_UNLIKELY(rule.kind == FI_FRAME_BY_FP_WORD)) {
        if (!can_read(w, start))
            return false;
        base = w->fp;
        note(w, start, word_at(start));
        start = word_at(start);
    }
    bool fp_moves = rule.fp != 0 || rule.kind == FI_FRAME_BY_FP_WORD;
    if (fp_moves && !take_fp(w, base + (uintptr_t)(intptr_t)rule.fp))
        return false;
    return take_frame(w, start, start - sizeof start);
}

void fi_os_walk(const fi_registers *here, uintptr_t site, unsigned most, fi_walk *walk, fi_facts *facts) {
    walker w = {.pc = here->pc, .sp = here->sp, .fp = here->fp, .facts = facts};
    find_bounds(&w);
    walk->count = 0;
    walk->found_site = false;
    facts->count = 0;
    facts->fp_counts = false;
    unsigned steps = 0;
    while ((walk->count < most || (!walk->found_site && steps < MOST_INNER_FRAMES)) && step(&w)) {
        steps++;
        if (!walk->found_site && w.pc == site && steps <= MOST_INNER_FRAMES) {
            walk->found_site = true;
            walk->count = 0;
        }
        if (walk->count < most)
            walk->pcs[walk->count++] = w.pc;
    }
    if (!w.on_own_stack)
        facts->count = FI_WALK_MOST_FACTS + 1;
}

/* ---- a thread's memory ---- */

static FI_THREAD_LOCAL void *thread_memory;
static pthread_key_t at_thread_end;
static bool can_tell_end;

static void give_back(void *memory) {
    thread_memory = NULL;
    fi_os_release(memory, FI_THREAD_MEMORY_BYTES);
}

static void make_key(void) {
    can_tell_end = pthread_key_create(&at_thread_end, give_back) == 0;
}

/* To remember it for the thread's end may take memory, and so come back here: then it is known already. */
static FI_COLD void *make_memory_slow(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    void *memory = can_tell_end ? fi_os_reserve(FI_THREAD_MEMORY_BYTES, fi_os_page_bytes()) : NULL;
    if (memory == NULL)
        return NULL;
    thread_memory = memory;
    if (fi_os_commit(memory, FI_THREAD_MEMORY_BYTES) && pthread_setspecific(at_thread_end, memory) == 0)
        return memory;
    give_back(memory);
    return NULL;
}

void *fi_os_thread_memory(void) {
    return FI_LIKELY(thread_memory != NULL) ? thread_memory : make_memory_slow();
}
