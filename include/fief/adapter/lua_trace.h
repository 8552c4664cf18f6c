/* adapter/lua_trace.h - lines of Lua in the stacks that fief keeps: `script.lua:12`, innermost first; Lua 5.1
 * to 5.4.
 *
 *     lua_State *L = lua_newstate(fief_lua_alloc, f);
 *     fief_trace_frames(f, fief_lua_frames, L);
 *     ... and when lua_close(L) has returned, fief_trace_frames(f, NULL, NULL)
 *
 * The frames are those of the state that is given: while a coroutine of it runs, those of who resumed it. */
#ifndef FIEF_ADAPTER_LUA_TRACE_H
#define FIEF_ADAPTER_LUA_TRACE_H

#include "../trace.h"

#ifdef __cplusplus
extern "C" {
#endif

#include <lua.h>
#include <string.h>

#ifndef FIEF_LUA_MOST_FRAMES
#define FIEF_LUA_MOST_FRAMES 8 /* Lua takes some 100 ns for each */
#endif

/* Writes "source:line\n" so that it ends at `end`; returns where it begins. Room for a line must be there. */
static inline char *fief_lua_write_line(const lua_Debug *frame, char *end) {
    size_t length = strlen(frame->short_src);
    *--end = '\n';
    if (frame->currentline > 0) { /* a function in C has none */
        for (unsigned left = (unsigned)frame->currentline; left > 0; left /= 10)
            *--end = (char)('0' + left % 10);
        *--end = ':';
    }
    return (char *)memcpy(end - length, frame->short_src, length);
}

/* A fief_frames_fn; `state` is the lua_State. Takes no memory and raises no error. A line that does not fit, and
 * what would come behind it, is left out. */
static inline size_t fief_lua_frames(fief *f, char *text, size_t bytes, void *state) {
    lua_State *L = (lua_State *)state;
    lua_Debug frame;
    size_t used = 0;
    (void)f;
    for (int level = 0; level < FIEF_LUA_MOST_FRAMES && lua_getstack(L, level, &frame); level++) {
        char line[LUA_IDSIZE + 16], *end = line + sizeof line;
        lua_getinfo(L, "Sl", &frame);
        char *start = fief_lua_write_line(&frame, end);
        if ((size_t)(end - start) > bytes - used)
            break;
        memcpy(text + used, start, (size_t)(end - start));
        used += (size_t)(end - start);
    }
    return used;
}

#ifdef __cplusplus
}
#endif

#endif
