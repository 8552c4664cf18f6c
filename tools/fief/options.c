#include "options.h"

#include "complaint.h"

#include "common/values.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "Usage: fief run [option...] [--] command [argument...]\n"
    "\n"
    "Runs a command, unchanged, with fief as its allocator. What it allocates is watched, limited and counted as\n"
    "the options say; its output, its signals and its exit status are its own. All that it starts runs so, too.\n"
    "\n"
    "  --debug LEVEL   watch the heaps: off, check, full or guard. Misuse is reported on stderr\n"
    "  --limit SIZE    most memory of a process, as in 512K, 64M or 2G: beyond it malloc fails. Of Python: of each\n"
    "                  interpreter, which gets a MemoryError\n"
    "  --report FILE   append reports and statistics to this file, not to stderr\n"
    "  --stats         tell at the end of each process what it used\n"
    "  --leaks         tell at the end of each process which blocks are live, and where they were allocated. The\n"
    "                  level is full if none is given\n"
    "  --shim NAMES    what is put under it: malloc, cpython, both (malloc,cpython), or none. By default cpython\n"
    "                  if the command is CPython or is linked with it, else malloc\n"
    "  --help\n"
    "\n"
    "Exit status: the command's; 125 if fief could not run it, 126 if it is not executable, 127 if there is no\n"
    "such command. See fief(1).\n";

static bool wrong(void) {
    fputs("Try 'fief run --help'.\n", stderr);
    return false;
}

static bool take_level(const char *text, options *o) {
    fief_debug level;
    o->level = text;
    return values_level(text, &level) || complain("--debug is off, check, full or guard, not '%s'", text) ||
           wrong();
}

static bool take_limit(const char *text, options *o) {
    return values_size(text, &o->limit_bytes) ||
           complain("--limit takes a size such as 512K, 8M or 1G, not '%s'", text) || wrong();
}

static bool take_shims(const char *text, options *o) {
    o->picks_shims = false;
    return shims_parse(text, &o->shims) || complain("--shim is malloc, cpython, both or none, not '%s'", text) ||
           wrong();
}

static const struct option long_options[] = {
    {"debug", required_argument, NULL, 'd'},  {"limit", required_argument, NULL, 'l'},
    {"report", required_argument, NULL, 'r'}, {"stats", no_argument, NULL, 's'},
    {"leaks", no_argument, NULL, 'k'},        {"shim", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

static bool take_option(options *o, int letter, const char *value) {
    switch (letter) {
    case 'd':
        return take_level(value, o);
    case 'l':
        return take_limit(value, o);
    case 'r':
        o->report = value;
        return true;
    case 's':
        o->stats = true;
        return true;
    case 'k':
        o->leaks = true;
        return true;
    case 'm':
        return take_shims(value, o);
    default: /* getopt_long has said what */
        return wrong();
    }
}

options_verdict options_parse(options *o, int argc, char **argv) {
    static char name[] = "fief run"; /* begins what getopt_long has to say */
    argv[0] = name;
    *o = (options){.picks_shims = true};
    for (int letter; (letter = getopt_long(argc, argv, "+", long_options, NULL)) != -1;) {
        if (letter == 'h') {
            fputs(usage, stdout);
            return OPTIONS_DONE;
        }
        if (!take_option(o, letter, optarg))
            return OPTIONS_WRONG;
    }
    if (o->leaks && o->level == NULL)
        o->level = "full";
    o->command = argv + optind;
    if (*o->command != NULL)
        return OPTIONS_RUN;
    complain("no command given");
    wrong();
    return OPTIONS_WRONG;
}
