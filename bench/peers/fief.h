// fief: through the called API (FIEF_BENCH_INLINE 0), or its inlined fast path (1).
#ifndef BENCH_PEERS_FIEF_H
#define BENCH_PEERS_FIEF_H

#include <fief/inline.h>

#include <cstdlib>

namespace peer {

typedef fief heap;

constexpr bool has_heaps = true;
constexpr bool heaps_migrate = true;

inline heap *create() {
    fief *f;
    if (fief_create(&f, nullptr) != FIEF_OK)
        abort();
    return f;
}

inline void destroy(heap *h) {
    fief_destroy(h);
}

#if FIEF_BENCH_INLINE
inline __attribute__((always_inline)) void *alloc(heap *h, size_t size) {
    return fief_inline_alloc(h, size);
}
inline __attribute__((always_inline)) void release(heap *h, void *p) {
    fief_inline_free(h, p);
}
#else
inline void *alloc(heap *h, size_t size) {
    return fief_alloc(h, size);
}
inline void release(heap *h, void *p) {
    fief_free(h, p);
}
#endif

inline void *resize(heap *h, void *p, size_t old_size, size_t size) {
    return fief_realloc_sized(h, p, old_size, size);
}

inline void release_foreign(void *p) {
    fief_free_remote(p);
}

inline void give_back() {
    fief_trim(nullptr);
}

} // namespace peer

#endif
