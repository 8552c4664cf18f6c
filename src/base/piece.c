#include "base/piece.h"

#include <string.h>

fi_piece fi_piece_of(const char *string) {
    const char *text = string != NULL ? string : "";
    return (fi_piece){text, text + strlen(text)};
}

bool fi_piece_equals(fi_piece piece, const char *string) {
    return strlen(string) == fi_piece_bytes(piece) && memcmp(piece.start, string, fi_piece_bytes(piece)) == 0;
}

fi_piece fi_piece_split_off(fi_piece *text, char mark) {
    const char *at = memchr(text->start, mark, fi_piece_bytes(*text));
    fi_piece first = {text->start, at != NULL ? at : text->end};
    text->start = at != NULL ? at + 1 : text->end;
    return first;
}

static unsigned shift_of(char unit) {
    return unit == 'K' || unit == 'k' ? 10 : unit == 'M' || unit == 'm' ? 20 : unit == 'G' || unit == 'g' ? 30 : 0;
}

bool fi_piece_number(fi_piece piece, bool has_unit, uint64_t most, uint64_t *out) {
    unsigned shift = has_unit && fi_piece_bytes(piece) > 1 ? shift_of(piece.end[-1]) : 0;
    piece.end -= shift != 0;
    uint64_t number = 0;
    if (piece.start == piece.end)
        return false;
    for (const char *at = piece.start; at < piece.end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (number > most >> shift)
        return false;
    *out = number << shift;
    return true;
}

bool fi_piece_copy(fi_piece piece, char *out, size_t room) {
    size_t bytes = fi_piece_bytes(piece);
    if (bytes == 0 || bytes >= room)
        return false;
    memcpy(out, piece.start, bytes);
    out[bytes] = '\0';
    return true;
}
