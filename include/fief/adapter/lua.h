/* adapter/lua.h - a Lua state on a fief: Lua 5.1 to 5.4, and LuaJIT where it lets a host bring its allocator.
 *
 *     fief *f;
 *     if (fief_create(&f, NULL) == FIEF_OK) {
 *         lua_State *L = lua_newstate(fief_lua_alloc, f);
 *         ...
 *         lua_close(L);
 *         fief_destroy(f);
 *     }
 *
 * The fief belongs to the state: whoever runs the state may use it, from any thread. At the fief's hard limit an
 * allocation returns NULL; Lua then collects, tries again (from 5.2 on), and raises its own "not enough memory".
 * A block never fails to shrink, which Lua 5.1 to 5.3 rely on.
 *
 * fief_lua_alloc calls the library; fief_lua_alloc_inline has the fast paths compiled in. */
#ifndef FIEF_ADAPTER_LUA_H
#define FIEF_ADAPTER_LUA_H

#include "../inline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A lua_Alloc. Without a block, `old_size` is the kind of object that Lua makes, and of no use here. */
static inline void *fief_lua_alloc(void *ud, void *block, size_t old_size, size_t new_size) {
    fief *f = (fief *)ud;
    if (new_size == 0) {
        if (block != NULL) /* every table that has no array part frees that, too */
            fief_free_sized(f, block, old_size);
        return NULL;
    }
    if (block == NULL)
        return fief_alloc(f, new_size);
    return fief_realloc_sized(f, block, old_size, new_size);
}

static inline void *fief_lua_alloc_inline(void *ud, void *block, size_t old_size, size_t new_size) {
    fief *f = (fief *)ud;
    if (new_size == 0) {
        if (block != NULL)
            fief_inline_free_sized(f, block, old_size);
        return NULL;
    }
    if (block == NULL)
        return fief_inline_alloc(f, new_size);
    return fief_realloc_sized(f, block, old_size, new_size);
}

#ifdef __cplusplus
}
#endif

#endif
