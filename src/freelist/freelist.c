#include "heap/features.h"

static bool release(fief *f) {
    (void)f;
    return false;
}

const fi_freelist_hooks fi_the_freelists = {.release = release};
