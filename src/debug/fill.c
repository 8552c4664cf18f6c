#include "debug/fill.h"

#include <stdint.h>
#include <string.h>

enum { END_BYTES = 512 * 1024 };

void fi_fill(void *p, unsigned char value, size_t bytes) {
    if (bytes <= 2 * END_BYTES) {
        memset(p, value, bytes);
    } else {
        memset(p, value, END_BYTES);
        memset((char *)p + bytes - END_BYTES, value, END_BYTES);
    }
}

/* Four words a turn, without a branch between them. */
static bool range_is_intact(const unsigned char *p, unsigned char value, size_t bytes) {
    const uint64_t pattern = value * UINT64_C(0x0101010101010101);
    const unsigned char *end = p + bytes;
    for (; (size_t)(end - p) >= 32; p += 32) {
        uint64_t differ = (fi_word_at(p) ^ pattern) | (fi_word_at(p + 8) ^ pattern) |
                          (fi_word_at(p + 16) ^ pattern) | (fi_word_at(p + 24) ^ pattern);
        if (differ != 0)
            return false;
    }
    for (; (size_t)(end - p) >= 8; p += 8)
        if (fi_word_at(p) != pattern)
            return false;
    for (; p < end; p++)
        if (*p != value)
            return false;
    return true;
}

bool fi_fill_is_intact_slow(const void *p, unsigned char value, size_t bytes) {
    if (bytes <= 2 * END_BYTES)
        return range_is_intact(p, value, bytes);
    return range_is_intact(p, value, END_BYTES) &&
           range_is_intact((const unsigned char *)p + bytes - END_BYTES, value, END_BYTES);
}

static void look(fi_damage *damage, const unsigned char *p, unsigned char value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        if (p[i] == value)
            continue;
        damage->first = damage->first != NULL ? damage->first : p + i;
        damage->last = p + i;
        damage->bytes++;
    }
}

fi_damage fi_fill_damage(const void *p, unsigned char value, size_t bytes) {
    fi_damage damage = {NULL, NULL, 0};
    if (bytes <= 2 * END_BYTES) {
        look(&damage, p, value, bytes);
    } else {
        look(&damage, p, value, END_BYTES);
        look(&damage, (const unsigned char *)p + bytes - END_BYTES, value, END_BYTES);
    }
    return damage;
}
