/* What a command is going to run in the end: through a search in PATH, symbolic links, the first lines of scripts,
 * and env(1). */
#ifndef FIEF_PROGRAM_H
#define FIEF_PROGRAM_H

#include "elf_facts.h"
#include "lookup.h"

#include <sys/types.h>

enum { PROGRAM_LEVELS = 8, PROGRAM_LINE_BYTES = 256, PROGRAM_LINE_WORDS = 16 };

typedef struct program {
    char path[PATH_MAX]; /* the file that the kernel loads */
    bool is_elf; /* false: it could not be read, or the shell is going to run it; what follows is not known */
    elf_facts elf;
    bool gains_rights; /* it runs as somebody else than its caller, or with more capabilities */
} program;

/* `words` is the command and its arguments, ending in NULL. Where a part of the way can't be seen, the last that
 * can is the program. False, with an error number, if the command itself can't be run. */
bool program_find(char *const *words, program *out, int *error);

/* The running process's own file. */
bool program_find_self(program *out);

#endif
