#include "objects.h"

/* A tag for each type, so that reports of a debug level say what a block was. */
static bool make_list(runtime *r, const type *t, size_t bytes, size_t capacity, size_t reserve,
                      fief_freelist **out) {
    fief_freelist_config config = FIEF_FREELIST_CONFIG_INIT;
    config.name = t->name;
    config.block_bytes = bytes;
    config.capacity = capacity;
    config.reserve = reserve;
    return fief_tag_register(t->name, &config.tag) == FIEF_OK &&
           fief_freelist_create(r->heap, &config, out) == FIEF_OK;
}

static bool make_tuples(runtime *r) {
    fief_freelist_config config = FIEF_FREELIST_CONFIG_INIT;
    config.name = tuple_type.name;
    config.block_bytes = sizeof(tuple_object) + sizeof(object *);
    config.capacity = 200;
    return fief_tag_register(tuple_type.name, &config.tag) == FIEF_OK &&
           fief_freelist_family_create(r->heap, &config, LONGEST_LISTED_TUPLE, sizeof(object *), &r->tuples) ==
               FIEF_OK;
}

/* The lists need no end of their own: they go with the heap. */
bool runtime_begin(runtime *r, size_t most_bytes) {
    fief_config config = FIEF_CONFIG_INIT;
    config.limit.hard_bytes = most_bytes;
    *r = (runtime){.pending = NULL};
    error_prepare_last_resort(r);
    if (fief_create(&r->heap, &config) != FIEF_OK)
        return false;
    bool made = make_list(r, &int_type, sizeof(int_object), 200, 0, &r->ints) &&
                make_list(r, &float_type, sizeof(float_object), 200, 0, &r->floats) &&
                make_list(r, &error_type, sizeof(error_object), 0, ERRORS_IN_RESERVE, &r->errors) &&
                make_tuples(r);
    if (!made)
        runtime_end(r);
    return made;
}

void runtime_end(runtime *r) {
    object_drop(r, error_take(r));
    fief_destroy(r->heap);
}

object *object_keep(object *o) {
    o->references++;
    return o;
}

void object_drop(runtime *r, object *o) {
    if (o != NULL && --o->references == 0)
        o->type->drop(r, o);
}
