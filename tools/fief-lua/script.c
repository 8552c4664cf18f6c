#include "script.h"

#include "tenant.h"

#include <lauxlib.h>
#include <lualib.h>

/* ---- what is replaced ---- */

/* Stock print writes to C's stdout, whatever io.stdout is. */
static int print(lua_State *L) {
    FILE *stream = tenant_of(L)->output.stream;
    int count = lua_gettop(L);
    for (int i = 1; i <= count; i++) {
        size_t length;
        const char *text = luaL_tolstring(L, i, &length);
        if (i > 1)
            putc('\t', stream);
        fwrite(text, 1, length, stream);
        lua_pop(L, 1);
    }
    putc('\n', stream);
    return 0;
}

static int os_exit(lua_State *L) {
    int status = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);
    return tenant_exit(L, status);
}

/* io.write, io.stdout:write and the rest all go through the file that io.stdout holds. It never closes its
 * stream, and so leaves ours alone as well. */
static void redirect(lua_State *L, const char *name, FILE *stream) {
    lua_getglobal(L, LUA_IOLIBNAME);
    lua_getfield(L, -1, name);
    luaL_Stream *file = luaL_checkudata(L, -1, LUA_FILEHANDLE);
    file->f = stream;
    lua_pop(L, 2);
}

static void replace_world(lua_State *L, const tenant *t) {
    redirect(L, "stdout", t->output.stream);
    redirect(L, "stderr", t->output.stream);
    lua_register(L, "print", print);
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_pushcfunction(L, os_exit);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
}

/* ---- the script ---- */

/* As the stock interpreter has it: arg[0] is the script, arg[-1] the program, arguments follow. */
static void set_arg(lua_State *L, const tenant *t) {
    const options *o = t->options;
    lua_createtable(L, o->script_argument_count, 2);
    lua_pushstring(L, o->program);
    lua_rawseti(L, -2, -1);
    lua_pushstring(L, t->script);
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < o->script_argument_count; i++) {
        lua_pushstring(L, o->script_arguments[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
}

/* The coroutine is kept alive by the registry. */
static void load(lua_State *L, tenant *t) {
    const options *o = t->options;
    t->coroutine = lua_newthread(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, t);
    if (luaL_loadfile(L, t->script) != LUA_OK)
        lua_error(L);
    luaL_checkstack(L, o->script_argument_count, "too many arguments");
    if (!lua_checkstack(t->coroutine, o->script_argument_count + 1))
        luaL_error(L, "too many arguments");
    for (int i = 0; i < o->script_argument_count; i++)
        lua_pushstring(L, o->script_arguments[i]);
    lua_xmove(L, t->coroutine, o->script_argument_count + 1);
    t->argument_count = o->script_argument_count;
}

int script_prepare(lua_State *L) {
    tenant *t = tenant_of(L);
    luaL_openlibs(L);
    replace_world(L, t);
    luaL_requiref(L, "fief", channel_open, true);
    lua_pop(L, 1);
    set_arg(L, t);
    lua_gc(L, LUA_GCGEN, 0, 0); /* generational, as in the stock interpreter */
    load(L, t);
    return 0;
}
