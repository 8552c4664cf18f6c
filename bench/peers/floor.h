/* No allocator: the empty calls of floor.c, for the rows that have but one live block at a time, or don't care. */
#ifndef BENCH_PEERS_FLOOR_H
#define BENCH_PEERS_FLOOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *floor_alloc(void *heap, size_t size);
void floor_free(void *heap, void *p);

#ifdef __cplusplus
}

namespace peer {

typedef char heap;

constexpr bool has_heaps = true;

inline heap *create() {
    static heap only;
    return &only;
}

inline void destroy(heap *) {
}

inline void *alloc(heap *h, size_t size) {
    return floor_alloc(h, size);
}

inline void release(heap *h, void *p) {
    floor_free(h, p);
}

inline void *resize(heap *, void *p, size_t, size_t) {
    return p;
}

} // namespace peer
#endif

#endif
