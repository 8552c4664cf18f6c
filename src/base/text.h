/* Text in a buffer of a fixed size: cut where it is full, never overrun, and nothing allocated. */
#ifndef FI_BASE_TEXT_H
#define FI_BASE_TEXT_H

#include "base/attributes.h"

#include <stddef.h>

typedef struct fi_text {
    char *bytes; /* always ends in 0 */
    size_t room; /* of `bytes`, the 0 included */
    size_t length;
} fi_text;

#define FI_TEXT(array) ((fi_text){(array), sizeof(array), 0})

FI_PRINTF(2, 3) void fi_text_add(fi_text *text, const char *format, ...);

/* A JSON string, with its quotes. Bytes that are no valid text are replaced. */
void fi_text_add_json(fi_text *text, const char *string);

/* Copies `from`, cut to what fits with a 0 behind it; NULL is "". */
void fi_text_copy(char *to, size_t room, const char *from);

#endif
