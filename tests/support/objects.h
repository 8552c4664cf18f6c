/* A small object model, for tests of what crosses interpreters: counted objects in their interpreter's own heap,
 * so that one that is touched for the wrong interpreter is found. */
#ifndef FI_TESTS_SUPPORT_OBJECTS_H
#define FI_TESTS_SUPPORT_OBJECTS_H

#include "support/interpreter.h"

#include <fief/share.h>

typedef struct object {
    fief_id home;
    unsigned references;
    fief_xi_builtin kind;
    int64_t value; /* a number, or how many items or bytes */
    struct object *items[4];
} object;

static unsigned live_objects;

static inline object *object_new(fief *f, int64_t value) {
    object *made = fief_alloc(f, sizeof *made);
    if (made == NULL)
        return NULL;
    *made = (object){.home = fief_id_of(f), .references = 1, .kind = FIEF_XI_INT64, .value = value};
    live_objects++;
    return made;
}

static inline void object_take(fief *f, void *taken) {
    object *o = taken;
    cr_assert(o->home == fief_id_of(f) && o->references > 0);
    o->references++;
}

static inline void object_drop(fief *f, void *dropped) {
    object *o = dropped;
    cr_assert(o->home == fief_id_of(f) && o->references > 0);
    if (--o->references > 0)
        return;
    for (unsigned i = 0; i < 4; i++)
        if (o->items[i] != NULL)
            object_drop(f, o->items[i]);
    live_objects--;
    fief_free(f, o);
}

static inline fief_share_status object_of_data(fief *f, const fief_xi_data *data, void **out);

static inline fief_share_status object_fill(fief *f, const fief_xi_data *data, object *o) {
    const fief_xi_data *items;
    const char *text;
    size_t count;
    if (fief_xi_read_tuple(data, &items, &count)) {
        o->value = (int64_t)count;
        for (size_t i = 0; i < count && i < 4; i++) {
            fief_share_status status = fief_xi_new_object(f, &items[i], (void **)&o->items[i]);
            if (status != FIEF_SHARE_OK)
                return status;
        }
    } else if (fief_xi_read_string(data, &text, &count)) {
        o->value = (int64_t)count;
    } else if (!fief_xi_read_int64(data, &o->value)) {
        return FIEF_SHARE_NO_NEW_OBJECT;
    }
    return FIEF_SHARE_OK;
}

/* Integers, strings (how long they are) and short tuples. */
static inline fief_share_status object_of_data(fief *f, const fief_xi_data *data, void **out) {
    object *o = object_new(f, 0);
    if (o == NULL)
        return FIEF_SHARE_NO_MEMORY;
    o->kind = fief_xi_builtin_of(data);
    fief_share_status status = object_fill(f, data, o);
    if (status == FIEF_SHARE_OK)
        *out = o;
    else
        object_drop(f, o);
    return status;
}

static const fief_xi_objects the_objects = {object_take, object_drop, object_of_data};

static inline fief *create_with_objects(fief_config config) {
    fief *f = create(config);
    cr_assert_eq(fief_xi_use_objects(f, &the_objects), FIEF_SHARE_OK);
    return f;
}

/* ---- a kind whose payload has to go home ---- */

static unsigned payloads_freed;
static fief *freed_in;

static inline fief_share_status read_payload(fief *receiver, const fief_xi_data *data, void **out) {
    *out = object_new(receiver, *(const int64_t *)data->payload);
    return *out != NULL ? FIEF_SHARE_OK : FIEF_SHARE_NO_MEMORY;
}

static inline void free_payload(fief *owner, void *payload) {
    cr_assert_eq(fief_current(), owner);
    payloads_freed++;
    freed_in = owner;
    fief_free(owner, payload);
}

static const fief_xi_kind held_kind = {"held", read_payload, free_payload};
static const fief_xi_kind plain_kind = {"plain", read_payload, NULL};

/* Data with a payload in its owner's heap. */
static inline fief_share_status share_held(fief *f, fief_xi_data *data, int64_t value) {
    int64_t *payload = fief_alloc(f, sizeof *payload);
    *payload = value;
    fief_share_status status = fief_xi_data_init(f, data, &held_kind, payload, NULL);
    if (status != FIEF_SHARE_OK)
        fief_free(f, payload);
    return status;
}

#endif
