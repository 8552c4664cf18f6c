#include "objects.h"

static void drop_error(runtime *r, object *o) {
    object *cause = ((error_object *)o)->cause;
    if (error_is_last_resort(r, o)) { /* its count is not worth keeping */
        o->references = 1;
        return;
    }
    fief_freelist_push(r->errors, o);
    object_drop(r, cause);
}

const type error_type = {"error", drop_error};

/* It has no cause: it would have to keep it. */
void error_prepare_last_resort(runtime *r) {
    r->last_resort = (error_object){{&error_type, 1}, "out of memory, and out of errors", NULL};
}

bool error_is_last_resort(const runtime *r, const object *o) {
    return o == &r->last_resort.head;
}

object *error_no_memory(runtime *r) {
    error_object *o = fief_freelist_pop(r->errors);
    if (o != NULL) {
        *o = (error_object){{&error_type, 1}, "out of memory", r->pending};
    } else {
        object_drop(r, r->pending);
        o = &r->last_resort;
    }
    r->pending = &o->head;
    return NULL;
}

object *error_take(runtime *r) {
    object *error = r->pending;
    r->pending = NULL;
    return error;
}
