#include "adapter/cpython/tell.h"

#include "adapter/cpython/options.h"
#include "adapter/cpython/python.h"
#include "adapter/launch.h"

#include <stdarg.h>
#include <stdio.h>

void fi_tell(const char *format, ...) {
    char text[512] = "fief: ";
    const size_t start = sizeof "fief: " - 1;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + start, sizeof text - start - 1, format, arguments);
    va_end(arguments);
    size_t end = start + (length < 0 ? 0 : (size_t)length);
    if (end > sizeof text - 2)
        end = sizeof text - 2;
    text[end] = '\n';
    fi_launch_tell(text, end + 1);
}

static void report_bugs(const fief_report *report, void *arg) {
    switch (report->kind) {
    case FIEF_MISUSE_FOREIGN_FREE:
    case FIEF_MISUSE_FOREIGN_REALLOC:
    case FIEF_MISUSE_LATE_FREE:
        break;
    default:
        fi_launch_report(report, arg);
    }
}

fief_report_fn *fi_tell_report_fn(void) {
    fief_report_fn *to_file = fi_launch_report_fn();
    bool all = to_file != NULL || fi_options.report || !fi_py_shares_objects();
    return all ? to_file : report_bugs;
}
