#include "environment.h"

#include "complaint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_REPORT_BYTES = 1023 }; /* of FIEF_CONF, and of FIEF_RUN */

/* Appends a part to a list in a variable. */
static bool append(const char *variable, char mark, const char *part, size_t part_bytes) {
    const char *old = getenv(variable);
    bool is_first = old == NULL || old[0] == '\0';
    char *all = NULL;
    bool good =
        asprintf(&all, "%s%.*s%.*s", is_first ? "" : old, is_first ? 0 : 1, &mark, (int)part_bytes, part) >= 0 &&
        setenv(variable, all, 1) == 0;
    free(all);
    return good || complain("%s: %s", variable, strerror(ENOMEM));
}

/* ---- libraries ---- */

static bool append_ours(shim_set shims, const program *self) {
    char path[PATH_MAX];
    for (unsigned i = 0; i < SHIM_COUNT; i++)
        if ((shims >> i & 1) != 0 &&
            !(shims_find((shim)i, self, path) && append("LD_PRELOAD", ':', path, strlen(path))))
            return false;
    return true;
}

/* Spaces and colons part them. */
static bool append_theirs(const char *list) {
    char path[PATH_MAX];
    for (const char *at = list; *at != '\0';) {
        size_t bytes = strcspn(at, " :");
        snprintf(path, sizeof path, "%.*s", (int)bytes, at);
        if (bytes > 0 && !shims_are_named(path) && !append("LD_PRELOAD", ':', at, bytes))
            return false;
        at += bytes + (at[bytes] != '\0');
    }
    return true;
}

bool environment_preload(shim_set shims, const program *self) {
    const char *list = getenv("LD_PRELOAD");
    char *theirs = strdup(list != NULL ? list : "");
    if (theirs == NULL)
        return complain("%s", strerror(errno));
    unsetenv("LD_PRELOAD");
    bool good = append_ours(shims, self) && append_theirs(theirs);
    free(theirs);
    return good;
}

/* ---- what they are asked ---- */

__attribute__((format(printf, 2, 3))) static bool ask(const char *variable, const char *format, ...) {
    char item[MOST_REPORT_BYTES + 64];
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(item, sizeof item, format, arguments);
    va_end(arguments);
    return append(variable, ',', item, (size_t)bytes);
}

/* Made now, so that a wrong path is not found out at the program's end, and named from the root: the program may
 * go to another folder. */
static bool ask_for_reports(const char *file) {
    char path[PATH_MAX];
    int made = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (made < 0 || realpath(file, path) == NULL)
        return complain("%s: %s", file, strerror(errno));
    close(made);
    if (strlen(path) > MOST_REPORT_BYTES || strchr(path, ',') != NULL)
        return complain("--report takes a path of less than 1,024 bytes and without a comma, not '%s'", path);
    return ask("FIEF_CONF", "text:%s", path) && ask("FIEF_RUN", "report:%s", path);
}

/* A watched heap is looked through at the end, too: damage is seen that no call has met. */
static bool ask_to_watch(const char *level) {
    return ask("FIEF_CONF", "debug:%s", level) && ask("FIEF_RUN", "check:%d", strcmp(level, "off") != 0);
}

bool environment_ask(const options *o) {
    return (o->level == NULL || ask_to_watch(o->level)) && (!o->leaks || ask("FIEF_RUN", "leaks:1")) &&
           (o->limit_bytes == 0 || ask("FIEF_RUN", "limit:%zu", o->limit_bytes)) &&
           (!o->stats || ask("FIEF_RUN", "stats:1")) && (o->report == NULL || ask_for_reports(o->report));
}
