/* trace/capture: the stack as it is, with frame pointers and without, the first time and when it is remembered. */
#include "trace/capture.h"

#include "chain.h"
#include "os/backtrace.h"
#include "os/os.h"
#include "support/compare.h"
#include "trace/depot.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif

/* Where tables are read, code without frame pointers is no different. */
#ifdef __x86_64__
enum { READS_TABLES = 1 };
#else
enum { READS_TABLES = 0 };
#endif

enum { MOST = FI_DEPOT_MOST_FRAMES };

static void init(void) {
    fi_os_init();
    if (!fi_os_can_walk())
        cr_skip_test("stacks can't be walked here");
}

TestSuite(capture, .init = init);

static fi_stack get(fi_trace trace) {
    fi_stack stack;
    cr_assert(fi_depot_get(trace, &stack), "trace %u", trace);
    return stack;
}

/* As a verb does it: from the frame that called this. */
__attribute__((noinline)) static fi_trace take(fief *f) {
    fi_trace trace = fi_capture(f, __builtin_return_address(0));
    __asm__ volatile("" ::: "memory");
    return trace;
}

/* ---- what is in a stack ---- */

typedef struct taken {
    fi_trace trace;
    const void *caller; /* where the function returns to that called `take` */
    unsigned count;     /* of glibc's own walk, from there on; 0: there is none */
    void *pcs[MOST + 8];
} taken;

/* Called by a chain: what glibc finds must be the same. */
static void take_here(void *arg) {
    taken *t = arg;
    t->caller = __builtin_return_address(0);
    t->trace = take(NULL);
    t->count = 0;
#ifdef __GLIBC__
    int count = READS_TABLES ? backtrace(t->pcs, MOST + 8) : 0;
    int first = 0;
    while (first < count && t->pcs[first] != t->caller)
        first++;
    t->count = (unsigned)(count - first);
    memmove(t->pcs, t->pcs + first, t->count * sizeof *t->pcs);
#endif
}

/* The frame of take_here itself comes first. */
static void assert_is_right(const taken *t) {
    fi_stack stack = get(t->trace);
    unsigned most = stack.count < MOST ? (unsigned)stack.count - 1 : MOST - 1;
    assert_at_least(stack.count, 4);
    cr_assert_eq(stack.pcs[1], (uintptr_t)t->caller);
    for (unsigned i = 0; i < most && t->count > 0; i++)
        cr_assert_eq(stack.pcs[i + 1], (uintptr_t)t->pcs[i], "frame %u", i);
    if (t->count > 0 && stack.count < MOST)
        assert_equal(stack.count - 1, t->count);
}

static bool is_function(const fi_frame *frame, const char *name) {
    return strcmp(frame->function, name) == 0;
}

typedef struct names {
    const char *const *wanted;
    unsigned found, told;
} names;

/* In this order, whatever stands between them. */
static bool find_names(const fi_frame *frame, void *arg) {
    names *n = arg;
    n->told++;
    if (n->wanted[n->found] != NULL && is_function(frame, n->wanted[n->found]))
        n->found++;
    return true;
}

static void assert_has_names(fi_trace trace, const char *const *wanted) {
    names n = {wanted, 0, 0};
    fi_the_tracer.tell(trace, find_names, &n);
    cr_assert_null(wanted[n.found], "%s is not in the %u frames", wanted[n.found], n.told);
}

Test(capture, with_frame_pointers) {
    static const char *const wanted[] = {"framed_inner", "framed_middle", "framed_outer", NULL};
    taken t;
    fief_trace_depth(MOST);
    framed_outer(take_here, &t);
    assert_is_right(&t);
    assert_has_names(t.trace, wanted);
}

Test(capture, without_frame_pointers) {
    static const char *const wanted[] = {"bare_inner", "bare_middle", "bare_outer", NULL};
    taken t;
    if (!READS_TABLES)
        cr_skip_test("there is nothing else to go by");
    fief_trace_depth(MOST);
    bare_outer(take_here, &t);
    assert_is_right(&t);
    assert_has_names(t.trace, wanted);
}

