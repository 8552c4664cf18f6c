/* The adapter under whichever Lua this is compiled for: 5.1 to 5.4, and LuaJIT. Speaks TAP.
 *
 * It keeps to the part of Lua, and of its C interface, that all of them have. */
#include "busy.h"

#include <fief/adapter/lua.h>
#include <fief/adapter/lua_trace.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_BYTES ((size_t)2 << 20)

#if LUA_VERSION_NUM >= 502
static const bool has_emergency_collection = true;
#else
static const bool has_emergency_collection = false; /* neither has LuaJIT, which calls itself 5.1 */
#endif

typedef struct variant {
    const char *name;
    lua_Alloc allocate;
} variant;

static const variant *current;
static unsigned check_count, failure_count;

static void check(bool good, const char *what) {
    printf("%s %u - %s (%s)\n", good ? "ok" : "not ok", ++check_count, what, current->name);
    failure_count += !good;
}

static void skip(const char *what, const char *reason) {
    printf("ok %u - %s (%s) # SKIP %s\n", ++check_count, what, current->name, reason);
}

/* ---- a state and its heap ---- */

typedef struct guest {
    fief *heap;
    lua_State *lua;
} guest;

/* Without either, the caller's checks fail one by one. */
static guest guest_create(size_t hard_bytes) {
    guest g = {NULL, NULL};
    fief_config config = FIEF_CONFIG_INIT;
    config.alignment = 8;
    config.limit.hard_bytes = hard_bytes;
    if (fief_create(&g.heap, &config) == FIEF_OK)
        g.lua = lua_newstate(current->allocate, g.heap);
    if (g.lua != NULL)
        luaL_openlibs(g.lua);
    return g;
}

/* True if Lua had freed all it had. */
static bool guest_destroy(guest *g) {
    fief_stats stats;
    if (g->lua != NULL)
        lua_close(g->lua);
    fief_stats_publish(g->heap);
    fief_stats_read(g->heap, &stats);
    fief_destroy(g->heap);
    return stats.live_blocks == 0 && stats.allocations > 0 && stats.misuses == 0;
}

static int run(lua_State *L, const char *script) {
    int status = luaL_loadstring(L, script);
    return status != 0 ? status : lua_pcall(L, 0, 1, 0);
}

static bool gives(lua_State *L, const char *script, const char *wanted) {
    if (L == NULL)
        return false;
    int status = run(L, script);
    const char *text = lua_tostring(L, -1);
    bool same = status == 0 && text != NULL && strcmp(text, wanted) == 0;
    if (!same)
        printf("# status %d: %s\n", status, text != NULL ? text : "no text");
    lua_settop(L, 0);
    return same;
}

/* ---- checks ---- */

static void check_life(void) {
    guest g = guest_create(0);
    check(gives(g.lua, busy_script, busy_result), "a state runs");
    check(guest_destroy(&g), "a closed state leaves nothing");
}

static void check_limit(void) {
    static const char hoarding_script[] = "local hoard = {}\n"
                                          "for i = 1, 1e7 do hoard[i] = { i } end";
    guest g = guest_create(LIMIT_BYTES);
    bool refused = g.lua != NULL && run(g.lua, hoarding_script) == LUA_ERRMEM;
    check(refused && strcmp(lua_tostring(g.lua, -1), "not enough memory") == 0, "the limit is an error of Lua");
    if (g.lua != NULL) {
        lua_settop(g.lua, 0);
        lua_gc(g.lua, LUA_GCCOLLECT, 0);
    }
    check(gives(g.lua, busy_script, busy_result), "the state goes on");
    check(guest_destroy(&g), "and leaves nothing");
}

/* The pause is so long that the collector does not start by itself within the limit: a weak reference that goes
 * away went in an emergency collection. */
static void check_emergency(void) {
    static const char what[] = "garbage is collected before the limit is an error";
    static const char littering_script[] = "local ballast = ('x'):rep(600 * 1024)\n"
                                           "collectgarbage('setpause', 1000)\n"
                                           "collectgarbage()\n"
                                           "local sentinel = setmetatable({ {} }, { __mode = 'v' })\n"
                                           "for i = 1, 20000 do local garbage = { i } end\n"
                                           "return sentinel[1] and 'never collected' or 'collected'";
    if (!has_emergency_collection) {
        skip(what, "this Lua does not collect when an allocation fails");
        return;
    }
    guest free_of_limits = guest_create(0);
    guest limited = guest_create(LIMIT_BYTES);
    check(gives(limited.lua, littering_script, "collected"), what);
    check(gives(free_of_limits.lua, littering_script, "never collected"), "but only then");
    check(guest_destroy(&limited) && guest_destroy(&free_of_limits), "and nothing is left");
}

