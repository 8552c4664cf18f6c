#include "lookup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *lookup_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* 0, or why not. */
static int why_not_executable(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return errno;
    if (!S_ISREG(status.st_mode))
        return EACCES;
    return access(path, X_OK) == 0 ? 0 : errno;
}

/* True where the search is over. A file that may not be executed is remembered, in case that no other is found. */
static bool try_folder(const char *folder, size_t folder_bytes, const char *name, lookup *out) {
    const char *between = folder_bytes > 0 ? "/" : "";
    int length = snprintf(out->path, sizeof out->path, "%.*s%s%s", (int)folder_bytes, folder, between, name);
    if (length >= (int)sizeof out->path)
        return false;
    int error = why_not_executable(out->path);
    if (error == EACCES)
        out->error = EACCES;
    return error == 0;
}

static bool search(const char *name, const char *search_path, lookup *out) {
    char own[256];
    if (search_path == NULL) {
        confstr(_CS_PATH, own, sizeof own);
        search_path = own;
    }
    out->error = ENOENT;
    for (const char *folder = search_path;; folder++) {
        const char *end = strchrnul(folder, ':');
        if (try_folder(folder, (size_t)(end - folder), name, out))
            return true;
        if (*end == '\0')
            return false;
        folder = end;
    }
}

bool lookup_command(const char *name, const char *search_path, lookup *out) {
    if (name[0] == '\0') {
        out->error = ENOENT;
        return false;
    }
    if (strchr(name, '/') == NULL)
        return search(name, search_path, out);
    out->error = ENAMETOOLONG;
    if (strlen(name) >= sizeof out->path)
        return false;
    strcpy(out->path, name);
    out->error = why_not_executable(name);
    return out->error == 0;
}
