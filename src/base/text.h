/* Text in a buffer of a fixed size: cut where it is full, never overrun, and nothing allocated. */
#ifndef FI_BASE_TEXT_H
#define FI_BASE_TEXT_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fi_text {
    char *bytes; /* always ends in 0 */
    size_t room; /* of `bytes`, the 0 included; at least 1 */
    size_t length;
} fi_text;

#define FI_TEXT(array) ((fi_text){(array), sizeof(array), 0})

FI_PRINTF(2, 3) void fi_text_add(fi_text *text, const char *format, ...);

/* A number as a reader likes it, thousands parted by commas. Returns where in `room` it begins. */
enum { FI_TEXT_COUNT_BYTES = 32 };
const char *fi_text_count(char room[FI_TEXT_COUNT_BYTES], uint64_t count);

/* A JSON string, with its quotes. Bytes that are no valid text are replaced. Where it does not fit it is cut, and
 * still a string; where not even its quotes fit, nothing is added. */
void fi_text_add_json(fi_text *text, const char *string);

/* A name for a reader's eyes: control bytes, and bytes that are no valid text, become '?'. */
void fi_text_add_plain(fi_text *text, const char *string);

/* What both are made of, for a string that may be longer than the buffer: as much of it as fits, without quotes
 * and never half a letter. Returns how many of the string's bytes that was. Any letter fits FI_TEXT_LETTER_BYTES.
 */
enum { FI_TEXT_LETTER_BYTES = 6 };
typedef enum fi_text_style { FI_TEXT_PLAIN, FI_TEXT_JSON } fi_text_style;
size_t fi_text_add_part(fi_text *text, const char *string, fi_text_style style);

/* Whether all of it is UTF-8: `bytes` bytes, with a 0 behind them; others may be among them. */
bool fi_text_is_utf8(const char *string, size_t bytes);

/* Copies `from`, cut to what fits with a 0 behind it; NULL is "". */
void fi_text_copy(char *to, size_t room, const char *from);

#endif
