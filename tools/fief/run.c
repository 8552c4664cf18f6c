#include "run.h"

#include "complaint.h"
#include "environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int cannot_run(const char *command, int error) {
    complain("%s: %s", command, strerror(error));
    return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* Without a library there is nothing that could not enter a program. */
static bool prepare(const options *o, const program *p) {
    program self;
    shim_set shims = o->picks_shims ? shims_for(p) : o->shims;
    if (shims != 0 && !program_find_self(&self))
        return complain("this command's own file can't be read");
    return (shims == 0 || shims_can_enter(p, &self)) && environment_preload(shims, &self) && environment_ask(o);
}

int run(int argc, char **argv) {
    options o;
    switch (options_parse(&o, argc, argv)) {
    case OPTIONS_DONE:
        return EXIT_SUCCESS;
    case OPTIONS_WRONG:
        return STATUS_IMPOSSIBLE;
    case OPTIONS_RUN:
        break;
    }
    program p;
    int error;
    if (!program_find(o.command, &p, &error))
        return cannot_run(o.command[0], error);
    if (!prepare(&o, &p))
        return STATUS_IMPOSSIBLE;
    execvp(o.command[0], o.command);
    return cannot_run(o.command[0], errno);
}
