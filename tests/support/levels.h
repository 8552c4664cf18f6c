/* Heaps at each debug level, watched by a witness. */
#ifndef FI_TESTS_SUPPORT_LEVELS_H
#define FI_TESTS_SUPPORT_LEVELS_H

#include "support/compare.h"
#include "support/interpreter.h"

#include <fief/debug.h>
#include <stdlib.h>

#define FOR_LEVELS(level) for (fief_debug level = FIEF_DEBUG_OFF; level <= FIEF_DEBUG_GUARD; level++)
#define FOR_DEBUG_LEVELS(level) for (fief_debug level = FIEF_DEBUG_CHECK; level <= FIEF_DEBUG_GUARD; level++)

static inline fief_config at_level(fief_debug level, witness *w) {
    fief_config config = watched("levels", w);
    config.debug = level;
    return config;
}

/* What the environment says, before the first heap of this process. Tools are left out, leaks at the end too. */
static inline void conf(const char *text) {
    char all[256];
    snprintf(all, sizeof all, "tools:0,leaks:0%s%s", text[0] != 0 ? "," : "", text);
    setenv("FIEF_CONF", all, 1);
}

/* Collects a text. */
typedef struct told {
    size_t bytes;
    char text[16384];
} told;

static inline void collect(const char *text, size_t bytes, void *arg) {
    told *t = arg;
    size_t room = sizeof t->text - 1 - t->bytes;
    bytes = bytes < room ? bytes : room;
    memcpy(t->text + t->bytes, text, bytes);
    t->bytes += bytes;
    t->text[t->bytes] = '\0';
}

#define assert_told(t, wanted) cr_assert_not_null(strstr((t).text, (wanted)), "told: %s", (t).text)
#define assert_not_told(t, wanted) cr_assert_null(strstr((t).text, (wanted)), "told: %s", (t).text)

#endif
