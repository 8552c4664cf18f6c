/* value.h - Lua values on their way from one state to another, in memory of neither: data of fief/share.h.
 *
 * nil, booleans, integers, floats, strings, and tables of these, up to a depth; a table that is met twice arrives
 * as two. Functions, coroutines, userdata and metatables stay where they are. */
#ifndef FIEF_LUA_VALUE_H
#define FIEF_LUA_VALUE_H

#include <fief/share.h>
#include <lua.h>

/* `count` values from `first` on, as one; of `owner`, the state's heap. NULL: *why tells, a static text. Raises no
 * error. */
fief_xi_data *value_pack(lua_State *L, fief *owner, int first, int count, const char **why);

/* Pushes them; returns how many. May raise an error. */
int value_push(lua_State *L, const fief_xi_data *values);

#endif
