#define _GNU_SOURCE 1 /* secure_getenv; the same as -D_GNU_SOURCE */
#include "adapter/cpython/options.h"

#include "adapter/cpython/tell.h"
#include "adapter/launch.h"
#include "base/piece.h"

#include <stdlib.h>

fief_cpython_config fi_options = FIEF_CPYTHON_CONFIG_INIT;

void fi_options_read(void) {
    fi_options.limit_bytes = fi_launch_get()->limit_bytes;
    for (fi_piece rest = fi_piece_of(secure_getenv("FIEF_CPYTHON")); rest.start < rest.end;) {
        fi_piece item = fi_piece_split_off(&rest, ',');
        size_t bytes = fi_piece_bytes(item);
        if (fi_piece_equals(item, "reclaim"))
            fi_options.reclaim = true;
        else if (fi_piece_equals(item, "report"))
            fi_options.report = true;
        else if (bytes > 0)
            fi_tell("FIEF_CPYTHON: not understood: \"%.*s\"", bytes < 128 ? (int)bytes : 128, item.start);
    }
}