Test(capture, frames_of_a_size_that_changes) {
    taken t;
    fief_trace_depth(MOST);
    for (unsigned turn = 0; turn < 200; turn++) {
        framed_sized(take_here, &t, 1 + turn * 37 % 1000);
        assert_is_right(&t);
        if (!READS_TABLES)
            continue;
        bare_sized(take_here, &t, 1 + turn * 37 % 1000);
        assert_is_right(&t);
    }
}

Test(capture, frames_that_are_aligned) {
    taken t;
    fief_trace_depth(MOST);
    framed_aligned(take_here, &t);
    assert_is_right(&t);
    if (!READS_TABLES)
        return;
    bare_aligned(take_here, &t);
    assert_is_right(&t);
}

#ifdef __GLIBC__ /* whose own code has tables */

static int compare_and_take(const void *a, const void *b) {
    taken t;
    take_here(&t);
    assert_is_right(&t);
    return *(const int *)a - *(const int *)b;
}

Test(capture, through_the_c_library) {
    int numbers[] = {3, 1, 2};
    fief_trace_depth(MOST);
    qsort(numbers, 3, sizeof *numbers, compare_and_take);
}

#endif

/* ---- the same again ---- */

static void take_trace(void *arg) {
    *(fi_trace *)arg = take(NULL);
}

Test(capture, one_place_has_one_trace) {
    static fi_trace traces[100];
    const volatile unsigned times = 100; /* a loop that is unrolled is several places */
    for (unsigned i = 0; i < times; i++)
        framed_outer(take_trace, &traces[i]);
    for (unsigned i = 0; i < times; i++)
        assert_equal(traces[i], traces[times - 1 - i]);
}

/* Two ways lead to the same place of the stack: what is remembered of one must not be taken for the other. */
__attribute__((noinline)) static void by_one_way(taken *t, unsigned times) {
    framed_deep(take_here, t, times);
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void by_another_way(taken *t, unsigned times) {
    framed_deep(take_here, t, times);
    __asm__ volatile("" ::: "memory");
}

Test(capture, what_is_remembered_is_looked_at_again) {
    taken one, another;
    fief_trace_depth(MOST);
    for (unsigned turn = 0; turn < 300; turn++) {
        by_one_way(&one, turn % 7);
        assert_is_right(&one);
        by_another_way(&another, turn % 7);
        assert_is_right(&another);
        cr_assert_neq(one.trace, another.trace);
    }
}

/* ---- depth ---- */

Test(capture, as_deep_as_asked_for) {
    taken t;
    for (unsigned depth = 1; depth <= MOST; depth++) {
        assert_equal(fief_trace_depth(depth), FIEF_OK);
        framed_deep(take_here, &t, 100);
        assert_equal(get(t.trace).count, depth);
    }
    framed_deep(take_here, &t, 100);
    assert_is_right(&t);
}

Test(capture, sixteen_if_nobody_asks) {
    taken t;
    framed_deep(take_here, &t, 100);
    assert_equal(get(t.trace).count, 16);
}

Test(capture, no_depth_that_is_out_of_range) {
    assert_equal(fief_trace_depth(0), FIEF_BAD_ARGUMENT);
    assert_equal(fief_trace_depth(MOST + 1), FIEF_BAD_ARGUMENT);
    assert_equal(fief_trace_depth(1), FIEF_OK);
    assert_equal(fief_trace_depth(MOST), FIEF_OK);
}

/* ---- where things are not as usual ---- */

Test(capture, a_site_that_is_not_on_the_stack_stands_in_front) {
    const void *nowhere = (const void *)(uintptr_t)0x12345;
    fi_stack stack = get(fi_capture(NULL, nowhere));
    assert_equal(stack.pcs[0], 0x12345);
    assert_at_least(stack.count, 2);
    fief_trace_depth(1);
    assert_equal(get(fi_capture(NULL, nowhere)).count, 1);
}

Test(capture, no_site_is_the_whole_stack) {
    fi_stack stack = get(fi_capture(NULL, NULL));
    assert_at_least(stack.count, 2);
    cr_assert_neq(stack.pcs[0], 0);
}

static fi_trace in_handler;

static void handle(int number) {
    (void)number;
    in_handler = take(NULL);
}

/* A stack whose end is not known is read no further than it goes. */
Test(capture, on_the_stack_of_a_signal) {
    static char space[64 << 10];
    stack_t other = {.ss_sp = space, .ss_size = sizeof space};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    cr_assert_eq(sigaltstack(&other, NULL), 0);
    cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        raise(SIGUSR1);
        assert_at_least(get(in_handler).count, 1);
    }
}

