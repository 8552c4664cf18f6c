/* Whether a heap still does all that a heap does, after something bad was done to it. */
#ifndef FI_TESTS_SUPPORT_SOUND_H
#define FI_TESTS_SUPPORT_SOUND_H

#include "support/kinds.h"
#include "support/random.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SOUND_BLOCKS = 2000 };

typedef struct sound_block {
    unsigned char *start;
    size_t size;
} sound_block;

/* Few are large: their content takes longest. */
static inline size_t sound_size(random_source *rng) {
    size_t turn = random_below(rng, 100);
    return turn < 80 ? random_below(rng, 600) : turn < 98 ? random_below(rng, 20000) : random_below(rng, 700000);
}

/* The start tells which block it is, the rest too: two blocks that overlap can't both be right. */
static inline void sound_fill(const sound_block *block, unsigned number) {
    memset(block->start, (int)(number % 255 + 1), block->size);
    if (block->size >= sizeof number)
        memcpy(block->start, &number, sizeof number);
}

static inline bool sound_is_filled(const sound_block *block, unsigned number) {
    size_t from = block->size >= sizeof number ? sizeof number : 0;
    if (from != 0 && memcmp(block->start, &number, sizeof number) != 0)
        return false;
    for (size_t i = from; i < block->size; i += 1 + i / 64)
        if (block->start[i] != number % 255 + 1)
            return false;
    return true;
}

static inline bool sound_allocate(fief *f, sound_block *block, unsigned number, random_source *rng) {
    block->size = sound_size(rng);
    block->start = fief_alloc(f, block->size);
    if (block->start == NULL || fief_usable_size(block->start) < block->size)
        return false;
    sound_fill(block, number);
    return true;
}

/* Allocates, frees, resizes and looks at thousands of blocks, and leaves none. No report may come of it: whoever
 * counts them sees. For a child process, too: no assertions. */
static inline bool is_sound(fief *f) {
    random_source rng = random_seeded(1);
    sound_block *blocks = calloc(SOUND_BLOCKS, sizeof *blocks);
    bool sound = blocks != NULL;
    for (unsigned i = 0; sound && i < SOUND_BLOCKS; i++)
        sound = sound_allocate(f, &blocks[i], i, &rng);
    for (unsigned turn = 0; sound && turn < SOUND_BLOCKS; turn++) {
        unsigned i = (unsigned)random_below(&rng, SOUND_BLOCKS);
        sound = sound_is_filled(&blocks[i], i);
        fief_free(f, blocks[i].start);
        sound = sound && sound_allocate(f, &blocks[i], i, &rng);
    }
    for (unsigned i = 0; sound && i < SOUND_BLOCKS; i++) {
        sound = sound_is_filled(&blocks[i], i) && fief_owner(blocks[i].start) == fief_id_of(f);
        fief_free(f, blocks[i].start);
    }
    free(blocks);
    return sound;
}

#endif
