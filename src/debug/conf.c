#include "debug/conf.h"

#include "base/piece.h"
#include "base/text.h"
#include "os/os.h"

#include <assert.h>
#include <string.h>

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

/* ---- pieces ---- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static fi_piece trim(fi_piece s) {
    while (s.start < s.end && is_blank(*s.start))
        s.start++;
    while (s.start < s.end && is_blank(s.end[-1]))
        s.end--;
    return s;
}

/* ---- values ---- */

static bool read_choice(fi_piece value, const char *choices, uint8_t *out) {
    fi_piece rest = fi_piece_of(choices);
    for (uint8_t place = 0; rest.start < rest.end; place++) {
        fi_piece choice = fi_piece_split_off(&rest, '|');
        if (fi_piece_bytes(choice) > 0 && fi_piece_bytes(choice) == fi_piece_bytes(value) &&
            memcmp(choice.start, value.start, fi_piece_bytes(value)) == 0) {
            *out = place;
            return true;
        }
    }
    return false;
}

static bool read_number(fi_piece value, const key_type *key, uint64_t *out) {
    uint64_t number;
    if (!fi_piece_number(value, key->type == SIZE, key->most, &number) || number < key->least)
        return false;
    *out = number;
    return true;
}

static bool read_value(fi_conf *conf, const key_type *key, fi_piece value) {
    char *field = (char *)conf + key->offset;
    switch (key->type) {
    case CHOICE:
        return read_choice(value, key->choices, (uint8_t *)field);
    case NUMBER:
    case SIZE:
        return read_number(value, key, (uint64_t *)(void *)field);
    default:
        return fi_piece_copy(value, field, FI_CONF_PATH_BYTES);
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
static void add_quoted(fi_text *text, fi_piece s) {
    char copy[64];
    size_t bytes = fi_piece_bytes(s) < sizeof copy ? fi_piece_bytes(s) : sizeof copy - 1;
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

static void warn_of_key(parser *p, const char *what, fi_piece item) {
    char bytes[512];
    fi_text text = FI_TEXT(bytes);
    fi_text_add(&text, "fief: FIEF_CONF: %s ", what);
    add_quoted(&text, item);
    fi_text_add(&text, "\n");
    tell(p, &text);
}

/* "off, check, full or guard" */
static void add_choices(fi_text *text, const char *choices) {
    fi_piece rest = fi_piece_of(choices);
    for (bool first = true; rest.start < rest.end;) {
        fi_piece choice = fi_piece_split_off(&rest, '|');
        if (fi_piece_bytes(choice) == 0)
            continue;
        const char *between = first ? "" : rest.start < rest.end ? ", " : " or ";
        fi_text_add(text, "%s%.*s", between, (int)fi_piece_bytes(choice), choice.start);
        first = false;
    }
}

static void warn_of_value(parser *p, const key_type *key, fi_piece name, fi_piece value) {
    char bytes[1024];
    fi_text text = FI_TEXT(bytes);
    fi_text_add(&text, "fief: FIEF_CONF: %.*s is ", (int)fi_piece_bytes(name), name.start);
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
static bool says_kind(fi_piece word, const char *kind) {
    if (kind == NULL || kind[0] == '\0' || strlen(kind) != fi_piece_bytes(word))
        return false;
    for (size_t i = 0; i < fi_piece_bytes(word); i++)
        if (word.start[i] != (kind[i] == ' ' ? '_' : kind[i]))
            return false;
    return true;
}

/* on_<kind>. Some keys begin like that, too; they come first. */
static unsigned find_kind(const parser *p, fi_piece name) {
    static const char prefix[] = "on_";
    if (fi_piece_bytes(name) < sizeof prefix || memcmp(name.start, prefix, sizeof prefix - 1) != 0)
        return 0;
    fi_piece word = {name.start + sizeof prefix - 1, name.end};
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

static void parse_item(parser *p, fi_piece item) {
    fi_piece rest = item;
    fi_piece name = trim(fi_piece_split_off(&rest, ':'));
    fi_piece value = trim(rest);
    unsigned key = 0;
    while (key < FI_CONF_KEYS && !fi_piece_equals(name, keys[key].name))
        key++;
    unsigned kind = key == FI_CONF_KEYS ? find_kind(p, name) : 0;
    if (key == FI_CONF_KEYS && kind == 0) {
        warn_of_key(p, "unknown key", name);
        return;
    }
    if (memchr(item.start, ':', fi_piece_bytes(item)) == NULL) {
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
    for (fi_piece rest = fi_piece_of(text); rest.start < rest.end;) {
        fi_piece item = trim(fi_piece_split_off(&rest, ','));
        if (fi_piece_bytes(item) > 0)
            parse_item(&p, item);
    }
    return p.warnings;
}
