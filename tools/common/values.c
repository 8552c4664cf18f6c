#include "values.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

bool values_digits(const char *text, uintmax_t *value, const char **behind) {
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *value = strtoumax(text, &end, 10);
    *behind = end;
    return errno == 0;
}

bool values_size(const char *text, size_t *out) {
    static const char units[] = "KMG";
    uintmax_t value;
    const char *behind;
    bool good = values_digits(text, &value, &behind) && value > 0;
    if (good && *behind != '\0') {
        const char *unit = strchr(units, *behind);
        unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
        good = unit != NULL && behind[1] == '\0' && value <= UINTMAX_MAX >> shift;
        value <<= shift;
    }
    if (!good || value > PTRDIFF_MAX)
        return false;
    *out = (size_t)value;
    return true;
}

bool values_level(const char *text, fief_debug *out) {
    static const char *const levels[] = {"off", "check", "full", "guard"};
    for (unsigned level = FIEF_DEBUG_OFF; level <= FIEF_DEBUG_GUARD; level++) {
        if (strcmp(text, levels[level]) == 0) {
            *out = (fief_debug)level;
            return true;
        }
    }
    return false;
}
