/* gift_nodes.h - what a gift is made of, for those who build it (gift.c) and who look at it (gift_view.c). */
#ifndef FIEF_LUA_GIFT_NODES_H
#define FIEF_LUA_GIFT_NODES_H

#include "gift.h"

#include <stdbool.h>
#include <stddef.h>

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

/* Whether the value on the stack is a key of a list. */
bool gift_is_listed(lua_State *L, int index, size_t list_count);

/* The order of text keys. */
int gift_compare_texts(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

#endif
