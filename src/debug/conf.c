#include "debug/conf.h"

#include "base/text.h"
#include "os/os.h"

#include <assert.h>
#include <string.h>

typedef struct span {
    const char *start, *end;
} span;

/* ---- the keys ---- */

typedef enum value_type {
    CHOICE, /* its place among the choices; an empty choice keeps a place and is never meant */
    NUMBER,
    SIZE,
    PATH
} value_type;

typedef struct key_type {
    const char *name;
    value_type type;
    size_t offset; /* of the field: uint8_t for a choice, uint64_t for a number */
    const char *choices;
    uint64_t least, most;
} key_type;

/* The places are the numbers of fief_policy. */
static const char foreign_policies[] = "|abort|report|route|ignore";
static const char misuse_policies[] = "|abort|report||ignore";
static_assert(FIEF_POLICY_ABORT == 1 && FIEF_POLICY_REPORT == 2 && FIEF_POLICY_ROUTE == 3 &&
                  FIEF_POLICY_IGNORE == 4,
              "a policy's place is its number");

#define FIELD(field) offsetof(fi_conf, field)

static const key_type keys[FI_CONF_KEYS] = {
    [FI_CONF_DEBUG] = {"debug", CHOICE, FIELD(debug), "off|check|full|guard", 0, 0},
    [FI_CONF_QUARANTINE] = {"quarantine", SIZE, FIELD(quarantine_bytes), NULL, 0, PTRDIFF_MAX},
    [FI_CONF_SAMPLE] = {"sample", NUMBER, FIELD(sample), NULL, 0, UINT64_MAX},
    [FI_CONF_GUARDED] = {"guarded", NUMBER, FIELD(guarded), NULL, 0, UINT64_MAX},
    [FI_CONF_GUARD_ALIGN] = {"guard_align", CHOICE, FIELD(guard_align), "right|left", 0, 0},
    [FI_CONF_FRAMES] = {"frames", NUMBER, FIELD(frames), NULL, 1, 64},
    [FI_CONF_ON_FOREIGN] = {"on_foreign", CHOICE, FIELD(on_foreign), foreign_policies, 0, 0},
    [FI_CONF_ON_MISUSE] = {"on_misuse", CHOICE, FIELD(on_misuse), misuse_policies, 0, 0},
    [FI_CONF_LEAKS] = {"leaks", CHOICE, FIELD(leaks), "0|1", 0, 0},
    [FI_CONF_ON_LEAK] = {"on_leak", CHOICE, FIELD(on_leak), "force|keep|strict", 0, 0},
    [FI_CONF_SUPPRESSIONS] = {"suppressions", PATH, FIELD(suppressions), NULL, 0, 0},
    [FI_CONF_JSON] = {"json", PATH, FIELD(json), NULL, 0, 0},
    [FI_CONF_TEXT] = {"text", PATH, FIELD(text), NULL, 0, 0},
    [FI_CONF_BREAK] = {"break", NUMBER, FIELD(break_serial), NULL, 0, UINT64_MAX},
    [FI_CONF_SYMBOLS] = {"symbols", CHOICE, FIELD(symbols), "0|1", 0, 0},
    [FI_CONF_TOOLS] = {"tools", CHOICE, FIELD(tools), "0|1", 0, 0},
};

/* ---- spans ---- */

