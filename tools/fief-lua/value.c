#include "value.h"

#include <lauxlib.h>

/* ---- to data ---- */

/* Which values the next item is of: those from `first` on, or the keys and values of a table in turn. */
typedef struct source {
    lua_State *L;
    int first;
} source;

static fief_share_status pack_one(lua_State *L, fief *owner, int index, fief_xi_data *data);

static fief_share_status pack_nth(fief *owner, size_t index, fief_xi_data *item, void *arg) {
    const source *s = arg;
    return pack_one(s->L, owner, s->first + (int)index, item);
}

/* A key is on the stack, and from its item on, its value. The next key takes their place. */
static fief_share_status pack_pair(fief *owner, size_t index, fief_xi_data *item, void *arg) {
    const source *s = arg;
    if (index % 2 == 1) {
        fief_share_status status = pack_one(s->L, owner, -1, item);
        lua_pop(s->L, 1);
        return status;
    }
    lua_next(s->L, s->first);
    return pack_one(s->L, owner, -2, item);
}

static size_t count_pairs(lua_State *L, int table) {
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1))
        count++;
    return count;
}

static fief_share_status pack_table(lua_State *L, fief *owner, int index, fief_xi_data *data) {
    if (!lua_checkstack(L, LUA_MINSTACK))
        return FIEF_SHARE_NO_MEMORY;
    source pairs = {L, lua_absindex(L, index)};
    int top = lua_gettop(L);
    size_t count = count_pairs(L, pairs.first);
    lua_pushnil(L);
    fief_share_status status = fief_xi_share_tuple(owner, data, 2 * count, pack_pair, &pairs);
    lua_settop(L, top);
    return status;
}

static fief_share_status pack_number(lua_State *L, fief *owner, int index, fief_xi_data *data) {
    return lua_isinteger(L, index) ? fief_xi_share_int64(owner, data, lua_tointeger(L, index))
                                   : fief_xi_share_float(owner, data, lua_tonumber(L, index));
}

static fief_share_status pack_one(lua_State *L, fief *owner, int index, fief_xi_data *data) {
    size_t bytes;
    const char *text;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return fief_xi_share_none(owner, data);
    case LUA_TBOOLEAN:
        return fief_xi_share_bool(owner, data, lua_toboolean(L, index));
    case LUA_TNUMBER:
        return pack_number(L, owner, index, data);
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &bytes);
        return fief_xi_share_bytes(owner, data, text, bytes);
    case LUA_TTABLE:
        return pack_table(L, owner, index, data);
    default:
        return FIEF_SHARE_NOT_SHAREABLE;
    }
}

static const char *reason(fief_share_status status) {
    switch (status) {
    case FIEF_SHARE_NOT_SHAREABLE:
        return "only nil, booleans, numbers, strings and tables of these can be sent";
    case FIEF_SHARE_TOO_DEEP:
        return "a table is within itself, or too many are within one another";
    default:
        return fief_share_status_text(status);
    }
}

fief_xi_data *value_pack(lua_State *L, fief *owner, int first, int count, const char **why) {
    source values = {L, first};
    fief_xi_data *data = fief_xi_data_new();
    fief_share_status status =
        data != NULL ? fief_xi_share_tuple(owner, data, (size_t)count, pack_nth, &values) : FIEF_SHARE_NO_MEMORY;
    if (status == FIEF_SHARE_OK)
        return data;
    *why = reason(status);
    fief_xi_data_free(owner, data);
    return NULL;
}

/* ---- to Lua ---- */

static void push_one(lua_State *L, const fief_xi_data *data);

static void push_table(lua_State *L, const fief_xi_data *data) {
    const fief_xi_data *items;
    size_t count;
    fief_xi_read_tuple(data, &items, &count);
    lua_createtable(L, 0, (int)(count / 2));
    for (size_t i = 0; i < count; i += 2) {
        push_one(L, &items[i]);
        push_one(L, &items[i + 1]);
        lua_rawset(L, -3);
    }
}

static void push_one(lua_State *L, const fief_xi_data *data) {
    bool truth = false;
    int64_t integer = 0;
    double number = 0;
    const void *bytes = NULL;
    size_t count = 0;
    luaL_checkstack(L, 4, "a value that is too deep");
    switch (fief_xi_builtin_of(data)) {
    case FIEF_XI_BOOL:
        fief_xi_read_bool(data, &truth);
        lua_pushboolean(L, truth);
        break;
    case FIEF_XI_INT64:
        fief_xi_read_int64(data, &integer);
        lua_pushinteger(L, integer);
        break;
    case FIEF_XI_FLOAT:
        fief_xi_read_float(data, &number);
        lua_pushnumber(L, number);
        break;
    case FIEF_XI_BYTES:
        fief_xi_read_bytes(data, &bytes, &count);
        lua_pushlstring(L, bytes, count);
        break;
    case FIEF_XI_TUPLE:
        push_table(L, data);
        break;
    default: /* nothing else is packed */
        lua_pushnil(L);
    }
}

int value_push(lua_State *L, const fief_xi_data *values) {
    const fief_xi_data *items;
    size_t count;
    fief_xi_read_tuple(values, &items, &count);
    for (size_t i = 0; i < count; i++)
        push_one(L, &items[i]);
    return (int)count;
}
