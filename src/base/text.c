#define _POSIX_C_SOURCE 200809L
#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
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

void fi_text_add_json(fi_text *text, const char *string) {
    fi_text_add(text, "\"");
    for (const unsigned char *s = (const unsigned char *)string; *s != 0;) {
        unsigned bytes = sequence_bytes(s);
        if (bytes == 0)
            fi_text_add(text, "\\ufffd");
        else if (*s < 0x20 || *s == 0x7F)
            fi_text_add(text, "\\u%04x", *s);
        else if (*s == '"' || *s == '\\')
            fi_text_add(text, "\\%c", *s);
        else
            fi_text_add(text, "%.*s", (int)bytes, (const char *)s);
        s += bytes != 0 ? bytes : 1;
    }
    fi_text_add(text, "\"");
}

void fi_text_copy(char *to, size_t room, const char *from) {
    size_t length = from != NULL ? strnlen(from, room - 1) : 0;
    if (length > 0)
        memcpy(to, from, length);
    to[length] = 0;
}
