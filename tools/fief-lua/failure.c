#include "failure.h"

#include "host.h"

#include <lauxlib.h>
#include <stdbool.h>

/* Lua function: (what to trace as a light userdata, error object) -> text. */
static int describe(lua_State *L) {
    lua_State *traced = lua_touserdata(L, 1);
    const char *message = lua_tostring(L, 2);
    if (message == NULL && luaL_callmeta(L, 2, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
        message = lua_tostring(L, -1);
    if (message == NULL)
        message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 2));
    if (traced != NULL)
        luaL_traceback(L, traced, message, 0);
    else
        lua_pushstring(L, message);
    return 1;
}

char *failure_describe(lua_State *L, lua_State *failed, int status) {
    bool traceable = failed != L && status != LUA_ERRMEM;
    if (failed != L)
        lua_xmove(failed, L, 1);
    lua_pushcfunction(L, describe);
    lua_pushlightuserdata(L, traceable ? failed : NULL);
    lua_rotate(L, -3, -1); /* the error object last */
    lua_pcall(L, 2, 1, 0); /* if that fails, too, its error is what is told */
    char *text =
        host_copy_text(lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(an error without a text)");
    lua_pop(L, 1);
    return text;
}
