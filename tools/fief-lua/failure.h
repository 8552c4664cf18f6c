/* failure.h - an error of Lua, as text. */
#ifndef FIEF_LUA_FAILURE_H
#define FIEF_LUA_FAILURE_H

#include <lua.h>

/* Takes the error object off the stack of `failed`, which is a coroutine of L or L itself, and describes it as
 * the stock interpreter does: with a traceback, where there is a coroutine to trace. An error of memory has
 * none, in stock Lua either. Where memory is too short for the description, the text tells that instead. The
 * text is malloc's. */
char *failure_describe(lua_State *L, lua_State *failed, int status);

#endif
