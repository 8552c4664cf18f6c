// Whatever malloc the program is linked with: glibc's, jemalloc's, mimalloc's, tcmalloc's. It knows no heaps: an
// interpreter's end frees its blocks one by one.
#ifndef BENCH_PEERS_MALLOC_H
#define BENCH_PEERS_MALLOC_H

#include <cstdlib>

#if BENCH_GLIBC
#include <malloc.h>
#endif

namespace peer {

struct heap {};

constexpr bool has_heaps = false;
constexpr bool heaps_migrate = true;

inline heap *create() {
    static heap the_only_one;
    return &the_only_one;
}

inline void destroy(heap *) {
}

inline void *alloc(heap *, size_t size) {
    return malloc(size);
}

inline void release(heap *, void *p) {
    free(p);
}

inline void *resize(heap *, void *p, size_t, size_t size) {
    return realloc(p, size);
}

inline void release_foreign(void *p) {
    free(p);
}

inline void give_back() {
#if BENCH_GLIBC
    malloc_trim(0);
#endif
}

} // namespace peer

#endif
