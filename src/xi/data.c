#include "xi/data.h"

#include "heap/misuse.h"
#include "interp/commons.h"
#include "xi/hold.h"
#include "xi/kinds.h"

#include <string.h>

const char *fief_share_status_text(fief_share_status status) {
    static const char *const texts[] = {
        [FIEF_SHARE_OK] = "success",
        [FIEF_SHARE_NOT_SHAREABLE] = "objects of this type can't be shared between interpreters",
        [FIEF_SHARE_TOO_DEEP] = "too deeply nested to be shared",
        [FIEF_SHARE_NO_MEMORY] = "out of memory",
        [FIEF_SHARE_NO_OWNER] = "shared data has no owner",
        [FIEF_SHARE_NO_NEW_OBJECT] = "nothing makes an object of this shared data",
        [FIEF_SHARE_NOT_UTF8] = "the string is not UTF-8; share it as bytes",
        [FIEF_SHARE_INT_TOO_LARGE] = "the integer does not fit 64 bits; share it as bytes",
        [FIEF_SHARE_OWNER_GONE] = "the owner of the shared data has ended",
        [FIEF_SHARE_NOT_OWNER] = "the owner of the shared data alone may do that",
        [FIEF_SHARE_OTHER_FUNCTION] = "the type is registered with another function",
        [FIEF_SHARE_MISSING] = "there is no value of that name",
        [FIEF_SHARE_FAILED] = "the runtime failed to share the object",
        [FIEF_SHARE_BAD_STATE] = "the interpreter is closing or dead",
        [FIEF_SHARE_BAD_ARGUMENT] = "invalid argument",
    };
    return (unsigned)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}

/* ---- objects ---- */

fief_share_status fief_xi_use_objects(fief *f, const fief_xi_objects *objects) {
    if (objects == NULL || objects->take == NULL || objects->drop == NULL)
        return FIEF_SHARE_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_xi_use_objects"))
        return FIEF_SHARE_BAD_STATE;
    fi_exchange *own = fi_exchange_own(f);
    if (own == NULL)
        return f->state == FIEF_LIVE ? FIEF_SHARE_NO_MEMORY : FIEF_SHARE_BAD_STATE;
    own->objects = objects;
    return FIEF_SHARE_OK;
}

const fief_xi_objects *fief_xi_objects_of(const fief *f) {
    const fi_exchange *own = fi_exchange_known(f);
    return own != NULL ? own->objects : NULL;
}

/* ---- making ---- */

bool fi_data_is_clear(const fief_xi_data *data) {
    return data->kind == NULL && data->owner == FIEF_ID_NONE && data->payload == NULL && data->object == NULL &&
           data->hold == NULL;
}

static fief_share_status check(fief *f, const fief_xi_data *data, const fief_xi_kind *kind, const char *verb) {
    if (f != NULL && !fi_misuse_check_handle(f, verb))
        return FIEF_SHARE_BAD_STATE;
    if (data == NULL || !fi_data_is_clear(data))
        return FIEF_SHARE_BAD_ARGUMENT;
    return kind != NULL && kind->new_object != NULL ? FIEF_SHARE_OK : FIEF_SHARE_NO_NEW_OBJECT;
}

/* What is in the data has to go home from here on, if any of it has to. Nothing fails after this. */
static fief_share_status hold(fief *f, fief_xi_data *data) {
    fi_held held = {.payload = data->payload, .is_common = data->is_common, .object = data->object};
    held.free_payload = data->payload != NULL ? data->kind->free : NULL;
    if (held.free_payload == NULL && held.object == NULL)
        return FIEF_SHARE_OK;
    if (f == NULL)
        return FIEF_SHARE_NO_OWNER;
    const fief_xi_objects *objects = fief_xi_objects_of(f);
    if (held.object != NULL && objects == NULL)
        return f->state == FIEF_LIVE ? FIEF_SHARE_BAD_ARGUMENT : FIEF_SHARE_BAD_STATE;
    held.drop_object = held.object != NULL ? objects->drop : NULL;
    data->hold = fi_hold_make(f, &held);
    if (data->hold == NULL)
        return f->state == FIEF_LIVE ? FIEF_SHARE_NO_MEMORY : FIEF_SHARE_BAD_STATE;
    if (held.object != NULL)
        objects->take(f, held.object);
    return FIEF_SHARE_OK;
}

static fief_share_status make(fief *f, fief_xi_data *data, const fief_xi_data *wanted) {
    fief_xi_data made = *wanted;
    made.owner = f != NULL ? f->id : FIEF_ID_NONE;
    made.depth = data->depth;
    fief_share_status status = hold(f, &made);
    if (status == FIEF_SHARE_OK)
        *data = made;
    return status;
}

