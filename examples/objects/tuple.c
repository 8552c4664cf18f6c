/* Short tuples have a list for each length, longer ones come from the heap. */
#include "objects.h"

#include <string.h>

static bool is_listed(size_t length) {
    return length - 1 < LONGEST_LISTED_TUPLE;
}

static tuple_object *get(runtime *r, size_t length) {
    if (is_listed(length))
        return fief_freelist_pop(fief_freelist_at(r->tuples, length - 1));
    return fief_inline_alloc(r->heap, sizeof(tuple_object) + length * sizeof(object *));
}

static void drop_items(runtime *r, size_t length, object **items) {
    for (size_t i = 0; i < length; i++)
        object_drop(r, items[i]);
}

static void drop_tuple(runtime *r, object *o) {
    tuple_object *t = (tuple_object *)o;
    drop_items(r, t->length, t->items);
    if (is_listed(t->length))
        fief_freelist_push(fief_freelist_at(r->tuples, t->length - 1), t);
    else
        fief_inline_free(r->heap, t);
}

const type tuple_type = {"tuple", drop_tuple};

object *tuple_new(runtime *r, size_t length, object **items) {
    tuple_object *t = get(r, length);
    if (t == NULL) {
        drop_items(r, length, items);
        return error_no_memory(r);
    }
    t->head = (object){&tuple_type, 1};
    t->length = length;
    memcpy(t->items, items, length * sizeof *items);
    return &t->head;
}
