/* Pieces of a setting's text, "key:value,key:value": taken apart where they are, nothing copied or allocated. */
#ifndef FI_BASE_PIECE_H
#define FI_BASE_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fi_piece {
    const char *start, *end;
} fi_piece;

/* All of a string; NULL is "". */
fi_piece fi_piece_of(const char *string);

static inline size_t fi_piece_bytes(fi_piece piece) {
    return (size_t)(piece.end - piece.start);
}

bool fi_piece_equals(fi_piece piece, const char *string);

/* The text up to the first `mark`, which is taken off it, too. */
fi_piece fi_piece_split_off(fi_piece *text, char mark);

/* A decimal number of at most `most`; with has_unit, K, M or G may stand behind it. False: it is none. */
bool fi_piece_number(fi_piece piece, bool has_unit, uint64_t most, uint64_t *out);

/* Copies it, with a 0 behind it. False: it is empty, or does not fit. */
bool fi_piece_copy(fi_piece piece, char *out, size_t room);

#endif