/* Lua 5.1 to 5.3 have no answer to a shrink that fails. */
static void check_shrink(void) {
    enum { OLD_BYTES = 4000, STEP_BYTES = 400 };
    guest g = guest_create(LIMIT_BYTES);
    char *block = current->allocate(g.heap, NULL, 0, OLD_BYTES);
    bool good = block != NULL;
    for (size_t size = 16 * 1024; size > 0; size /= 2) /* down to the last byte */
        while (current->allocate(g.heap, NULL, 0, size) != NULL)
            continue;
    for (size_t size = OLD_BYTES; good && size > STEP_BYTES; size -= STEP_BYTES) {
        memset(block, 'a', size);
        block = current->allocate(g.heap, block, size, size - STEP_BYTES);
        good = block != NULL && block[0] == 'a' && block[size - STEP_BYTES - 1] == 'a';
    }
    check(good, "a shrink succeeds when nothing is left");
    guest_destroy(&g);
}

/* ---- the script's own frames ---- */

static char frames[FIEF_FRAMES_BYTES + 1];

/* write_frames(bytes): the frames as they are where it is called. */
static int write_frames(lua_State *L) {
    size_t room = (size_t)lua_tointeger(L, 1);
    frames[fief_lua_frames(NULL, frames, room, L)] = '\0';
    lua_pushstring(L, frames);
    return 1;
}

/* The lines that call: 3 and 5, the second as a pcall's callee. */
static const char calling_script[] = "local bytes = ...\n"
                                     "local function inner()\n"
                                     "  return (write_frames(bytes))\n"
                                     "end\n"
                                     "local function outer() local text = inner() return text end\n"
                                     "local _, text = pcall(outer)\n"
                                     "return text\n";
static const char calling_frames[] = "[C]\na.lua:3\na.lua:5\n[C]\na.lua:6\n";

static bool writes(lua_State *L, size_t room, const char *wanted) {
    if (L == NULL || luaL_loadbuffer(L, calling_script, strlen(calling_script), "@a.lua") != 0)
        return false;
    lua_register(L, "write_frames", write_frames);
    lua_pushinteger(L, (lua_Integer)room);
    if (lua_pcall(L, 1, 1, 0) == 0 && strcmp(lua_tostring(L, -1), wanted) == 0) {
        lua_settop(L, 0);
        return true;
    }
    printf("# %s\n", lua_tostring(L, -1));
    lua_settop(L, 0);
    return false;
}

/* The longest chunk name there is, and more frames than fit into 250 bytes. */
static bool is_full_of_lines(lua_State *L) {
    static const char deep_script[] = "local function f(n)\n"
                                      "  if n == 0 then return write_frames(250) end\n"
                                      "  local text = f(n - 1)\n"
                                      "  return text\n"
                                      "end\n"
                                      "return f(100)\n";
    char name[200] = "@";
    memset(name + 1, 'n', sizeof name - 2);
    if (luaL_loadbuffer(L, deep_script, strlen(deep_script), name) != 0 || lua_pcall(L, 0, 1, 0) != 0)
        return false;
    size_t length = strlen(frames);
    lua_settop(L, 0);
    return length > 250 - LUA_IDSIZE - 16 && length <= 250 && frames[length - 1] == '\n';
}

static void check_frames(void) {
    guest g = guest_create(0);
    bool taken = fief_trace_frames(g.heap, fief_lua_frames, g.lua) == FIEF_OK;
    check(taken && gives(g.lua, busy_script, busy_result), "a state whose frames are wanted runs");
    check(writes(g.lua, FIEF_FRAMES_BYTES, calling_frames), "the script's frames are written");
    check(writes(g.lua, strlen(calling_frames), calling_frames), "they fill their room");
    check(writes(g.lua, strlen(calling_frames) - 1, "[C]\na.lua:3\na.lua:5\n[C]\n"), "but go no further");
    check(is_full_of_lines(g.lua), "long names and many frames are cut between lines");
    check(fief_lua_frames(g.heap, frames, sizeof frames - 1, g.lua) == 0, "where nothing runs, there are none");
    check(guest_destroy(&g), "and nothing is left");
}

int main(void) {
    static const variant variants[] = {{"called", fief_lua_alloc}, {"inlined", fief_lua_alloc_inline}};
    printf("# %s\n", LUA_VERSION);
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        current = &variants[i];
        check_life();
        check_limit();
        check_emergency();
        check_shrink();
        check_frames();
    }
    printf("1..%u\n", check_count);
    return failure_count == 0 ? 0 : 1;
}
