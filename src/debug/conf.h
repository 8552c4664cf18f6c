/* FIEF_CONF: what the environment says about debugging, over what the program says.
 *
 *     FIEF_CONF=debug:full,quarantine:64M,on_foreign:abort
 *
 * Items are parted by commas, an item's key from its value by the first colon; blanks around either mean nothing.
 * A typing error must not change what a program does: whatever is not understood is told, and the rest applies. */
#ifndef FI_DEBUG_CONF_H
#define FI_DEBUG_CONF_H

#include "fief/debug.h"

enum { FI_CONF_PATH_BYTES = 1024 };

/* The keys: which of them were given is a bit each of `given`. */
typedef enum fi_conf_key {
    FI_CONF_DEBUG,
    FI_CONF_QUARANTINE,
    FI_CONF_SAMPLE,
    FI_CONF_GUARDED,
    FI_CONF_GUARD_ALIGN,
    FI_CONF_FRAMES,
    FI_CONF_ON_FOREIGN,
    FI_CONF_ON_MISUSE,
    FI_CONF_LEAKS,
    FI_CONF_ON_LEAK,
    FI_CONF_SUPPRESSIONS,
    FI_CONF_JSON,
    FI_CONF_TEXT,
    FI_CONF_BREAK,
    FI_CONF_SYMBOLS,
    FI_CONF_TOOLS,
    FI_CONF_KEYS,
    FI_CONF_ON_KIND = FI_CONF_KEYS /* any on_<kind>: a bit for all of them */
} fi_conf_key;

/* What was not given is 0. */
typedef struct fi_conf {
    uint32_t given;
    uint8_t debug;                      /* off, check, full, guard: 0 to 3 */
    uint8_t guard_align;                /* a guarded block lies at the right end of its page (0) or the left (1) */
    uint8_t on_foreign;                 /* fief_policy */
    uint8_t on_misuse;                  /* fief_policy */
    uint8_t on_leak;                    /* force, keep, strict: 0 to 2 */
    uint8_t leaks;                      /* 1: report them at each end */
    uint8_t symbols;                    /* 1: name functions and lines */
    uint8_t tools;                      /* 1: tell Valgrind and sanitizers */
    uint8_t on_kind[FIEF_MISUSE_COUNT]; /* fief_policy, by fief_misuse */
    uint64_t quarantine_bytes;          /* of each interpreter */
    uint64_t sample;                    /* one in so many allocations is guarded; 0: none */
    uint64_t guarded;                   /* most blocks that are guarded at once */
    uint64_t frames;                    /* 1 to 64 */
    uint64_t break_serial;
    char suppressions[FI_CONF_PATH_BYTES];
    char json[FI_CONF_PATH_BYTES]; /* a path, or "stderr" */
    char text[FI_CONF_PATH_BYTES]; /* the same */
} fi_conf;

static inline bool fi_conf_gives(const fi_conf *conf, fi_conf_key key) {
    return (conf->given >> key & 1) != 0;
}

/* The name of a kind of misuse, as reports have it; NULL or "": it has none. */
typedef const char *fi_conf_kind_name(fief_misuse kind);

/* Overwrites all of *conf. A key that comes twice has its last good value. Each item that is not understood is
 * told to `warn` (NULL: stderr), a line each. Returns how many there were. */
size_t fi_conf_parse(fi_conf *conf, const char *text, fi_conf_kind_name *kind_name, fief_text_fn *warn, void *arg);

#endif
