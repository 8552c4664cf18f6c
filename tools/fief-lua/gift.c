#include "gift.h"

#include <lauxlib.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 100 };

static const char part_type[] = "fief.gift";

typedef struct node {
    int type; /* LUA_TNIL, LUA_TBOOLEAN, LUA_TNUMBER with is_integer or not, LUA_TSTRING, LUA_TTABLE */
    bool is_integer;
    union {
        bool truth;
        lua_Integer integer;
        lua_Number number;
        struct {
            char *text;
            size_t bytes;
        } string;
        struct table *table;
    } is;
} node;

typedef struct pair {
    node key, value;
} pair;

/* What stands under 1, 2, and so on, and the rest: text keys first, in order. */
typedef struct table {
    size_t list_count, pair_count, text_count;
    node *list;
    pair *pairs;
} table;

/* The root of the parcel. */
struct gift {
    fief *heap; /* the receiver's */
    node value;
};

/* ---- giving ---- */

typedef struct packer {
    lua_State *L;
    fief *heap; /* the parcel's */
    const char *why;
} packer;

static bool fail(packer *p, const char *why) {
    p->why = why;
    return false;
}

static bool pack(packer *p, int index, int depth, node *out);

static bool pack_string(packer *p, int index, node *out) {
    const char *text = lua_tolstring(p->L, index, &out->is.string.bytes);
    out->is.string.text = fief_alloc(p->heap, out->is.string.bytes);
    if (out->is.string.text == NULL)
        return fail(p, "not enough memory");
    memcpy(out->is.string.text, text, out->is.string.bytes);
    return true;
}

static bool is_listed(lua_State *L, int index, size_t list_count) {
    return lua_isinteger(L, index) && lua_tointeger(L, index) >= 1 &&
           (size_t)lua_tointeger(L, index) <= list_count;
}

static size_t count_pairs(lua_State *L, int index, size_t list_count) {
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
        count += !is_listed(L, -2, list_count);
    return count;
}

static bool pack_list(packer *p, int index, int depth, table *t) {
    for (size_t i = 0; i < t->list_count; i++) {
        lua_rawgeti(p->L, index, (lua_Integer)i + 1);
        bool packed = pack(p, lua_gettop(p->L), depth, &t->list[i]);
        lua_pop(p->L, 1);
        if (!packed)
            return false;
    }
    return true;
}

static bool pack_pairs(packer *p, int index, int depth, table *t) {
    pair *next = t->pairs;
    for (lua_pushnil(p->L); lua_next(p->L, index) != 0; lua_pop(p->L, 1)) {
        int top = lua_gettop(p->L);
        if (is_listed(p->L, -2, t->list_count))
            continue;
        if (!pack(p, top - 1, depth, &next->key) || !pack(p, top, depth, &next->value))
            return false;
        t->text_count += next->key.type == LUA_TSTRING;
        next++;
    }
    return true;
}

