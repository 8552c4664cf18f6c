/* Values of options that the commands have in common. */
#ifndef TOOLS_COMMON_VALUES_H
#define TOOLS_COMMON_VALUES_H

#include <fief/fief.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits alone: strtoumax would take signs and spaces as well. *behind is what follows them. */
bool values_digits(const char *text, uintmax_t *value, const char **behind);

/* 512K, 8M, 1G, or a number of bytes; from 1 to PTRDIFF_MAX. */
bool values_size(const char *text, size_t *out);

/* off, check, full or guard. */
bool values_level(const char *text, fief_debug *out);

#endif