static size_t bytes_of(span s) {
    return (size_t)(s.end - s.start);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static span trim(span s) {
    while (s.start < s.end && is_blank(*s.start))
        s.start++;
    while (s.start < s.end && is_blank(s.end[-1]))
        s.end--;
    return s;
}

static bool equals(span s, const char *string) {
    return strlen(string) == bytes_of(s) && memcmp(s.start, string, bytes_of(s)) == 0;
}

/* The text up to the first `mark`, which is taken off it, too. */
static span split_off(span *text, char mark) {
    const char *at = memchr(text->start, mark, bytes_of(*text));
    span first = {text->start, at != NULL ? at : text->end};
    text->start = at != NULL ? at + 1 : text->end;
    return first;
}

/* ---- values ---- */

static bool read_choice(span value, const char *choices, uint8_t *out) {
    span rest = {choices, choices + strlen(choices)};
    for (uint8_t place = 0; rest.start < rest.end; place++) {
        span choice = split_off(&rest, '|');
        if (bytes_of(choice) > 0 && bytes_of(choice) == bytes_of(value) &&
            memcmp(choice.start, value.start, bytes_of(value)) == 0) {
            *out = place;
            return true;
        }
    }
    return false;
}

static unsigned shift_of(char suffix) {
    return suffix == 'K' || suffix == 'k'   ? 10
           : suffix == 'M' || suffix == 'm' ? 20
           : suffix == 'G' || suffix == 'g' ? 30
                                            : 0;
}

static bool read_number(span value, const key_type *key, uint64_t *out) {
    unsigned shift = key->type == SIZE && bytes_of(value) > 1 ? shift_of(value.end[-1]) : 0;
    value.end -= shift != 0;
    uint64_t number = 0;
    if (value.start == value.end)
        return false;
    for (const char *at = value.start; at < value.end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (number > key->most >> shift || number < key->least)
        return false;
    *out = number << shift;
    return true;
}

static bool read_path(span value, char *out) {
    if (bytes_of(value) == 0 || bytes_of(value) >= FI_CONF_PATH_BYTES)
        return false;
    memcpy(out, value.start, bytes_of(value));
    out[bytes_of(value)] = '\0';
    return true;
}

static bool read_value(fi_conf *conf, const key_type *key, span value) {
    char *field = (char *)conf + key->offset;
    switch (key->type) {
    case CHOICE:
        return read_choice(value, key->choices, (uint8_t *)field);
    case NUMBER:
    case SIZE:
        return read_number(value, key, (uint64_t *)(void *)field);
    default:
        return read_path(value, field);
    }
}

/* ---- warnings ---- */

typedef struct parser {
    fi_conf *conf;
    fi_conf_kind_name *kind_name;
    fief_text_fn *warn;
    void *arg;
    size_t warnings;
} parser;

/* Quoted, and cut to what helps to find it. */
static void add_quoted(fi_text *text, span s) {
    char copy[64];
    size_t bytes = bytes_of(s) < sizeof copy ? bytes_of(s) : sizeof copy - 1;
    memcpy(copy, s.start, bytes);
    copy[bytes] = '\0';
    fi_text_add_json(text, copy);
}

static void tell(parser *p, const fi_text *text) {
    p->warnings++;
    if (p->warn != NULL)
        p->warn(text->bytes, text->length, p->arg);
    else
        fi_os_write_error(text->bytes, text->length);
}

static void warn_of_key(parser *p, const char *what, span item) {
    char bytes[512];
    fi_text text = FI_TEXT(bytes);
    fi_text_add(&text, "fief: FIEF_CONF: %s ", what);
    add_quoted(&text, item);
    fi_text_add(&text, "\n");
    tell(p, &text);
}

/* "off, check, full or guard" */
static void add_choices(fi_text *text, const char *choices) {
    span rest = {choices, choices + strlen(choices)};
    for (bool first = true; rest.start < rest.end;) {
        span choice = split_off(&rest, '|');
        if (bytes_of(choice) == 0)
            continue;
        const char *between = first ? "" : rest.start < rest.end ? ", " : " or ";
        fi_text_add(text, "%s%.*s", between, (int)bytes_of(choice), choice.start);
        first = false;
    }
}

static void warn_of_value(parser *p, const key_type *key, span name, span value) {
    char bytes[1024];
    fi_text text = FI_TEXT(bytes);
    fi_text_add(&text, "fief: FIEF_CONF: %.*s is ", (int)bytes_of(name), name.start);
    add_quoted(&text, value);
    fi_text_add(&text, ", and should be ");
    if (key->type == CHOICE)
        add_choices(&text, key->choices);
    else if (key->type == SIZE)
        fi_text_add(&text, "a size, as in 64M");
    else if (key->type == PATH)
        fi_text_add(&text, "a path of less than %d bytes", FI_CONF_PATH_BYTES);
    else if (key->most == UINT64_MAX)
        fi_text_add(&text, "a number");
    else
        fi_text_add(&text, "a number from %u to %u", (unsigned)key->least, (unsigned)key->most);
    fi_text_add(&text, "\n");
    tell(p, &text);
}

/* ---- items ---- */

/* "double free" is said as double_free. */
static bool says_kind(span word, const char *kind) {
    if (kind == NULL || kind[0] == '\0' || strlen(kind) != bytes_of(word))
        return false;
    for (size_t i = 0; i < bytes_of(word); i++)
        if (word.start[i] != (kind[i] == ' ' ? '_' : kind[i]))
            return false;
    return true;
}

/* on_<kind>. Some keys begin like that, too; they come first. */
static unsigned find_kind(const parser *p, span name) {
    static const char prefix[] = "on_";
    if (bytes_of(name) < sizeof prefix || memcmp(name.start, prefix, sizeof prefix - 1) != 0)
        return 0;
    span word = {name.start + sizeof prefix - 1, name.end};
    for (unsigned kind = 1; kind < FIEF_MISUSE_COUNT; kind++)
        if (says_kind(word, p->kind_name((fief_misuse)kind)))
            return kind;
    return 0;
}

static key_type key_of_kind(unsigned kind) {
    bool foreign = kind == FIEF_MISUSE_FOREIGN_FREE || kind == FIEF_MISUSE_FOREIGN_REALLOC;
    return (key_type){
        .type = CHOICE, .offset = FIELD(on_kind) + kind, .choices = foreign ? foreign_policies : misuse_policies};
}

static void parse_item(parser *p, span item) {
    span rest = item;
    span name = trim(split_off(&rest, ':'));
    span value = trim(rest);
    unsigned key = 0;
    while (key < FI_CONF_KEYS && !equals(name, keys[key].name))
        key++;
    unsigned kind = key == FI_CONF_KEYS ? find_kind(p, name) : 0;
    if (key == FI_CONF_KEYS && kind == 0) {
        warn_of_key(p, "unknown key", name);
        return;
    }
    if (memchr(item.start, ':', bytes_of(item)) == NULL) {
        warn_of_key(p, "no value for", name);
        return;
    }
    key_type type = kind != 0 ? key_of_kind(kind) : keys[key];
    if (!read_value(p->conf, &type, value))
        warn_of_value(p, &type, name, value);
    else
        p->conf->given |= UINT32_C(1) << (kind != 0 ? FI_CONF_ON_KIND : key);
}

size_t fi_conf_parse(fi_conf *conf, const char *text, fi_conf_kind_name *kind_name, fief_text_fn *warn,
                     void *arg) {
    parser p = {.conf = conf, .kind_name = kind_name, .warn = warn, .arg = arg};
    *conf = (fi_conf){.given = 0};
    for (span rest = {text, text + strlen(text)}; rest.start < rest.end;) {
        span item = trim(split_off(&rest, ','));
        if (bytes_of(item) > 0)
            parse_item(&p, item);
    }
    return p.warnings;
}
