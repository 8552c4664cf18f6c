#include "plant.h"

#include <string.h>

static const char *const names[] = {
    [PLANT_FOREIGN_FREE] = "foreign-free",
    [PLANT_DOUBLE_FREE] = "double-free",
    [PLANT_USE_AFTER_FREE] = "use-after-free",
    [PLANT_OVERFLOW] = "overflow",
    [PLANT_LEAK] = "leak",
};

const char *plant_name(plant p) {
    return p <= PLANT_LEAK ? names[p] : NULL;
}

bool plant_find(const char *name, plant *out) {
    for (*out = PLANT_FOREIGN_FREE; *out <= PLANT_LEAK; (*out)++)
        if (strcmp(name, names[*out]) == 0)
            return true;
    return false;
}

/* A volatile pointer: a compiler may leave out what it knows to be wrong. */
static void write_at(char *volatile block, unsigned place) {
    block[place] = 1;
}

/* Nothing of it hurts another block, also where nobody notices. */
void plant_step(plant p, planted *where, fief *heap) {
    if (where->step == PLANT_STEPS || p <= PLANT_FOREIGN_FREE)
        return;
    switch (where->step++) {
    case 0:
        where->block = fief_alloc(heap, PLANTED_BYTES);
        if (where->block == NULL)
            where->step = PLANT_STEPS;
        break;
    case 1:
        if (p == PLANT_OVERFLOW)
            write_at(where->block, PLANTED_BYTES);
        else if (p != PLANT_LEAK)
            fief_free(heap, where->block);
        if (p == PLANT_USE_AFTER_FREE) /* before the block leaves the quarantine */
            write_at(where->block, 8);
        break;
    case 2:
        if (p == PLANT_DOUBLE_FREE || p == PLANT_OVERFLOW)
            fief_free(heap, where->block);
        break;
    }
}
