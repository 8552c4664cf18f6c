#define _POSIX_C_SOURCE 200809L
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void fi_text_add(fi_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->length, text->room - text->length, format, arguments);
    va_end(arguments);
    size_t room = text->room - 1 - text->length;
    text->length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room;
}

const char *fi_text_count(char room[FI_TEXT_COUNT_BYTES], uint64_t count) {
    size_t at = FI_TEXT_COUNT_BYTES;
    room[--at] = '\0';
    for (unsigned i = 0; i == 0 || count != 0; i++, count /= 10) {
        if (i != 0 && i % 3 == 0)
            room[--at] = ',';
        room[--at] = (char)('0' + count % 10);
    }
    return room + at;
}

/* How many bytes the UTF-8 sequence at `s` has; 0: it is none. */
static unsigned sequence_bytes(const unsigned char *s) {
    unsigned bytes = s[0] < 0x80                   ? 1
                     : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
                     : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
                     : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                                   : 0;
    for (unsigned i = 1; i < bytes; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    bool too_long = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool no_letter = (s[0] == 0xED && s[1] >= 0xA0) || (s[0] == 0xF4 && s[1] >= 0x90);
    return too_long || no_letter ? 0 : bytes;
}

/* Whole words of plain letters, as nearly all text is. */
static size_t plain_words(const char *string, size_t bytes) {
    size_t run = 0;
    for (uint64_t word; bytes - run >= sizeof word; run += sizeof word) {
        memcpy(&word, string + run, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return run;
}

/* A sequence that is cut short meets the 0. */
bool fi_text_is_utf8(const char *string, size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
        unsigned taken = sequence_bytes((const unsigned char *)string + done);
        if (taken == 0)
            return false;
        done += taken;
        done += plain_words(string + done, bytes - done);
    }
    return true;
}

/* A letter as it is to be written; returns how many bytes of the string it is. */
static unsigned next_letter(const unsigned char *s, fi_text_style style, fi_text *letter) {
    unsigned bytes = sequence_bytes(s);
    bool control = *s < 0x20 || *s == 0x7F;
    bool late_control = *s == 0xC2 && bytes == 2 && s[1] < 0xA0; /* some terminals obey these, too */
    if (style == FI_TEXT_PLAIN && (bytes == 0 || control || late_control))
        fi_text_add(letter, "?");
    else if (bytes == 0)
        fi_text_add(letter, "\\ufffd");
    else if (control)
        fi_text_add(letter, "\\u%04x", *s);
    else if (style == FI_TEXT_JSON && (*s == '"' || *s == '\\'))
        fi_text_add(letter, "\\%c", *s);
    else
        fi_text_add(letter, "%.*s", (int)bytes, (const char *)s);
    return bytes != 0 ? bytes : 1;
}

/* How many letters there are that stand for themselves in any style, at most `most`. */
static size_t simple_run(const char *string, size_t most) {
    size_t run = 0;
    while (run < most && string[run] >= ' ' && string[run] < 0x7F && string[run] != '"' && string[run] != '\\')
        run++;
    return run;
}

size_t fi_text_add_part(fi_text *text, const char *string, fi_text_style style) {
    size_t done = 0;
    while (string[done] != '\0') {
        size_t run = simple_run(string + done, text->room - 1 - text->length);
        memcpy(text->bytes + text->length, string + done, run);
        text->length += run;
        text->bytes[text->length] = '\0';
        done += run;
        if (string[done] == '\0')
            break;
        char bytes[FI_TEXT_LETTER_BYTES + 1];
        fi_text letter = FI_TEXT(bytes);
        unsigned taken = next_letter((const unsigned char *)string + done, style, &letter);
        if (letter.length > text->room - 1 - text->length)
            break;
        memcpy(text->bytes + text->length, bytes, letter.length + 1);
        text->length += letter.length;
        done += taken;
    }
    return done;
}

void fi_text_add_json(fi_text *text, const char *string) {
    if (text->room - 1 - text->length < 2)
        return;
    fi_text_add(text, "\"");
    fi_text but_the_quote = {text->bytes, text->room - 1, text->length};
    (void)fi_text_add_part(&but_the_quote, string, FI_TEXT_JSON);
    text->length = but_the_quote.length;
    fi_text_add(text, "\"");
}

void fi_text_add_plain(fi_text *text, const char *string) {
    (void)fi_text_add_part(text, string, FI_TEXT_PLAIN);
}

void fi_text_copy(char *to, size_t room, const char *from) {
    size_t length = from != NULL ? strnlen(from, room - 1) : 0;
    if (length > 0)
        memcpy(to, from, length);
    to[length] = 0;
}
