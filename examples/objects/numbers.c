#include "objects.h"

static void drop_int(runtime *r, object *o) {
    fief_freelist_push(r->ints, o);
}

static void drop_float(runtime *r, object *o) {
    fief_freelist_push(r->floats, o);
}

const type int_type = {"int", drop_int};
const type float_type = {"float", drop_float};

object *int_new(runtime *r, int64_t value) {
    int_object *o = fief_freelist_pop(r->ints);
    if (o == NULL)
        return error_no_memory(r);
    *o = (int_object){{&int_type, 1}, value};
    return &o->head;
}

object *float_new(runtime *r, double value) {
    float_object *o = fief_freelist_pop(r->floats);
    if (o == NULL)
        return error_no_memory(r);
    *o = (float_object){{&float_type, 1}, value};
    return &o->head;
}
