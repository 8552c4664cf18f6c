/* trace/tracer: a trace is told frame by frame, the runtime's first. */
#include "heap/tracer.h"

#include "os/os.h"
#include "support/compare.h"
#include "trace/depot.h"

#include <string.h>

TestSuite(tracer, .init = fi_os_init);

enum { MOST_TOLD = 100 };

typedef struct told {
    unsigned count, most; /* it ends at the most */
    fi_frame frames[MOST_TOLD];
    char functions[MOST_TOLD][64];
} told;

static bool listen(const fi_frame *frame, void *arg) {
    told *t = arg;
    cr_assert(frame->function != NULL && frame->file != NULL && frame->module != NULL);
    assert_equal(frame->number, t->count);
    t->frames[t->count] = *frame;
    strncpy(t->functions[t->count], frame->function, sizeof t->functions[0] - 1);
    return ++t->count < t->most;
}

static told tell(fi_trace trace, unsigned most) {
    told t = {.most = most};
    fi_the_tracer.tell(trace, listen, &t);
    return t;
}

__attribute__((noinline)) static fi_trace note_caller(void) {
    fi_trace trace = fi_the_tracer.note(__builtin_return_address(0));
    __asm__ volatile("" ::: "memory");
    return trace;
}

Test(tracer, a_note_is_one_frame) {
    fi_trace trace = note_caller();
    cr_assert_neq(trace, 0);
    told t = tell(trace, MOST_TOLD);
    assert_equal(t.count, 1);
    cr_assert_not_null(t.frames[0].pc);
    cr_assert_neq(note_caller(), trace);
    assert_equal(fi_the_tracer.note(t.frames[0].pc), trace);
    assert_equal(fi_the_tracer.note(NULL), 0);
}

Test(tracer, the_runtimes_frames_come_first) {
    static const char text[] = "script.lua:12\n\n[C]\nno newline";
    fi_trace trace = fi_depot_put_text(note_caller(), text, strlen(text));
    told t = tell(trace, MOST_TOLD);
    assert_equal(t.count, 4);
    cr_assert_str_eq(t.functions[0], "script.lua:12");
    cr_assert_str_eq(t.functions[1], "[C]");
    cr_assert_str_eq(t.functions[2], "no newline");
    for (unsigned i = 0; i < 3; i++)
        cr_assert_null(t.frames[i].pc);
    cr_assert_not_null(t.frames[3].pc);
}

Test(tracer, the_telling_can_be_ended) {
    fi_trace trace = fi_depot_put_text(note_caller(), "1\n2\n3\n", 6);
    for (unsigned most = 1; most <= 4; most++)
        assert_equal(tell(trace, most).count, most);
}

Test(tracer, of_no_trace_nothing_is_told) {
    assert_equal(tell(0, MOST_TOLD).count, 0);
    note_caller();
    assert_equal(tell(UINT32_MAX, MOST_TOLD).count, 0);
    for (fi_trace garbage = 1; garbage < UINT32_MAX / 3; garbage *= 3)
        assert_equal(tell(garbage, MOST_TOLD).count, 0);
}

static unsigned inner_told;

static bool tell_again(const fi_frame *frame, void *arg) {
    (void)frame;
    inner_told += tell(*(fi_trace *)arg, MOST_TOLD).count;
    return true;
}

Test(tracer, a_telling_inside_a_telling) {
    uintptr_t pcs[] = {0x1000, (uintptr_t)__builtin_return_address(0), 0x2000};
    fi_trace trace = fi_depot_put(pcs, 3), other = note_caller();
    fi_the_tracer.tell(trace, tell_again, &other);
    assert_equal(inner_told, 3);
}

/* ---- verbs ---- */

static size_t no_frames(fief *f, char *text, size_t bytes, void *arg) {
    (void)f;
    (void)text;
    (void)bytes;
    (void)arg;
    return 0;
}

static void ask_late(fief *f, void *arg) {
    *(fief_status *)arg = fief_trace_frames(f, no_frames, NULL);
}

Test(tracer, frames_of_a_life) {
    fief *f;
    fief_status while_closing = FIEF_BAD_ARGUMENT;
    fief_config config = FIEF_CONFIG_INIT;
    config.on_misuse = FIEF_MISUSE_IGNORE;
    cr_assert_eq(fief_create(&f, &config), FIEF_OK);
    assert_equal(fief_trace_frames(f, no_frames, NULL), FIEF_OK);
    cr_assert_neq(fi_the_tracer.capture(f, __builtin_return_address(0)), 0);
    cr_assert_eq(fief_at_exit(f, ask_late, &while_closing), FIEF_OK);
    cr_assert_eq(fief_destroy(f), FIEF_OK);
    assert_equal(while_closing, FIEF_OK);
}
