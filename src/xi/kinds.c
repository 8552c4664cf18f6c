#include "xi/kinds.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

enum { BUILTIN_COUNT = FIEF_XI_TUPLE + 1 };

/* The receiver's runtime knows what it makes of them. */
static fief_share_status new_builtin(fief *receiver, const fief_xi_data *data, void **object) {
    const fief_xi_objects *objects = fief_xi_objects_of(receiver);
    if (objects == NULL || objects->new_builtin == NULL)
        return FIEF_SHARE_NO_NEW_OBJECT;
    return objects->new_builtin(receiver, data, object);
}

static const fief_xi_kind kinds[BUILTIN_COUNT] = {
    [FIEF_XI_NONE] = {"none", new_builtin, NULL},   [FIEF_XI_BOOL] = {"bool", new_builtin, NULL},
    [FIEF_XI_INT64] = {"int64", new_builtin, NULL}, [FIEF_XI_FLOAT] = {"float", new_builtin, NULL},
    [FIEF_XI_BYTES] = {"bytes", new_builtin, NULL}, [FIEF_XI_STRING] = {"string", new_builtin, NULL},
    [FIEF_XI_TUPLE] = {"tuple", new_builtin, NULL},
};

fief_xi_builtin fief_xi_builtin_of(const fief_xi_data *data) {
    uintptr_t offset = (uintptr_t)data->kind - (uintptr_t)kinds;
    return offset < sizeof kinds ? (fief_xi_builtin)(offset / sizeof *kinds) : FIEF_XI_OTHER;
}

/* ---- values without a payload ---- */

static fief_share_status share_number(fief *f, fief_xi_data *data, fief_xi_builtin kind, uint64_t number) {
    if (f == NULL)
        return FIEF_SHARE_NO_OWNER;
    fief_share_status status = fief_xi_data_init(f, data, &kinds[kind], NULL, NULL);
    if (status == FIEF_SHARE_OK)
        data->number = number;
    return status;
}

static bool read_number(const fief_xi_data *data, fief_xi_builtin kind, uint64_t *number) {
    *number = data->number;
    return data->kind == &kinds[kind];
}

fief_share_status fief_xi_share_none(fief *f, fief_xi_data *data) {
    return share_number(f, data, FIEF_XI_NONE, 0);
}

fief_share_status fief_xi_share_bool(fief *f, fief_xi_data *data, bool value) {
    return share_number(f, data, FIEF_XI_BOOL, value);
}

fief_share_status fief_xi_share_int64(fief *f, fief_xi_data *data, int64_t value) {
    return share_number(f, data, FIEF_XI_INT64, (uint64_t)value);
}

fief_share_status fief_xi_share_uint64(fief *f, fief_xi_data *data, uint64_t value) {
    return value <= INT64_MAX ? share_number(f, data, FIEF_XI_INT64, value) : FIEF_SHARE_INT_TOO_LARGE;
}

fief_share_status fief_xi_share_float(fief *f, fief_xi_data *data, double value) {
    uint64_t number;
    static_assert(sizeof number == sizeof value, "its bytes are what is shared");
    memcpy(&number, &value, sizeof number);
    return share_number(f, data, FIEF_XI_FLOAT, number);
}

bool fief_xi_read_bool(const fief_xi_data *data, bool *value) {
    uint64_t number;
    if (!read_number(data, FIEF_XI_BOOL, &number))
        return false;
    *value = number != 0;
    return true;
}

bool fief_xi_read_int64(const fief_xi_data *data, int64_t *value) {
    uint64_t number;
    if (!read_number(data, FIEF_XI_INT64, &number))
        return false;
    *value = (int64_t)number;
    return true;
}

bool fief_xi_read_float(const fief_xi_data *data, double *value) {
    uint64_t number;
    if (!read_number(data, FIEF_XI_FLOAT, &number))
        return false;
    memcpy(value, &number, sizeof *value);
    return true;
}

/* ---- bytes and strings ---- */

