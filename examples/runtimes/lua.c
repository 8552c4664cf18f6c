/* A Lua state on a fief of its own, of at most 8 MiB. */
#include <fief/adapter/lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

int main(void) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "example.lua";
    config.alignment = 8;
    config.limit.hard_bytes = 8 << 20;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    lua_State *L = lua_newstate(fief_lua_alloc, f);
    luaL_openlibs(L);
    if (luaL_dostring(L, "local t = {} for i = 1, 1e9 do t[i] = 'text ' .. i end") != 0)
        printf("error: %s\n", lua_tostring(L, -1));
    lua_gc(L, LUA_GCCOLLECT, 0); /* Lua 5.1 and LuaJIT do not, when memory is short */
    if (luaL_dostring(L, "return 'and on it goes'") == 0)
        printf("%s\n", lua_tostring(L, -1));
    lua_close(L);
    return fief_destroy(f) != FIEF_OK;
}
