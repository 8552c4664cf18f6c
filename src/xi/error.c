/* Snapshots of errors. What is short needs no memory; where there is none for what is long, that is the error. */
#include "fief/session.h"
#include "interp/commons.h"

#include <stdio.h>
#include <string.h>

enum { TEXTS = 4 };

const char *fief_xi_error_code_text(fief_xi_error_code code) {
    static const char *const texts[] = {
        [FIEF_XI_ERROR_NONE] = "no error",
        [FIEF_XI_ERROR_UNCAUGHT] = "uncaught error",
        [FIEF_XI_ERROR_OTHER] = "an error that could not be told",
        [FIEF_XI_ERROR_NO_MEMORY] = "out of memory",
        [FIEF_XI_ERROR_ALREADY_RUNNING] = "the interpreter is already running",
        [FIEF_XI_ERROR_MAIN_NAMESPACE] = "the main namespace could not be had",
        [FIEF_XI_ERROR_APPLY_NAMESPACE] = "the names could not be put there",
        [FIEF_XI_ERROR_NOT_SHAREABLE] = "a value could not be shared",
        [FIEF_XI_ERROR_GONE] = "the interpreter is gone",
        [FIEF_XI_ERROR_BAD_ARGUMENT] = "invalid argument",
    };
    return (unsigned)code < sizeof texts / sizeof *texts ? texts[code] : "unknown error";
}

void fief_xi_error_init(fief_xi_error *error, char *room, size_t room_bytes) {
    *error = (fief_xi_error){.name = "", .qualified_name = "", .module = "", .message = ""};
    error->room = room;
    error->room_bytes = room != NULL ? room_bytes : 0;
}

void fief_xi_error_clear(fief_xi_error *error) {
    fi_commons_free(error->block);
    fief_xi_error_init(error, error->room, error->room_bytes);
}

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

/* One after the other, each with its 0. */
static void copy_texts(char *to, const char *const from[TEXTS], const size_t bytes[TEXTS],
                       const char **copies[TEXTS]) {
    for (unsigned i = 0; i < TEXTS; i++) {
        *copies[i] = memcpy(to, from[i], bytes[i]);
        to += bytes[i];
    }
}

static bool is_within(const char *text, const char *room, size_t bytes) {
    return (uintptr_t)text - (uintptr_t)room < bytes;
}

/* Where the copies go: the room if there is enough of it, and nothing in it that is to be copied. NULL on
 * exhaustion. */
static char *place_for(fief_xi_error *error, const char *const from[TEXTS], size_t all) {
    bool in_room = all <= error->room_bytes;
    for (unsigned i = 0; i < TEXTS; i++)
        in_room = in_room && !is_within(from[i], error->room, error->room_bytes);
    return in_room ? error->room : (error->block = fi_commons_alloc(all));
}

/* False on exhaustion: nothing is copied. The texts may be those of an earlier snapshot in the same struct. */
static bool copy(fief_xi_error *error, const fief_xi_error_source *source) {
    const char *const from[TEXTS] = {or_empty(source->name), or_empty(source->qualified_name),
                                     or_empty(source->module), or_empty(source->message)};
    const char **copies[TEXTS] = {&error->name, &error->qualified_name, &error->module, &error->message};
    size_t bytes[TEXTS], all = 0;
    for (unsigned i = 0; i < TEXTS; i++)
        all += bytes[i] = strlen(from[i]) + 1;
    char *place = place_for(error, from, all);
    if (place == NULL)
        return false;
    copy_texts(place, from, bytes, copies);
    error->builtin = source->builtin;
    return true;
}

fief_xi_error_code fief_xi_error_take(fief_xi_error *error, fief_xi_error_code code,
                                      const fief_xi_error_source *source) {
    char *old = error->block;
    fief_xi_error_init(error, error->room, error->room_bytes);
    bool is_empty = code == FIEF_XI_ERROR_NONE || code == FIEF_XI_ERROR_NO_MEMORY || source == NULL;
    error->code = code == FIEF_XI_ERROR_UNCAUGHT && source == NULL ? FIEF_XI_ERROR_OTHER : code;
    if (!is_empty && !copy(error, source))
        error->code = FIEF_XI_ERROR_NO_MEMORY;
    fi_commons_free(old);
    return error->code;
}

size_t fief_xi_error_text(const fief_xi_error *error, char *text, size_t bytes) {
    const char *type = error->qualified_name[0] != '\0' ? error->qualified_name : error->name;
    const char *message = error->message;
    bool has_module = type[0] != '\0' && error->module[0] != '\0',
         has_both = type[0] != '\0' && message[0] != '\0';
    if (type[0] == '\0' && message[0] == '\0')
        message = fief_xi_error_code_text(error->code);
    int length = snprintf(text, bytes, "%s%s%s%s%s", has_module ? error->module : "", has_module ? "." : "", type,
                          has_both ? ": " : "", message);
    return length > 0 ? (size_t)length : 0;
}