static void *thread(void *arg) {
    taken *t = arg;
    framed_outer(take_here, t);
    framed_outer(take_here, t);
    return NULL;
}

Test(capture, in_threads_that_come_and_go) {
    taken t;
    fief_trace_depth(MOST);
    for (unsigned i = 0; i < 200; i++) {
        pthread_t other;
        cr_assert_eq(pthread_create(&other, NULL, thread, &t), 0);
        pthread_join(other, NULL);
        assert_is_right(&t);
    }
}

Test(capture, without_memory_to_remember_in) {
    fi_trace trace = take(NULL);
    for (unsigned nth = 1; nth <= 3; nth++) {
        pthread_t other;
        taken t;
        fi_os_fail_at(nth);
        cr_assert_eq(pthread_create(&other, NULL, thread, &t), 0);
        pthread_join(other, NULL);
        assert_is_right(&t);
    }
    cr_assert_neq(trace, 0);
}

/* ---- a runtime's own frames ---- */

typedef struct script {
    unsigned line;
    fief *again; /* asks for another trace while it is asked */
} script;

static size_t write_frames(fief *f, char *text, size_t bytes, void *arg) {
    const script *s = arg;
    (void)f;
    if (s->again != NULL)
        take(s->again);
    int length = snprintf(text, bytes, "script.lua:%u\nmain.lua:1\n", s->line);
    return (size_t)length;
}

static size_t write_too_much(fief *f, char *text, size_t bytes, void *arg) {
    (void)f;
    (void)arg;
    memset(text, 'a', bytes);
    return bytes * 2;
}

Test(capture, frames_of_a_runtime) {
    static const char wanted[] = "script.lua:12\nmain.lua:1\n";
    fief *f;
    script s;
    fi_trace traces[6];
    const volatile unsigned times = 6;
    cr_assert_eq(fief_create(&f, NULL), FIEF_OK);
    assert_equal(get(take(f)).text_bytes, 0);
    assert_equal(fief_trace_frames(f, write_frames, &s), FIEF_OK);
    for (unsigned i = 0; i < times; i++) { /* lines 12, 13, 12, ... */
        s = (script){12 + i % 2, NULL};
        traces[i] = take(f);
        assert_equal(traces[i], traces[i % 2]);
    }
    cr_assert_neq(traces[0], traces[1]);
    fi_stack stack = get(traces[0]);
    assert_equal(stack.text_bytes, strlen(wanted));
    cr_assert_arr_eq(stack.text, wanted, strlen(wanted));
    assert_at_least(stack.count, 2);
    assert_equal(fief_trace_frames(f, NULL, NULL), FIEF_OK);
    assert_equal(get(take(f)).text_bytes, 0);
    cr_assert_eq(fief_destroy(f), FIEF_OK);
}

Test(capture, frames_of_a_runtime_that_errs) {
    fief *f;
    script s = {1, NULL};
    cr_assert_eq(fief_create(&f, NULL), FIEF_OK);
    s.again = f;
    fief_trace_frames(f, write_frames, &s);
    assert_at_least(get(take(f)).text_bytes, 10);
    fief_trace_frames(f, write_too_much, NULL);
    assert_equal(get(take(f)).text_bytes, FIEF_FRAMES_BYTES);
    cr_assert_eq(fief_destroy(f), FIEF_OK);
}
