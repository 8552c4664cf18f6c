/* What memory is filled with, so that a stray access shows.
 *
 * Of blocks beyond a mebibyte only the first and the last of it are filled and looked at: touching all of the
 * memory that a program asks for, and may never use, would be worse than not seeing a write to its middle. */
#ifndef FI_DEBUG_FILL_H
#define FI_DEBUG_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    FI_FRESH = 0xCD,    /* handed out, and not written yet */
    FI_FREED = 0xDD,    /* in quarantine */
    FI_FENCE = 0xFD,    /* guards */
    FI_FENCE_BYTES = 16 /* the least that lies between two blocks */
};

/* FI_FENCE_BYTES of fence. */
static inline void fi_fence_put(void *p) {
    const uint64_t word = FI_FENCE * UINT64_C(0x0101010101010101);
    memcpy(p, &word, sizeof word);
    memcpy((char *)p + sizeof word, &word, sizeof word);
}

static inline bool fi_fence_is_whole(const void *p) {
    const uint64_t word = FI_FENCE * UINT64_C(0x0101010101010101);
    uint64_t found[2];
    memcpy(found, p, sizeof found);
    return ((found[0] ^ word) | (found[1] ^ word)) == 0;
}

void fi_fill(void *p, unsigned char value, size_t bytes);

/* The damage to a filled range. */
typedef struct fi_damage {
    const unsigned char *first; /* NULL: none */
    const unsigned char *last;
    size_t bytes; /* how many differ */
} fi_damage;

fi_damage fi_fill_damage(const void *p, unsigned char value, size_t bytes);

/* The same, when only the answer matters. */
bool fi_fill_is_intact(const void *p, unsigned char value, size_t bytes);

#endif
