/* Whether a text is JSON (RFC 8259) and nothing but: one value, its strings valid UTF-8. */
#ifndef FI_TESTS_SUPPORT_JSON_H
#define FI_TESTS_SUPPORT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Each takes one thing and returns what stands behind it, or NULL where there is no such thing. */
static inline const char *json_value(const char *s, unsigned depth);

static inline const char *json_blanks(const char *s) {
    return s + strspn(s, " \t\n\r");
}

static inline const char *json_hex(const char *s) {
    return strspn(s, "0123456789abcdefABCDEF") >= 4 ? s + 4 : NULL;
}

static inline const char *json_letter(const char *s) {
    const unsigned char *u = (const unsigned char *)s;
    if (*s == '\\')
        return s[1] == 'u' ? json_hex(s + 2) : s[1] != '\0' && strchr("\"\\/bfnrt", s[1]) != NULL ? s + 2 : NULL;
    if (*u < 0x20)
        return NULL;
    if (*u < 0x80)
        return s + 1;
    unsigned more = *u >= 0xC2 && *u < 0xE0 ? 1 : *u >= 0xE0 && *u < 0xF0 ? 2 : *u >= 0xF0 && *u < 0xF5 ? 3 : 0;
    if (more == 0 || (*u == 0xE0 && u[1] < 0xA0) || (*u == 0xED && u[1] > 0x9F) || (*u == 0xF0 && u[1] < 0x90) ||
        (*u == 0xF4 && u[1] > 0x8F))
        return NULL;
    for (unsigned i = 1; i <= more; i++)
        if ((u[i] & 0xC0) != 0x80)
            return NULL;
    return s + 1 + more;
}

static inline const char *json_string(const char *s) {
    if (*s != '"')
        return NULL;
    for (s++; s != NULL && *s != '"';)
        s = json_letter(s);
    return s != NULL ? s + 1 : NULL;
}

static inline const char *json_number(const char *s) {
    s += *s == '-';
    size_t digits = strspn(s, "0123456789");
    if (digits == 0 || (*s == '0' && digits > 1))
        return NULL;
    s += digits;
    if (*s == '.' && (digits = strspn(s + 1, "0123456789")) == 0)
        return NULL;
    return *s == '.' ? s + 1 + digits : s;
}

/* `{"a":1,"b":2}` or `[1,2]` */
static inline const char *json_many(const char *s, char end, unsigned depth) {
    s = json_blanks(s + 1);
    if (*s == end)
        return s + 1;
    for (;; s++) {
        if (end == '}') {
            s = json_string(json_blanks(s));
            if (s == NULL || *(s = json_blanks(s)) != ':')
                return NULL;
            s++;
        }
        s = json_value(s, depth + 1);
        if (s == NULL)
            return NULL;
        s = json_blanks(s);
        if (*s != ',')
            return *s == end ? s + 1 : NULL;
    }
}

static inline const char *json_value(const char *s, unsigned depth) {
    static const char *const words[] = {"true", "false", "null"};
    s = json_blanks(s);
    if (depth > 100)
        return NULL;
    if (*s == '{' || *s == '[')
        return json_many(s, *s == '{' ? '}' : ']', depth);
    if (*s == '"')
        return json_string(s);
    for (unsigned i = 0; i < 3; i++)
        if (strncmp(s, words[i], strlen(words[i])) == 0)
            return s + strlen(words[i]);
    return json_number(s);
}

static inline bool is_json(const char *text) {
    const char *end = json_value(text, 0);
    return end != NULL && *json_blanks(end) == '\0';
}

/* A value, and then the end of the one line there is. */
static inline bool is_json_line(const char *text) {
    const char *newline = strchr(text, '\n');
    return is_json(text) && newline != NULL && newline[1] == '\0';
}

#endif
