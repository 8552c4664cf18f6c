/* Strings have all lengths: the heap's own lists are the right ones. */
#include "objects.h"

#include <string.h>

static void drop_string(runtime *r, object *o) {
    fief_inline_free(r->heap, o);
}

const type string_type = {"string", drop_string};

object *string_new(runtime *r, const char *text) {
    size_t length = strlen(text);
    string_object *o = fief_inline_alloc(r->heap, sizeof *o + length + 1);
    if (o == NULL)
        return error_no_memory(r);
    o->head = (object){&string_type, 1};
    o->length = length;
    memcpy(o->text, text, length + 1);
    return &o->head;
}
