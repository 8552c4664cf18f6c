/* An error with all that can be told of one. */
#ifndef FI_TESTS_SUPPORT_ERRORS_H
#define FI_TESTS_SUPPORT_ERRORS_H

#include <fief/session.h>
#include <string.h>

static const fief_xi_error_source the_source = {3, "KeyError", "errors.KeyError", "builtins", "no such key"};

static inline bool is_empty(const fief_xi_error *e) {
    return e->builtin == 0 && e->name[0] == '\0' && e->qualified_name[0] == '\0' && e->module[0] == '\0' &&
           e->message[0] == '\0';
}

static inline bool is_the_source(const fief_xi_error *e) {
    return e->builtin == the_source.builtin && strcmp(e->name, the_source.name) == 0 &&
           strcmp(e->qualified_name, the_source.qualified_name) == 0 &&
           strcmp(e->module, the_source.module) == 0 && strcmp(e->message, the_source.message) == 0;
}

#endif
