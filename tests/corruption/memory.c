/* What a program can write to: blocks, freed ones, the fences around them, the links of free ones. All of it is
 * survived, and the heap goes on. */
#include "heaps.h"

#include <string.h>

enum { STATES_A_HEAP = 64 };

/* Where a program that errs writes: a few bytes around a block's ends, or into it. */
static unsigned char *some_place(victim *v, const target *t, size_t *bytes) {
    size_t turn = random_below(&v->rng, 8);
    *bytes = 1 + random_below(&v->rng, random_below(&v->rng, 4) == 0 ? 24 : 8);
    if (turn < 2) {
        size_t before = 1 + random_below(&v->rng, 16);
        *bytes = *bytes < before ? *bytes : before;
        return t->start - before;
    }
    if (turn < 4)
        return t->start + t->size + random_below(&v->rng, 8);
    if (turn < 7 || t->size < 17)
        return t->start + 8 * random_below(&v->rng, 2);
    return t->start + random_below(&v->rng, t->size - 16);
}

static uint64_t some_word(victim *v) {
    const target *other = &v->targets[random_below(&v->rng, SLOTS)];
    switch (random_below(&v->rng, 8)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(0xFDFDFDFDFDFDFDFD);
    case 3:
        return UINT64_C(0xDDDDDDDDDDDDDDDD);
    case 4:
        return (uintptr_t)other->start;
    case 5:
        return (uintptr_t)other->start + random_below(&v->rng, 64);
    case 6:
        return (uintptr_t)v->heap;
    default:
        return random_next(&v->rng);
    }
}

/* Some bytes of a word, or bits of what is there. */
static void write_some(victim *v, unsigned char *at, size_t bytes) {
    uint64_t word = some_word(v);
    if (random_below(&v->rng, 4) == 0)
        *at ^= (unsigned char)(1 << random_below(&v->rng, 8));
    else
        for (size_t i = 0; i < bytes; i++)
            at[i] = (unsigned char)(word >> (i % 8 * 8));
}

/* Blocks that went back to the system are no longer to be written to; a guarded one's fault is a report. */
static void corrupt(victim *v) {
    const target *t = &v->targets[random_below(&v->rng, SLOTS)];
    size_t bytes;
    unsigned char *at = some_place(v, t, &bytes);
    if (fief_owner(t->start) != fief_id_of(v->heap) || fief_owner(at + bytes) != fief_id_of(v->heap))
        return;
    write_some(v, at, bytes);
}

void corrupt_memory(uint64_t count, uint64_t seed) {
    static victim v;
    for (uint64_t state = 0; state < count;) {
        victim_begin(&v, seed++);
        for (unsigned n = 0; n < STATES_A_HEAP && state < count; n++, state++) {
            corrupt(&v);
            for (size_t verbs = random_below(&v.rng, 4); verbs-- > 0;)
                victim_use(&v);
        }
        victim_end(&v);
    }
}
