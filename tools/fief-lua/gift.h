/* gift.h - a value that a state gives away with the memory it is in: a parcel of fief/parcel.h.
 *
 * The giver builds the value in the parcel, as nodes that point to one another. The receiver finds them at the
 * same addresses, in its own heap: nothing was copied on the way. It reads tables in it like Lua's (x.name, x[1],
 * #x, pairs), each string becomes Lua's when it is looked at, and the whole is freed when nothing of it is in use.
 * Each look at a table within makes a new userdata: two looks at one are not equal. A script's finalizer that runs
 * after the whole was freed gets an error.
 */
#ifndef FIEF_LUA_GIFT_H
#define FIEF_LUA_GIFT_H

#include <fief/parcel.h>
#include <lua.h>

typedef struct gift gift;

/* The same values as value.h's. NULL: *why tells, a static text. Raises no error. */
fief_parcel *gift_pack(lua_State *L, fief *giver, int index, const char **why);

/* Takes a parcel in. NULL: the receiver has no memory for it, and it is destroyed. */
gift *gift_receive(fief *receiver, fief_parcel *parcel);

/* Pushes the value, which Lua's collector frees from then on: *g is NULL then. May raise an error. */
int gift_push(lua_State *L, gift **g);

/* Frees what was not pushed, in its receiver. g may be NULL. */
void gift_free(gift *g);

/* Lua function: a gift, or a part of one, as a table of Lua's own. */
int gift_to_table(lua_State *L);

#endif