/* With a 0 behind them. `number` is how many they are. */
static fief_share_status share_copy(fief *f, fief_xi_data *data, fief_xi_builtin kind, const void *bytes,
                                    size_t count) {
    if (bytes == NULL && count > 0)
        return FIEF_SHARE_BAD_ARGUMENT;
    if (count >= PTRDIFF_MAX)
        return FIEF_SHARE_NO_MEMORY;
    fief_share_status status = fief_xi_data_init_sized(f, data, &kinds[kind], count + 1, NULL);
    if (status != FIEF_SHARE_OK)
        return status;
    if (count > 0)
        memcpy(data->payload, bytes, count);
    ((char *)data->payload)[count] = '\0';
    data->number = count;
    return FIEF_SHARE_OK;
}

fief_share_status fief_xi_share_bytes(fief *f, fief_xi_data *data, const void *bytes, size_t count) {
    return share_copy(f, data, FIEF_XI_BYTES, bytes, count);
}

/* The copy is looked at: it ends in a 0, and nobody changes it. */
fief_share_status fief_xi_share_string(fief *f, fief_xi_data *data, const char *text, size_t bytes) {
    fief_share_status status = share_copy(f, data, FIEF_XI_STRING, text, bytes);
    if (status != FIEF_SHARE_OK || fi_text_is_utf8(data->payload, bytes))
        return status;
    (void)fief_xi_data_release(f, data);
    return FIEF_SHARE_NOT_UTF8;
}

bool fief_xi_read_bytes(const fief_xi_data *data, const void **bytes, size_t *count) {
    if (data->kind != &kinds[FIEF_XI_BYTES])
        return false;
    *bytes = data->payload;
    *count = (size_t)data->number;
    return true;
}

bool fief_xi_read_string(const fief_xi_data *data, const char **text, size_t *bytes) {
    if (data->kind != &kinds[FIEF_XI_STRING])
        return false;
    *text = data->payload;
    *bytes = (size_t)data->number;
    return true;
}

/* ---- tuples ---- */

/* `number` is how many items have been begun: the others are not there yet. */
fief_xi_result fi_tuple_release_items(fief *f, const fief_xi_data *data) {
    fief_xi_result worst = FIEF_XI_RAN;
    fief_xi_data *items = data->payload;
    for (size_t i = (size_t)data->number; i-- > 0;) {
        fief_xi_result result = fief_xi_data_release(f, &items[i]);
        worst = result > worst ? result : worst;
    }
    return worst;
}

static fief_share_status share_item(fief *f, fief_xi_data *data, fief_xi_item_fn *item, void *arg) {
    size_t index = (size_t)data->number++;
    fief_xi_data *place = (fief_xi_data *)data->payload + index;
    *place = (fief_xi_data){.depth = (uint16_t)(data->depth + 1)};
    fief_share_status status = item(f, index, place, arg);
    if (status != FIEF_SHARE_OK)
        return status;
    bool was_moved_in = place->kind == &kinds[FIEF_XI_TUPLE] && place->depth != data->depth + 1;
    return was_moved_in ? FIEF_SHARE_TOO_DEEP : fief_xi_data_validate(place);
}

static fief_share_status make_tuple(fief *f, fief_xi_data *data, size_t count) {
    const fief_xi_kind *kind = &kinds[FIEF_XI_TUPLE];
    if (count == 0)
        return share_number(f, data, FIEF_XI_TUPLE, 0);
    if (count > PTRDIFF_MAX / sizeof(fief_xi_data))
        return FIEF_SHARE_NO_MEMORY;
    return fief_xi_data_init_sized(f, data, kind, count * sizeof(fief_xi_data), NULL);
}

fief_share_status fief_xi_share_tuple(fief *f, fief_xi_data *data, size_t count, fief_xi_item_fn *item,
                                      void *arg) {
    if (data == NULL || (item == NULL && count > 0))
        return FIEF_SHARE_BAD_ARGUMENT;
    if (data->depth >= FIEF_XI_MOST_DEPTH)
        return FIEF_SHARE_TOO_DEEP;
    fief_share_status status = make_tuple(f, data, count);
    if (status != FIEF_SHARE_OK)
        return status;
    while (status == FIEF_SHARE_OK && data->number < count)
        status = share_item(f, data, item, arg);
    if (status != FIEF_SHARE_OK)
        (void)fief_xi_data_release(f, data);
    return status;
}

bool fief_xi_read_tuple(const fief_xi_data *data, const fief_xi_data **items, size_t *count) {
    if (data->kind != &kinds[FIEF_XI_TUPLE])
        return false;
    *items = data->payload;
    *count = (size_t)data->number;
    return true;
}
