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

static inline uint64_t fi_word_at(const void *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* FI_FENCE_BYTES of fence. */
static inline void fi_fence_put(void *p) {
    memset(p, FI_FENCE, FI_FENCE_BYTES);
}

static inline bool fi_fence_is_whole(const char *p) {
    const uint64_t word = FI_FENCE * UINT64_C(0x0101010101010101);
    return ((fi_word_at(p) ^ word) | (fi_word_at(p + 8) ^ word)) == 0;
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
bool fi_fill_is_intact_slow(const void *p, unsigned char value, size_t bytes);

/* Short ranges by words, the last of which may overlap the one before. */
static inline bool fi_fill_is_intact(const void *p, unsigned char value, size_t bytes) {
    if (bytes < 8 || bytes > 128)
        return fi_fill_is_intact_slow(p, value, bytes);
    const uint64_t pattern = value * UINT64_C(0x0101010101010101);
    const char *at = p, *last = at + bytes - 8;
    uint64_t differ = fi_word_at(last) ^ pattern;
    for (; at < last; at += 8)
        differ |= fi_word_at(at) ^ pattern;
    return differ == 0;
}

#endif
