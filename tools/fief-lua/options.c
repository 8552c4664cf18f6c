/* The command line. Whatever can be known to be wrong is said here, before the first state exists. */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include "common/values.h"

#include <fief/fief.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <lua.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_STATES = 1000000, MOST_THREADS = 1024, DEFAULT_SLICE_INSTRUCTIONS = 100000 };

static const char usage[] =
    "Usage: fief-lua [option...] script.lua [script.lua...] [-- argument...]\n"
    "\n"
    "Runs Lua 5.4 states side by side, each on a heap of its own, and reports what each of them cost.\n"
    "The scripts are dealt out in turn: state 1 runs the first, state 2 the second, and so on, round and\n"
    "round. What a state writes is captured; at the end every distinct output of a script is printed\n"
    "once, with the number of states that gave it.\n"
    "\n"
    "In each state there is a table `fief`: its number (fief.state) and that of states (fief.states);\n"
    "send(to, ...) and give(to, value), receive(), poll(), and call(to, name, ...) reach the others;\n"
    "table(gift) copies what was given to a table of Lua's own.\n"
    "\n"
    "  --states N            how many states to host (default: as many as there are scripts)\n"
    "  --threads T           on how many threads (default: the machine's processors)\n"
    "  --migrate             run every turn of a state on another thread than its last turn;\n"
    "                        without it a state keeps to one thread\n"
    "  --slice INSTRUCTIONS  end a turn after so many of Lua's instructions (default: 100000)\n"
    "  --limit SIZE          memory of each state, as in 512K, 8M or 1G (default: no limit). What was sent to\n"
    "                        a state and not received yet does not count\n"
    "  --alignment 8|16      of small blocks; 8 suits Lua, whose tables are of 56 bytes (default: 8)\n"
    "  --debug LEVEL         watch the heaps at a debug level: off, check, full or guard (default: off). At\n"
    "                        full and guard the stacks in reports begin with lines of Lua. FIEF_CONF in the\n"
    "                        environment can say more (docs/debugging.md)\n"
    "  --plant MISUSE        do something wrong, to see it caught and reported on stderr:\n"
    "                        foreign-free: state 2 frees a block of state 1\n"
    "                        double-free: state 1 frees a block of its own twice\n"
    "                        use-after-free: state 1 writes to a block that it has freed\n"
    "                        overflow: it writes behind a block's end (seen from --debug check on)\n"
    "                        leak: it never frees a block (told at the end, from --debug check on)\n"
    "                        The misuse is reported, and the states go on\n"
    "  --quiet               show no progress on stderr\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 if every state ended without an error, 1 if one did not, 2 if nothing could be run.\n";

const char *options_script_of(const options *o, unsigned state_number) {
    return o->scripts[(state_number - 1) % o->script_count];
}

const char *options_file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

__attribute__((format(printf, 1, 2))) static bool complain(const char *format, ...) {
    va_list arguments;
    fputs("fief-lua: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\nTry 'fief-lua --help'.\n", stderr);
    return false;
}

/* ---- values ---- */

static bool parse_number(const char *name, const char *text, unsigned most, unsigned *out) {
    uintmax_t value;
    const char *behind;
    if (!values_digits(text, &value, &behind) || *behind != '\0' || value < 1 || value > most)
        return complain("--%s takes a number from 1 to %u, not '%s'", name, most, text);
    *out = (unsigned)value;
    return true;
}

static bool parse_size(const char *name, const char *text, size_t *out) {
    return values_size(text, out) || complain("--%s takes a size such as 512K, 8M or 1G, not '%s'", name, text);
}

static bool parse_alignment(const char *text, size_t *out) {
    if (strcmp(text, "8") != 0 && strcmp(text, "16") != 0)
        return complain("--alignment is 8 or 16, not '%s'", text);
    *out = text[0] == '8' ? 8 : 16;
    return true;
}

static bool parse_plant(const char *text, plant *out) {
    return plant_find(text, out) || complain("--plant knows foreign-free, double-free, use-after-free, overflow "
                                             "and leak, not '%s'",
                                             text);
}

static bool parse_debug(const char *text, fief_debug *out) {
    return values_level(text, out) || complain("--debug is off, check, full or guard, not '%s'", text);
}

/* ---- the line ---- */

static const struct option long_options[] = {
    {"states", required_argument, NULL, 's'}, {"threads", required_argument, NULL, 't'},
    {"migrate", no_argument, NULL, 'm'},      {"slice", required_argument, NULL, 'i'},
    {"limit", required_argument, NULL, 'l'},  {"alignment", required_argument, NULL, 'a'},
    {"debug", required_argument, NULL, 'd'},  {"plant", required_argument, NULL, 'p'},
    {"quiet", no_argument, NULL, 'q'},        {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
};

static bool take_option(options *o, int letter, const char *value) {
    unsigned number = 0;
    switch (letter) {
    case 's':
        return parse_number("states", value, MOST_STATES, &o->state_count);
    case 't':
        return parse_number("threads", value, MOST_THREADS, &o->thread_count);
    case 'i':
        if (!parse_number("slice", value, INT_MAX, &number))
            return false;
        o->slice_instructions = (int)number;
        return true;
    case 'l':
        return parse_size("limit", value, &o->limit_bytes);
    case 'a':
        return parse_alignment(value, &o->alignment);
    case 'p':
        return parse_plant(value, &o->plant);
    case 'd':
        return parse_debug(value, &o->debug);
    case 'm':
        o->migrate = true;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    default: /* getopt_long has said what */
        fputs("Try 'fief-lua --help'.\n", stderr);
        return false;
    }
}

static unsigned processor_count(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : (unsigned)count;
}

static bool check(options *o) {
    if (o->script_count == 0)
        return complain("no script given");
    for (unsigned i = 0; i < o->script_count; i++)
        if (access(o->scripts[i], R_OK) != 0)
            return complain("cannot read %s: %s", o->scripts[i], strerror(errno));
    if (o->state_count == 0)
        o->state_count = o->script_count;
    if (o->plant == PLANT_FOREIGN_FREE && o->state_count < 2)
        return complain("--plant foreign-free needs two states: one to own a block, one to free it");
    return true;
}

/* getopt_long puts the scripts last. It must not see what follows "--": it would take that for scripts too. */
static int own_argument_count(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return i;
    return argc;
}

options_verdict options_parse(options *o, int argc, char **argv) {
    int own_count = own_argument_count(argc, argv);
    *o = (options){
        .program = argv[0],
        .thread_count = processor_count(),
        .alignment = 8,
        .slice_instructions = DEFAULT_SLICE_INSTRUCTIONS,
        .script_arguments = own_count < argc ? argv + own_count + 1 : NULL,
        .script_argument_count = own_count < argc ? argc - own_count - 1 : 0,
    };
    for (int letter; (letter = getopt_long(own_count, argv, "", long_options, NULL)) != -1;) {
        if (letter == 'h') {
            fputs(usage, stdout);
            return OPTIONS_DONE;
        }
        if (letter == 'v') {
            printf("fief-lua %d.%d.%d, %s\n", FIEF_VERSION_MAJOR, FIEF_VERSION_MINOR, FIEF_VERSION_PATCH,
                   LUA_RELEASE);
            return OPTIONS_DONE;
        }
        if (!take_option(o, letter, optarg))
            return OPTIONS_WRONG;
    }
    o->scripts = argv + optind;
    o->script_count = (unsigned)(own_count - optind);
    return check(o) ? OPTIONS_RUN : OPTIONS_WRONG;
}
