/* fief run: puts a library under a command, and becomes it. */
#ifndef FIEF_RUN_H
#define FIEF_RUN_H

/* `argv` begins with the verb. Returns, with the exit status, only if there is nothing to become. */
int run(int argc, char **argv);

#endif
