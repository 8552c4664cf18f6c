/* Lua 5.1 to 5.4 and LuaJIT, whichever this is compiled for, for the checks of all runtimes. */
#include "../busy.h"
#include "embedded.h"

#include <fief/adapter/lua.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static const lua_Alloc allocators[] = {
    [EMBEDDED_CALLED] = fief_lua_alloc,
    [EMBEDDED_INLINED] = fief_lua_alloc_inline,
};

static int open_libraries(lua_State *L) {
    luaL_openlibs(L);
    return 0;
}

/* In a protected call: there may be no memory for them. */
static bool opens_libraries(lua_State *L) {
#if LUA_VERSION_NUM == 501
    return lua_cpcall(L, open_libraries, NULL) == 0;
#else
    lua_pushcfunction(L, open_libraries);
    return lua_pcall(L, 0, 0, 0) == 0;
#endif
}

static void *create(fief *heap, embedded_variant variant) {
    lua_State *L = heap != NULL ? lua_newstate(allocators[variant], heap) : luaL_newstate();
    if (L == NULL || opens_libraries(L))
        return L;
    lua_close(L);
    return NULL;
}

static void collect(void *instance) {
    lua_gc(instance, LUA_GCCOLLECT, 0);
}

static void destroy(void *instance) {
    lua_close(instance);
}

static bool run(void *instance, const char *script, char *text) {
    lua_State *L = instance;
    bool good = luaL_loadstring(L, script) == 0 && lua_pcall(L, 0, 1, 0) == 0;
    embedded_tell(text, lua_tostring(L, -1));
    lua_settop(L, 0);
    return good;
}

static void *resize(fief *heap, embedded_variant variant, void *block, size_t size) {
    return allocators[variant](heap, block, fief_usable_size(block), size);
}

const embedded lua_embedded = {
    .name = LUA_VERSION,
    .variants = EMBEDDED_CALLED_AND_INLINED,
    .can_fail_to_begin = EMBEDDED_CAN_FAIL_TO_BEGIN,
    .limit_bytes = (size_t)4 << 20,
    .busy_script = busy_script,
    .busy_result = busy_result,
    .step_script = "steps, kept = steps or 0, kept or {}\n"
                   "for i = 1, 50 do kept[(steps * 7 + i) % 60] = { steps, 's' .. steps .. i, { i } } end\n"
                   "steps = steps + 1\n"
                   "return tostring(steps)",
    .hoarding_script = "local hoard = {}\n"
                       "for i = 1, 1e7 do hoard[i] = { i } end",
    .hoarding_result = "not enough memory",
    .create = create,
    .destroy = destroy,
    .run = run,
    .collect = collect,
    .resize = resize,
};
