#include "complaint.h"

#include <stdarg.h>
#include <stdio.h>

bool complain(const char *format, ...) {
    va_list arguments;
    fputs("fief: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return false;
}
