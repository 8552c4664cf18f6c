// jemalloc with a manual arena for each interpreter, and no thread cache: what it takes for blocks to stay apart
// and to be given back together. There can be 4,094 of them.
#ifndef BENCH_PEERS_JEMALLOC_ARENA_H
#define BENCH_PEERS_JEMALLOC_ARENA_H

#include <cstdio>
#include <cstdlib>

#include <jemalloc/jemalloc.h>

namespace peer {

struct heap {
    unsigned arena;
    int flags;
};

constexpr bool has_heaps = true;
constexpr bool heaps_migrate = true;

inline heap *create() {
    heap *h = static_cast<heap *>(malloc(sizeof(heap)));
    size_t size = sizeof h->arena;
    if (mallctl("arenas.create", &h->arena, &size, nullptr, 0) != 0)
        abort();
    h->flags = MALLOCX_ARENA(h->arena) | MALLOCX_TCACHE_NONE;
    return h;
}

inline void destroy(heap *h) {
    char name[64];
    snprintf(name, sizeof name, "arena.%u.destroy", h->arena);
    if (mallctl(name, nullptr, nullptr, nullptr, 0) != 0)
        abort();
    free(h);
}

inline void *alloc(heap *h, size_t size) {
    return mallocx(size, h->flags);
}

inline void release(heap *h, void *p) {
    dallocx(p, h->flags);
}

inline void *resize(heap *h, void *p, size_t, size_t size) {
    return rallocx(p, size, h->flags);
}

inline void release_foreign(void *p) {
    dallocx(p, MALLOCX_TCACHE_NONE);
}

inline void give_back() {
}

} // namespace peer

#endif
