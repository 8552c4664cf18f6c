/* outputs.h - what the states wrote and how they ended, each distinct result once. */
#ifndef FIEF_LUA_OUTPUTS_H
#define FIEF_LUA_OUTPUTS_H

#include "tenant.h"

/* One result of one script. */
typedef struct outcome {
    const char *script;
    char *bytes;
    size_t length;
    char *error; /* NULL: the script ended without one */
    uint64_t hash;
    unsigned state_count;
} outcome;

typedef struct outputs {
    outcome *outcomes; /* in the order of the first state that had each */
    unsigned count, room;
    unsigned failed_state_count;
} outputs;

/* Takes over the output and the error of a tenant that has been closed. */
void outputs_add(outputs *all, tenant *t);
void outputs_print(const outputs *all);
void outputs_fini(outputs *all);

#endif
