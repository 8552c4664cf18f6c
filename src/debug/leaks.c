/* The exported verbs of leaks: suppressions and snapshots. */
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
