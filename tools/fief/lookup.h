/* From a command's name to its file, as execvp(3) and env(1) go. */
#ifndef FIEF_LOOKUP_H
#define FIEF_LOOKUP_H

#include <limits.h>
#include <stdbool.h>

typedef struct lookup {
    char path[PATH_MAX];
    int error; /* of a command that was not found: ENOENT, EACCES, ... */
} lookup;

/* `search_path` as PATH is, NULL: the system's own. A name with a slash is its path. */
bool lookup_command(const char *name, const char *search_path, lookup *out);

/* What follows the last slash. */
const char *lookup_base_name(const char *path);

#endif
