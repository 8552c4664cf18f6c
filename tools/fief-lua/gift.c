#include "gift_nodes.h"

#include <lauxlib.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 100 };

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

bool gift_is_listed(lua_State *L, int index, size_t list_count) {
    return lua_isinteger(L, index) && lua_tointeger(L, index) >= 1 &&
           (size_t)lua_tointeger(L, index) <= list_count;
}

static size_t count_pairs(lua_State *L, int index, size_t list_count) {
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
        count += !gift_is_listed(L, -2, list_count);
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
        if (gift_is_listed(p->L, -2, t->list_count))
            continue;
        if (!pack(p, top - 1, depth, &next->key) || !pack(p, top, depth, &next->value))
            return false;
        t->text_count += next->key.type == LUA_TSTRING;
        next++;
    }
    return true;
}

int gift_compare_texts(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int compare_keys(const void *a, const void *b) {
    const node *one = &((const pair *)a)->key, *other = &((const pair *)b)->key;
    bool is_text = one->type == LUA_TSTRING, other_is = other->type == LUA_TSTRING;
    if (!is_text || !other_is)
        return other_is - is_text;
    return gift_compare_texts(one->is.string.text, one->is.string.bytes, other->is.string.text,
                              other->is.string.bytes);
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
    if (!packed)
        return false;
    qsort(t->pairs, t->pair_count, sizeof *t->pairs, compare_keys);
    return true;
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
