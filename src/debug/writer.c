#include "debug/writer.h"

#include "base/check.h"
#include "debug/settings.h"

#include <stdarg.h>
#include <stdio.h>

void fi_writer_init(fi_writer *w, fief_text_fn *out, void *arg) {
    w->out = out;
    w->arg = arg;
    w->text = FI_TEXT(w->bytes);
    w->bytes[0] = '\0';
}

void fi_writer_flush(fi_writer *w) {
    if (w->text.length == 0)
        return;
    if (w->out != NULL)
        w->out(w->bytes, w->text.length, w->arg);
    else
        fi_settings_tell(w->bytes, w->text.length);
    w->text.length = 0;
    w->bytes[0] = '\0';
}

void fi_write(fi_writer *w, const char *format, ...) {
    if (w->text.room - w->text.length < FI_WRITER_PIECE_BYTES)
        fi_writer_flush(w);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(w->bytes + w->text.length, FI_WRITER_PIECE_BYTES, format, arguments);
    va_end(arguments);
    FI_ASSERT(length >= 0 && length < FI_WRITER_PIECE_BYTES);
    w->text.length += (size_t)length;
}

static void write_string(fi_writer *w, const char *string, fi_text_style style) {
    for (;;) {
        string += fi_text_add_part(&w->text, string, style);
        if (*string == '\0')
            return;
        fi_writer_flush(w);
    }
}

void fi_write_json(fi_writer *w, const char *string) {
    fi_write(w, "\"");
    write_string(w, string, FI_TEXT_JSON);
    fi_write(w, "\"");
}

void fi_write_plain(fi_writer *w, const char *string) {
    write_string(w, string, FI_TEXT_PLAIN);
}

void fi_write_count(fi_writer *w, uint64_t count) {
    char room[FI_TEXT_COUNT_BYTES];
    fi_write(w, "%s", fi_text_count(room, count));
}

void fi_write_counted(fi_writer *w, uint64_t count, const char *what) {
    fi_write_count(w, count);
    fi_write(w, " %s%s", what, count == 1 ? "" : "s");
}
