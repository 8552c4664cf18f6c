/* The libraries that are put under programs: which there are, where they lie, and which one a program gets. */
#ifndef FIEF_SHIMS_H
#define FIEF_SHIMS_H

#include "program.h"

typedef enum shim { SHIM_MALLOC, SHIM_CPYTHON, SHIM_COUNT } shim;

/* A set: bit 1 << shim. */
typedef unsigned shim_set;

/* "malloc,cpython"; "none" is the empty set. */
bool shims_parse(const char *names, shim_set *out);

/* Whether a path's last part is that of one of them. */
bool shims_are_named(const char *path);

/* The one for a program. */
shim_set shims_for(const program *p);

/* Whether any of them can get into a program; says why not. */
bool shims_can_enter(const program *p, const program *self);

/* The path of one, from where this command lies; says where it was looked for. */
bool shims_find(shim which, const program *self, char path[PATH_MAX]);

#endif
