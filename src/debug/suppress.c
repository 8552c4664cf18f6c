#include "debug/suppress.h"

#include "arena/meta.h"
#include "base/atomics.h"

#include <string.h>

typedef enum rule_kind { LEAK_RULE = 1, TAG_RULE } rule_kind;

/* The lines of one text. They are never taken back, so that a reader needs no lock. */
typedef struct rule_set {
    struct rule_set *next;
    uint32_t version; /* how many sets there are with this one */
    bool has_leak_rules;
    size_t bytes;  /* of `rules` */
    char rules[1]; /* one behind the other: its kind, and its pattern with a 0 */
} rule_set;

static rule_set *newest; /* written by compare-and-swap */

/* ---- matching ---- */

/* The first place of a piece in a string, or NULL. */
static const char *find_piece(const char *string, const char *piece, size_t bytes) {
    for (; *string != '\0'; string++)
        if (strncmp(string, piece, bytes) == 0)
            return string;
    return NULL;
}

static bool ends_in(const char *string, const char *piece, size_t bytes) {
    size_t length = strlen(string);
    return length >= bytes && memcmp(string + length - bytes, piece, bytes) == 0;
}

/* Piece by piece between the stars. Each is taken where it is found first: a later place never leaves more to the
 * pieces behind it. */
bool fi_suppress_matches(const char *pattern, const char *string) {
    if (*string == '\0')
        return false;
    bool fixed = *pattern == '^'; /* the next piece must be right here */
    bool star = false;
    for (pattern += fixed; *pattern != '\0';) {
        size_t bytes = strcspn(pattern, "*$");
        bool last = pattern[bytes] == '$';
        if (bytes == 0 && last)
            return *string == '\0' || star;
        if (last)
            return fixed ? strlen(string) == bytes && memcmp(string, pattern, bytes) == 0
                         : ends_in(string, pattern, bytes);
        if (bytes > 0) {
            const char *found = fixed ? string : find_piece(string, pattern, bytes);
            if (found == NULL || strncmp(found, pattern, bytes) != 0)
                return false;
            string = found + bytes;
        }
        star = pattern[bytes] == '*';
        fixed = fixed && !star;
        pattern += bytes + star;
    }
    return true;
}

static bool set_matches(const rule_set *set, rule_kind kind, const char *string) {
    for (const char *rule = set->rules; rule < set->rules + set->bytes; rule += strlen(rule) + 1)
        if (*rule == (char)kind && fi_suppress_matches(rule + 1, string))
            return true;
    return false;
}

/* ---- asking ---- */

typedef struct question {
    const rule_set *sets;
    bool covered;
} question;

static bool ask_frame(const fi_frame *frame, void *arg) {
    question *q = arg;
    for (const rule_set *set = q->sets; set != NULL && !q->covered; set = set->next)
        q->covered = set_matches(set, LEAK_RULE, frame->function) || set_matches(set, LEAK_RULE, frame->file) ||
                     set_matches(set, LEAK_RULE, frame->module);
    return !q->covered;
}

bool fi_suppress_covers(fi_trace trace, const char *tag) {
    question q = {.sets = fi_load_acquire(&newest)};
    bool has_leak_rules = false;
    for (const rule_set *set = q.sets; set != NULL; set = set->next) {
        if (set_matches(set, TAG_RULE, tag))
            return true;
        has_leak_rules = has_leak_rules || set->has_leak_rules;
    }
    if (trace != 0 && has_leak_rules)
        fi_the_tracer.tell(trace, ask_frame, &q);
    return q.covered;
}

uint32_t fi_suppress_version(void) {
    const rule_set *set = fi_load_acquire(&newest);
    return set != NULL ? set->version : 0;
}

/* ---- adding ---- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* 0: not one of ours, or a comment, or an empty line. *start moves behind the kind. */
static rule_kind kind_of(const char **start, const char *end) {
    static const struct {
        const char *prefix;
        size_t bytes;
        rule_kind kind;
    } kinds[] = {{"leak:", 5, LEAK_RULE}, {"tag:", 4, TAG_RULE}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((size_t)(end - *start) >= kinds[i].bytes && memcmp(*start, kinds[i].prefix, kinds[i].bytes) == 0) {
            *start += kinds[i].bytes;
            return kinds[i].kind;
        }
    return (rule_kind)0;
}

/* A rule is shorter than its line, so that there is room for all. */
static void add_line(rule_set *set, const char *start, const char *end) {
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    rule_kind kind = kind_of(&start, end);
    if (kind == 0)
        return;
    set->has_leak_rules = set->has_leak_rules || kind == LEAK_RULE;
    char *rule = set->rules + set->bytes;
    rule[0] = (char)kind;
    memcpy(rule + 1, start, (size_t)(end - start));
    rule[1 + (end - start)] = '\0';
    set->bytes += (size_t)(end - start) + 2;
}

static void publish(rule_set *set) {
    rule_set *next = fi_load_acquire(&newest);
    do {
        set->next = next;
        set->version = next != NULL ? next->version + 1 : 1;
    } while (!fi_cas_acq_rel(&newest, &next, set));
}

bool fi_suppress_add(const char *text, size_t bytes) {
    const char *zero = memchr(text, '\0', bytes);
    const char *end = zero != NULL ? zero : text + bytes;
    size_t set_bytes = sizeof(rule_set) + (size_t)(end - text);
    rule_set *set = fi_meta_alloc(set_bytes);
    if (set == NULL)
        return false;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline != NULL ? newline : end;
        add_line(set, line, line_end);
        line = line_end + (newline != NULL);
    }
    if (set->bytes > 0)
        publish(set);
    else
        fi_meta_free(set, set_bytes);
    return true;
}
