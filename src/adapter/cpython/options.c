#define _GNU_SOURCE 1 /* secure_getenv; the same as -D_GNU_SOURCE */
#include "adapter/cpython/options.h"

#include "adapter/cpython/tell.h"
#include "adapter/launch.h"

#include <stdlib.h>
#include <string.h>

fief_cpython_config fi_options = FIEF_CPYTHON_CONFIG_INIT;

static bool is_word(const char *item, size_t bytes, const char *word) {
    return strlen(word) == bytes && memcmp(item, word, bytes) == 0;
}

void fi_options_read(void) {
    fi_options.limit_bytes = fi_launch_get()->limit_bytes;
    const char *item = secure_getenv("FIEF_CPYTHON");
    while (item != NULL && *item != '\0') {
        size_t bytes = strcspn(item, ",");
        if (is_word(item, bytes, "reclaim"))
            fi_options.reclaim = true;
        else if (is_word(item, bytes, "report"))
            fi_options.report = true;
        else if (bytes > 0)
            fi_tell("FIEF_CPYTHON: not understood: \"%.*s\"", bytes < 128 ? (int)bytes : 128, item);
        item += bytes + (item[bytes] == ',');
    }
}
