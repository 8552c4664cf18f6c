// A whole Lua script on a peer's allocator: prints the milliseconds of each run. Built once for each peer. With "peak",
// it also prints the most KiB that were ever resident; the system's count for an ended child begins with its parent's.
//
//   lua_PEER RUNS script.lua [peak]
#include PEER

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <lua.hpp>

#ifdef FIEF_BENCH_INLINE
#include <fief/adapter/lua.h>
#endif

namespace {

#ifdef FIEF_BENCH_INLINE

// As docs/embedding says: Lua is content with an alignment of 8.
fief *create() {
    fief_config config = FIEF_CONFIG_INIT;
    config.alignment = 8;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        abort();
    return f;
}

lua_Alloc allocator() {
    return FIEF_BENCH_INLINE ? fief_lua_alloc_inline : fief_lua_alloc;
}

#else

peer::heap *create() {
    return peer::create();
}

void *allocate(void *ud, void *block, size_t old_size, size_t new_size) {
    peer::heap *heap = static_cast<peer::heap *>(ud);
    if (new_size == 0) {
        if (block != nullptr)
            peer::release(heap, block);
        return nullptr;
    }
    return block == nullptr ? peer::alloc(heap, new_size) : peer::resize(heap, block, old_size, new_size);
}

lua_Alloc allocator() {
    return allocate;
}

#endif

// The state's whole life: what it leaves to its end counts.
double run(const char *script) {
    auto *heap = create();
    auto start = std::chrono::steady_clock::now();
    lua_State *L = lua_newstate(allocator(), heap);
    if (L == nullptr)
        abort();
    luaL_openlibs(L);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, script);
    lua_rawseti(L, -2, 0);
    lua_setglobal(L, "arg");
    if (luaL_dofile(L, script) != 0) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
    lua_close(L);
    peer::destroy(heap);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void print_peak() {
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != nullptr && fgets(line, sizeof line, status) != nullptr)
        if (strncmp(line, "VmHWM:", 6) == 0)
            fprintf(stderr, "peak %ld\n", atol(line + 6));
    if (status != nullptr)
        fclose(status);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 3 && !(argc == 4 && strcmp(argv[3], "peak") == 0))
        return 2;
    if (freopen("/dev/null", "w", stdout) == nullptr) // what the script prints
        return 1;
    for (int i = atoi(argv[1]); i > 0; i--)
        fprintf(stderr, "%.3f\n", run(argv[2]));
    if (argc == 4)
        print_peak();
    return 0;
}
