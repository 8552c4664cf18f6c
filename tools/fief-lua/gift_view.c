/* A gift as Lua sees it. */
#include "gift_nodes.h"

#include <lauxlib.h>

static const char part_type[] = "fief.gift", whole_type[] = "fief.whole gift";

/* A table of the gift, as Lua sees it. Its user value keeps the whole: a userdata that owns the gift. */
typedef struct part {
    table *table;
} part;

/* Its parts may be looked at for longer: by finalizers that run after this one, and by whoever has what they
 * saved. */
static int free_whole(lua_State *L) {
    gift **whole = luaL_checkudata(L, 1, whole_type);
    gift_free(*whole);
    *whole = NULL;
    return 0;
}

/* Lua's collector may run with each value that is pushed, and free the gift with it. */
static void check_alive(lua_State *L, gift *const *whole) {
    if (whole == NULL || *whole == NULL)
        luaL_error(L, "this gift has been freed");
}

/* `whole` is where on the stack the owner is, which has been checked. */
static void push_node(lua_State *L, const node *n, int whole) {
    switch (n->type) {
    case LUA_TBOOLEAN:
        lua_pushboolean(L, n->is.truth);
        break;
    case LUA_TNUMBER:
        if (n->is_integer)
            lua_pushinteger(L, n->is.integer);
        else
            lua_pushnumber(L, n->is.number);
        break;
    case LUA_TSTRING:
        lua_pushlstring(L, n->is.string.text, n->is.string.bytes);
        break;
    case LUA_TTABLE: {
        table *t = n->is.table;
        part *p = lua_newuserdatauv(L, sizeof *p, 1);
        p->table = t;
        lua_pushvalue(L, whole);
        lua_setiuservalue(L, -2, 1);
        luaL_setmetatable(L, part_type);
        break;
    }
    default:
        lua_pushnil(L);
    }
}

static const node *find_text(const table *t, const char *text, size_t bytes) {
    size_t low = 0, high = t->text_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const pair *at = &t->pairs[middle];
        int order = gift_compare_texts(text, bytes, at->key.is.string.text, at->key.is.string.bytes);
        if (order == 0)
            return &at->value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_key(lua_State *L, int index, const node *key) {
    if (lua_type(L, index) != key->type)
        return false;
    if (key->type == LUA_TBOOLEAN)
        return lua_toboolean(L, index) == key->is.truth;
    if (lua_isinteger(L, index) != key->is_integer)
        return false;
    return key->is_integer ? lua_tointeger(L, index) == key->is.integer : lua_tonumber(L, index) == key->is.number;
}

static const node *find(lua_State *L, const table *t, int index) {
    if (gift_is_listed(L, index, t->list_count))
        return &t->list[lua_tointeger(L, index) - 1];
    if (lua_type(L, index) == LUA_TSTRING) {
        size_t bytes;
        const char *text = lua_tolstring(L, index, &bytes);
        return find_text(t, text, bytes);
    }
    for (size_t i = t->text_count; i < t->pair_count; i++)
        if (is_key(L, index, &t->pairs[i].key))
            return &t->pairs[i].value;
    return NULL;
}

/* The first argument, whose whole is pushed. */
static table *check_part(lua_State *L) {
    const part *p = luaL_checkudata(L, 1, part_type);
    lua_getiuservalue(L, 1, 1);
    check_alive(L, luaL_testudata(L, -1, whole_type));
    return p->table;
}

static int index_part(lua_State *L) {
    luaL_checkany(L, 2);
    const table *t = check_part(L);
    const node *found = find(L, t, 2);
    if (found == NULL)
        lua_pushnil(L);
    else
        push_node(L, found, lua_absindex(L, -1));
    return 1;
}

static int count_part(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)check_part(L)->list_count);
    return 1;
}

/* The next of a part, by the number of the one before, which is the first up-value. */
static int next_of_part(lua_State *L) {
    lua_settop(L, 1);
    const table *t = check_part(L);
    size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(1));
    while (at < t->list_count && t->list[at].type == LUA_TNIL)
        at++;
    if (at >= t->list_count + t->pair_count)
        return 0;
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_replace(L, lua_upvalueindex(1));
    if (at < t->list_count) {
        lua_pushinteger(L, (lua_Integer)at + 1);
        push_node(L, &t->list[at], 2);
    } else {
        push_node(L, &t->pairs[at - t->list_count].key, 2);
        check_alive(L, lua_touserdata(L, 2));
        push_node(L, &t->pairs[at - t->list_count].value, 2);
    }
    return 2;
}

static int pairs_of_part(lua_State *L) {
    check_part(L);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_of_part, 1);
    lua_pushvalue(L, 1);
    return 2;
}

static void push_copy(lua_State *L, const node *n, gift *const *whole) {
    luaL_checkstack(L, LUA_MINSTACK, "a gift that is too deep");
    check_alive(L, whole);
    if (n->type != LUA_TTABLE) {
        push_node(L, n, 0);
        return;
    }
    const table t = *n->is.table;
    lua_createtable(L, (int)t.list_count, (int)t.pair_count);
    for (size_t i = 0; i < t.list_count; i++) {
        push_copy(L, &t.list[i], whole);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    for (size_t i = 0; i < t.pair_count; i++) {
        push_copy(L, &t.pairs[i].key, whole);
        push_copy(L, &t.pairs[i].value, whole);
        lua_rawset(L, -3);
    }
}

int gift_to_table(lua_State *L) {
    const node root = {.type = LUA_TTABLE, .is.table = check_part(L)};
    push_copy(L, &root, lua_touserdata(L, -1));
    return 1;
}

static void make_types(lua_State *L) {
    static const luaL_Reg part_functions[] = {
        {"__index", index_part}, {"__len", count_part}, {"__pairs", pairs_of_part}, {NULL, NULL}};
    if (luaL_newmetatable(L, part_type))
        luaL_setfuncs(L, part_functions, 0);
    if (luaL_newmetatable(L, whole_type)) {
        lua_pushcfunction(L, free_whole);
        lua_setfield(L, -2, "__gc");
    }
    lua_pop(L, 2);
}

int gift_push(lua_State *L, gift **g) {
    make_types(L);
    gift **whole = lua_newuserdatauv(L, sizeof *whole, 0);
    *whole = NULL;
    luaL_setmetatable(L, whole_type);
    *whole = *g;
    *g = NULL;
    push_node(L, &(*whole)->value, lua_absindex(L, -1));
    return 1;
}
