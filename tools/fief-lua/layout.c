#include "layout.h"

#include <stdarg.h>
#include <stdio.h>

static void dashes(int count) {
    for (int i = 0; i < count; i++)
        putchar('-');
}

void layout_rule(const char *format, ...) {
    va_list arguments;
    putchar('\n');
    dashes(4);
    putchar(' ');
    va_start(arguments, format);
    int length = vprintf(format, arguments);
    va_end(arguments);
    putchar(' ');
    dashes(length < LAYOUT_COLUMNS - 10 ? LAYOUT_COLUMNS - 6 - length : 4);
    putchar('\n');
}
