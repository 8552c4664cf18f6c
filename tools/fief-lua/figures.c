#include "figures.h"

#include <inttypes.h>
#include <stdio.h>

/* Goes up a unit as soon as the value would need a fourth digit. */
static figure three_digits(double value, double step, const char *const *units, size_t unit_count) {
    figure f;
    size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < unit_count; unit++)
        value /= step;
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(f.text, sizeof f.text, "%.*f %s", decimals, value, units[unit]);
    return f;
}

figure figure_of_bytes(uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return three_digits((double)bytes, 1024, units, sizeof units / sizeof *units);
}

figure figure_of_ns(uint64_t ns) {
    static const char *const units[] = {"ns", "us", "ms", "s"};
    return three_digits((double)ns, 1000, units, sizeof units / sizeof *units);
}

figure figure_of_count(uint64_t count) {
    figure f;
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    unsigned to = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            f.text[to++] = ',';
        f.text[to++] = digits[i];
    }
    f.text[to] = '\0';
    return f;
}
