/* Threads take their stacks, some the same and some their own, and tell each other's, all at once. */
#include "race.h"

#include "heap/tracer.h"

#include <stdint.h>
#include <string.h>

enum { THREADS = 4, POSTS = 64, DEEPEST = 20 };

/* Traces that anybody may tell. */
static _Atomic fi_trace posts[POSTS];

static bool count_frame(const fi_frame *frame, void *arg) {
    REQUIRE(frame->number == *(unsigned *)arg && frame->function != NULL && frame->module != NULL);
    ++*(unsigned *)arg;
    return true;
}

static void tell(fi_trace trace) {
    unsigned frames = 0;
    fi_the_tracer.tell(trace, count_frame, &frames);
    REQUIRE(trace == 0 || frames > 0);
}

__attribute__((noinline)) static fi_trace take(fief *f) {
    fi_trace trace = fi_the_tracer.capture(f, __builtin_return_address(0));
    __asm__ volatile("" ::: "memory");
    return trace;
}

__attribute__((noinline)) static fi_trace take_deep(fief *f, unsigned depth) {
    fi_trace trace = depth > 0 ? take_deep(f, depth - 1) : take(f);
    __asm__ volatile("" ::: "memory");
    return trace;
}

static size_t write_line(fief *f, char *text, size_t bytes, void *arg) {
    (void)f;
    REQUIRE(bytes == FIEF_FRAMES_BYTES);
    return (size_t)snprintf(text, bytes, "line %u\n", *(unsigned *)arg);
}

static void *taker(void *arg) {
    const unsigned rounds = race_rounds(2000), seed = (unsigned)(uintptr_t)arg;
    unsigned line = 0;
    fief *f = race_create("traces", NULL);
    REQUIRE(fief_trace_frames(f, seed % 2 == 0 ? write_line : NULL, &line) == FIEF_OK);
    for (unsigned round = 0; round < rounds; round++) {
        line = round % 100;
        fi_trace trace = take_deep(f, (round + seed) % DEEPEST);
        REQUIRE(trace != 0 && fi_the_tracer.note((void *)(uintptr_t)(round + 1)) != 0);
        fi_trace other = atomic_exchange(&posts[round % POSTS], trace);
        if (round % 50 == 0)
            tell(other);
    }
    REQUIRE(fief_destroy(f) == FIEF_OK);
    return NULL;
}

int main(void) {
    for (unsigned turn = 0; turn < 5; turn++) {
        pthread_t threads[THREADS];
        for (uintptr_t i = 0; i < THREADS; i++)
            threads[i] = race_start(taker, (void *)i);
        REQUIRE(fief_trace_depth(turn * 15 + 1) == FIEF_OK);
        for (unsigned i = 0; i < THREADS; i++)
            race_join(threads[i]);
    }
    return 0;
}
