/* script.h - what a script finds when it starts: the stock interpreter's world, except that what it writes is
 * captured and that it cannot end the process. */
#ifndef FIEF_LUA_SCRIPT_H
#define FIEF_LUA_SCRIPT_H

#include <lua.h>

/* Lua function without arguments or results, for lua_pcall. Opens the libraries, loads the script of the tenant
 * that L belongs to, and leaves it in the tenant's coroutine, with its arguments. */
int script_prepare(lua_State *L);

#endif
