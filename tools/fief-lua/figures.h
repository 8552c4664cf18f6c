/* figures.h - numbers as people read them: three digits and a unit, or digits in groups. */
#ifndef FIEF_LUA_FIGURES_H
#define FIEF_LUA_FIGURES_H

#include <stdint.h>

/* By value, so that a call can stand among printf's arguments: figure_of_bytes(n).text. */
typedef struct figure {
    char text[32];
} figure;

figure figure_of_bytes(uint64_t bytes); /* "1.50 MiB" */
figure figure_of_ns(uint64_t ns);       /* "12.3 ms" */
figure figure_of_count(uint64_t count); /* "1,234,567" */

#endif
