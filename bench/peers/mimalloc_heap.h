// mimalloc 2 with a heap for each interpreter. Such a heap allocates on the thread that made it, and nowhere else.
#ifndef BENCH_PEERS_MIMALLOC_HEAP_H
#define BENCH_PEERS_MIMALLOC_HEAP_H

#include <mimalloc.h>

namespace peer {

typedef mi_heap_t heap;

constexpr bool has_heaps = true;
constexpr bool heaps_migrate = false;

inline heap *create() {
    return mi_heap_new();
}

inline void destroy(heap *h) {
    mi_heap_destroy(h);
}

inline void *alloc(heap *h, size_t size) {
    return mi_heap_malloc(h, size);
}

inline void release(heap *, void *p) {
    mi_free(p);
}

inline void *resize(heap *h, void *p, size_t, size_t size) {
    return mi_heap_realloc(h, p, size);
}

inline void release_foreign(void *p) {
    mi_free(p);
}

inline void give_back() {
    mi_collect(true);
}

} // namespace peer

#endif
