/* The exported verbs of leaks: suppressions and snapshots. */
#include "debug/census.h"
#include "debug/suppress.h"
#include "fief/debug.h"
#include "interp/registry.h"
#include "os/os.h"

#include <string.h>

/* ---- suppressions ---- */

fief_status fief_leaks_suppress(const char *text) {
    if (text == NULL)
        return FIEF_BAD_ARGUMENT;
    return fi_registry_ready() && fi_suppress_add(text, strlen(text)) ? FIEF_OK : FIEF_NO_MEMORY;
}

fief_status fief_leaks_suppress_file(const char *path) {
    if (path == NULL)
        return FIEF_BAD_ARGUMENT;
    if (!fi_registry_ready())
        return FIEF_NO_MEMORY;
    fi_os_file file;
    fi_os_read_result result = fi_os_read_file(path, &file);
    if (result != FI_OS_READ)
        return result == FI_OS_NO_MEMORY ? FIEF_NO_MEMORY : FIEF_BAD_ARGUMENT;
    bool added = fi_suppress_add(file.text, file.bytes);
    fi_os_release(file.text, file.mapped_bytes);
    return added ? FIEF_OK : FIEF_NO_MEMORY;
}

/* ---- snapshots ---- */

void fief_snapshot_free(fief_snapshot *snapshot) {
    fi_census_destroy(snapshot);
}

fief_status fief_snapshot_diff(const fief_snapshot *before, const fief_snapshot *after, fief_format format,
                               fief_text_fn *out, void *arg) {
    if (before == NULL || after == NULL || (format != FIEF_TEXT && format != FIEF_JSON))
        return FIEF_BAD_ARGUMENT;
    return fi_census_tell_growth(before, after, format, out, arg) ? FIEF_OK : FIEF_NO_MEMORY;
}
