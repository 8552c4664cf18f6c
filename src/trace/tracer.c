/* The traces that the layers below ask for. */
#include "heap/tracer.h"

#include "heap/misuse.h"
#include "os/os.h"
#include "trace/capture.h"
#include "trace/depot.h"
#include "trace/symbol.h"

#include <string.h>

/* One telling: what goes to whom. */
typedef struct telling {
    fi_frame_fn *tell;
    void *arg;
    unsigned number;
} telling;

static bool tell_frame(telling *t, fi_frame *frame) {
    frame->number = t->number++;
    return t->tell(frame, t->arg);
}

static bool tell_line(telling *t, const char *line, size_t bytes) {
    char text[FI_DEPOT_MOST_TEXT_BYTES + 1];
    memcpy(text, line, bytes);
    text[bytes] = 0;
    fi_frame frame = {.function = text, .file = "", .module = ""};
    return tell_frame(t, &frame);
}

static bool tell_text(telling *t, const char *text, size_t bytes) {
    for (const char *end = text + bytes; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline != NULL ? newline : end) - text);
        if (length > 0 && !tell_line(t, text, length))
            return false;
        text += length + 1;
    }
    return true;
}

/* Functions that were inlined into one another are a frame each, at the same address. */
static bool tell_pc(telling *t, uintptr_t pc) {
    fi_symbol symbol;
    fi_symbolise(pc, &symbol);
    for (unsigned i = 0; i < symbol.count; i++) {
        fi_frame frame = {.pc = (const void *)pc,
                          .function = symbol.places[i].function,
                          .file = symbol.places[i].file,
                          .line = symbol.places[i].line,
                          .module = symbol.module,
                          .offset = symbol.offset};
        if (!tell_frame(t, &frame))
            return false;
    }
    return true;
}

static void tell_trace(fi_trace trace, fi_frame_fn *tell, void *arg) {
    telling t = {tell, arg, 0};
    fi_stack stack;
    if (!fi_depot_get(trace, &stack) || !tell_text(&t, stack.text, stack.text_bytes))
        return;
    for (size_t i = 0; i < stack.count; i++)
        if (!tell_pc(&t, stack.pcs[i]))
            return;
}

static fi_trace note(const void *site) {
    uintptr_t pc = (uintptr_t)site;
    return site != NULL ? fi_depot_put(&pc, 1) : 0;
}

const fi_tracer fi_the_tracer = {.capture = fi_capture,
                                 .capture_at = fi_capture_at,
                                 .note = note,
                                 .tell = tell_trace,
                                 .forgo_names = fi_symbols_forgo};