static int compare_texts(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int compare_keys(const void *a, const void *b) {
    const node *one = &((const pair *)a)->key, *other = &((const pair *)b)->key;
    bool is_text = one->type == LUA_TSTRING, other_is = other->type == LUA_TSTRING;
    if (!is_text || !other_is)
        return other_is - is_text;
    return compare_texts(one->is.string.text, one->is.string.bytes, other->is.string.text, other->is.string.bytes);
}

static bool pack_table(packer *p, int index, int depth, node *out) {
    if (depth == MOST_DEPTH)
        return fail(p, "a table is within itself, or too many are within one another");
    if (!lua_checkstack(p->L, LUA_MINSTACK))
        return fail(p, "not enough memory");
    table *t = fief_zalloc(p->heap, sizeof *t);
    if (t == NULL)
        return fail(p, "not enough memory");
    out->is.table = t;
    t->list_count = lua_rawlen(p->L, index);
    t->pair_count = count_pairs(p->L, index, t->list_count);
    t->list = fief_calloc(p->heap, t->list_count, sizeof *t->list);
    t->pairs = fief_calloc(p->heap, t->pair_count, sizeof *t->pairs);
    if (t->list == NULL || t->pairs == NULL)
        return fail(p, "not enough memory");
    int top = lua_gettop(p->L);
    bool packed = pack_list(p, index, depth + 1, t) && pack_pairs(p, index, depth + 1, t);
    lua_settop(p->L, top);
    qsort(t->pairs, t->pair_count, sizeof *t->pairs, compare_keys);
    return packed;
}

static bool pack(packer *p, int index, int depth, node *out) {
    *out = (node){.type = lua_type(p->L, index)};
    switch (out->type) {
    case LUA_TNIL:
        return true;
    case LUA_TBOOLEAN:
        out->is.truth = lua_toboolean(p->L, index);
        return true;
    case LUA_TNUMBER:
        out->is_integer = lua_isinteger(p->L, index);
        if (out->is_integer)
            out->is.integer = lua_tointeger(p->L, index);
        else
            out->is.number = lua_tonumber(p->L, index);
        return true;
    case LUA_TSTRING:
        return pack_string(p, index, out);
    case LUA_TTABLE:
        return pack_table(p, index, depth, out);
    default:
        return fail(p, "only nil, booleans, numbers, strings and tables of these can be given");
    }
}

fief_parcel *gift_pack(lua_State *L, fief *giver, int index, const char **why) {
    fief_parcel *parcel;
    *why = "not enough memory";
    if (fief_parcel_create(giver, NULL, &parcel) != FIEF_OK)
        return NULL;
    packer p = {L, fief_parcel_heap(parcel), NULL};
    gift *g = fief_zalloc(p.heap, sizeof *g);
    if (g != NULL && pack(&p, index, 0, &g->value) && fief_parcel_root_set(parcel, g) == FIEF_OK)
        return parcel;
    if (p.why != NULL)
        *why = p.why;
    fief_parcel_destroy(giver, parcel);
    return NULL;
}

/* ---- freeing ---- */

static void free_node(fief *heap, node *n) {
    if (n->type == LUA_TSTRING)
        fief_free(heap, n->is.string.text);
    if (n->type != LUA_TTABLE)
        return;
    table *t = n->is.table;
    for (size_t i = 0; i < t->list_count; i++)
        free_node(heap, &t->list[i]);
    for (size_t i = 0; i < t->pair_count; i++) {
        free_node(heap, &t->pairs[i].key);
        free_node(heap, &t->pairs[i].value);
    }
    fief_free(heap, t->list);
    fief_free(heap, t->pairs);
    fief_free(heap, t);
}

void gift_free(gift *g) {
    if (g == NULL)
        return;
    free_node(g->heap, &g->value);
    fief_free(g->heap, g);
}

gift *gift_receive(fief *receiver, fief_parcel *parcel) {
    void *root;
    if (fief_parcel_receive(receiver, parcel, &root) != FIEF_OK) {
        fief_parcel_destroy(receiver, parcel);
        return NULL;
    }
    gift *g = root;
    g->heap = receiver;
    return g;
}

/* ---- reading ---- */

/* A table of the gift, as Lua sees it. Its user value keeps the whole: a userdata that owns the gift. */
typedef struct part {
    table *table;
} part;

static const char whole_type[] = "fief.whole gift";

static int free_whole(lua_State *L) {
    gift **whole = luaL_checkudata(L, 1, whole_type);
    gift_free(*whole);
    *whole = NULL;
    return 0;
}

/* `whole` is where on the stack the owner is. */
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
        part *p = lua_newuserdatauv(L, sizeof *p, 1);
        p->table = n->is.table;
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
        int order = compare_texts(text, bytes, at->key.is.string.text, at->key.is.string.bytes);
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
    if (is_listed(L, index, t->list_count))
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

static const table *check_part(lua_State *L) {
    const part *p = luaL_checkudata(L, 1, part_type);
    return p->table;
}

static int index_part(lua_State *L) {
    const table *t = check_part(L);
    luaL_checkany(L, 2);
    lua_getiuservalue(L, 1, 1);
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
    const table *t = check_part(L);
    size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(1));
    if (at >= t->list_count + t->pair_count)
        return 0;
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_replace(L, lua_upvalueindex(1));
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    if (at < t->list_count) {
        lua_pushinteger(L, (lua_Integer)at + 1);
        push_node(L, &t->list[at], 2);
    } else {
        push_node(L, &t->pairs[at - t->list_count].key, 2);
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

static void push_copy(lua_State *L, const node *n) {
    luaL_checkstack(L, LUA_MINSTACK, "a gift that is too deep");
    if (n->type != LUA_TTABLE) {
        push_node(L, n, 0);
        return;
    }
    const table *t = n->is.table;
    lua_createtable(L, (int)t->list_count, (int)t->pair_count);
    for (size_t i = 0; i < t->list_count; i++) {
        push_copy(L, &t->list[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    for (size_t i = 0; i < t->pair_count; i++) {
        push_copy(L, &t->pairs[i].key);
        push_copy(L, &t->pairs[i].value);
        lua_rawset(L, -3);
    }
}

int gift_to_table(lua_State *L) {
    const part *p = luaL_checkudata(L, 1, part_type);
    push_copy(L, &(node){.type = LUA_TTABLE, .is.table = p->table});
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
