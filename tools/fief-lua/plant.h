/* plant.h - misuse on purpose, to see it caught.
 *
 * A planted block is made, freed and misused from Lua's hook, at the ends of the first slices of a state: so the
 * script's lines are in the report. A script that ends before that has the rest done at its end. */
#ifndef FIEF_LUA_PLANT_H
#define FIEF_LUA_PLANT_H

#include <fief/fief.h>

#include <stdbool.h>

typedef enum plant {
    PLANT_NONE = 0,
    PLANT_FOREIGN_FREE, /* state 2 frees a block of state 1's */
    PLANT_DOUBLE_FREE,  /* and these are state 1's own */
    PLANT_USE_AFTER_FREE,
    PLANT_OVERFLOW,
    PLANT_LEAK
} plant;

enum { PLANTED_BYTES = 52, PLANT_STEPS = 3 };

/* The name of a plant; NULL: there are no more. */
const char *plant_name(plant p);

/* False: there is none of that name. */
bool plant_find(const char *name, plant *out);

/* What has become of a block. */
typedef struct planted {
    unsigned step; /* how many were made */
    char *block;
} planted;

/* The next step in a heap of its own; none if they were all made. */
void plant_step(plant p, planted *where, fief *heap);

#endif