fief_share_status fief_xi_data_init(fief *f, fief_xi_data *data, const fief_xi_kind *kind, void *payload,
                                    void *object) {
    fief_share_status status = check(f, data, kind, "fief_xi_data_init");
    if (status != FIEF_SHARE_OK)
        return status;
    return make(f, data, &(fief_xi_data){.kind = kind, .payload = payload, .object = object});
}

fief_share_status fief_xi_data_init_sized(fief *f, fief_xi_data *data, const fief_xi_kind *kind, size_t bytes,
                                          void *object) {
    fief_share_status status = check(f, data, kind, "fief_xi_data_init_sized");
    if (status != FIEF_SHARE_OK)
        return status;
    if (bytes == 0 || f == NULL)
        return bytes == 0 ? FIEF_SHARE_BAD_ARGUMENT : FIEF_SHARE_NO_OWNER;
    fief_xi_data wanted = {.kind = kind, .object = object, .bytes = bytes, .is_common = true};
    wanted.payload = fi_commons_alloc(bytes);
    if (wanted.payload == NULL)
        return FIEF_SHARE_NO_MEMORY;
    status = make(f, data, &wanted);
    if (status != FIEF_SHARE_OK)
        fi_commons_free(wanted.payload);
    return status;
}

fief_xi_data *fief_xi_data_new(void) {
    fief_xi_data *data = fi_commons_alloc(sizeof *data);
    if (data != NULL)
        *data = (fief_xi_data)FIEF_XI_DATA_INIT;
    return data;
}

/* ---- reading ---- */

fief_share_status fief_xi_data_validate(const fief_xi_data *data) {
    if (data->owner == FIEF_ID_NONE)
        return FIEF_SHARE_NO_OWNER;
    if (data->kind == NULL || data->kind->new_object == NULL)
        return FIEF_SHARE_NO_NEW_OBJECT;
    if (data->hold != NULL && fi_hold_is_empty(data->hold))
        return FIEF_SHARE_OWNER_GONE;
    return FIEF_SHARE_OK;
}

/* What a kind says, and what it leaves where it fails, are two things. */
static fief_share_status make_object(fief *f, const fief_xi_data *data, void **object) {
    fief_share_status status = data->kind->new_object(f, data, object);
    if (status != FIEF_SHARE_OK)
        *object = NULL;
    return status;
}

static fief_share_status make_object_of_held(fief *f, const fief_xi_data *data, void **object) {
    fi_reading reading;
    if (!fi_hold_use_begin(f, data->hold, &reading))
        return FIEF_SHARE_OWNER_GONE;
    fief_share_status status = make_object(f, data, object);
    fi_hold_use_end(reading);
    return status;
}

fief_share_status fief_xi_new_object(fief *f, const fief_xi_data *data, void **object) {
    if (f == NULL || data == NULL || object == NULL)
        return FIEF_SHARE_BAD_ARGUMENT;
    *object = NULL;
    if (!fi_misuse_check_handle(f, "fief_xi_new_object"))
        return FIEF_SHARE_BAD_STATE;
    fief_share_status status = fief_xi_data_validate(data);
    if (status != FIEF_SHARE_OK)
        return status;
    return data->hold != NULL ? make_object_of_held(f, data, object) : make_object(f, data, object);
}

/* ---- releasing ---- */

static fief_xi_result release_plain(fief *f, const fief_xi_data *data) {
    fief_xi_result result = FIEF_XI_RAN;
    if (fief_xi_builtin_of(data) == FIEF_XI_TUPLE)
        result = fi_tuple_release_items(f, data);
    if (data->is_common)
        fi_commons_free(data->payload);
    return result;
}

/* The struct is clear before anything runs; it keeps its depth. */
fief_xi_result fief_xi_data_release(fief *f, fief_xi_data *data) {
    if (f != NULL && !fi_misuse_check_handle(f, "fief_xi_data_release"))
        f = NULL;
    fief_xi_data released = *data;
    *data = (fief_xi_data){.depth = released.depth};
    return released.hold != NULL ? fi_hold_release(f, released.hold) : release_plain(f, &released);
}

fief_share_status fief_xi_data_clear(fief *f, fief_xi_data *data) {
    if (data->owner != FIEF_ID_NONE && (f == NULL || f->id != data->owner))
        return FIEF_SHARE_NOT_OWNER;
    (void)fief_xi_data_release(f, data);
    return FIEF_SHARE_OK;
}

fief_xi_result fief_xi_data_free(fief *f, fief_xi_data *data) {
    if (data == NULL)
        return FIEF_XI_RAN;
    fief_xi_result result = fief_xi_data_release(f, data);
    fi_commons_free(data);
    return result;
}

size_t fief_xi_outstanding(const fief *f) {
    const fi_exchange *own = fi_exchange_known(f);
    return own != NULL ? own->hold_count : 0;
}
