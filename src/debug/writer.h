/* A report of any length, told piece by piece from a buffer of a fixed size. */
#ifndef FI_DEBUG_WRITER_H
#define FI_DEBUG_WRITER_H

#include "base/text.h"
#include "fief/debug.h"

enum { FI_WRITER_BYTES = 2048, FI_WRITER_PIECE_BYTES = 256 };

typedef struct fi_writer {
    fief_text_fn *out;
    void *arg;
    fi_text text; /* what was not told yet, in `bytes` */
    char bytes[FI_WRITER_BYTES];
} fi_writer;

/* `out` NULL: fi_settings_tell. Nothing is sure to be told before fi_writer_flush. */
void fi_writer_init(fi_writer *w, fief_text_fn *out, void *arg);
void fi_writer_flush(fi_writer *w);

/* Less than FI_WRITER_PIECE_BYTES at once. */
FI_PRINTF(2, 3) void fi_write(fi_writer *w, const char *format, ...);

/* Of any length: a JSON string with its quotes, and a name for a reader's eyes. */
void fi_write_json(fi_writer *w, const char *string);
void fi_write_plain(fi_writer *w, const char *string);

/* "1,234,567" */
void fi_write_count(fi_writer *w, uint64_t count);

/* "1 block", "1,234 blocks" */
void fi_write_counted(fi_writer *w, uint64_t count, const char *what);

#endif
