// fief with large blocks from a jemalloc arena of the interpreter's own; with FIEF_BENCH_PROVIDER_FOR_ALL, all of
// its memory.
#ifndef BENCH_PEERS_FIEF_JEMALLOC_H
#define BENCH_PEERS_FIEF_JEMALLOC_H

#include <fief/adapter/jemalloc.h>

#include <cstdlib>

namespace peer {

struct heap {
    fief_jemalloc backing;
    fief *f;
};

inline heap *create() {
    heap *h = static_cast<heap *>(malloc(sizeof(heap)));
    fief_config config = FIEF_CONFIG_INIT;
    if (fief_jemalloc_back(&h->backing, &config, nullptr) != FIEF_JEMALLOC_READY)
        abort();
    config.provider_use = FIEF_BENCH_PROVIDER_FOR_ALL ? FIEF_PROVIDER_FOR_ALL : FIEF_PROVIDER_FOR_LARGE;
    if (fief_create(&h->f, &config) != FIEF_OK)
        abort();
    return h;
}

inline void destroy(heap *h) {
    fief_destroy(h->f);
    free(h);
}

inline void *alloc(heap *h, size_t size) {
    return fief_alloc(h->f, size);
}

inline void release(heap *h, void *p) {
    fief_free(h->f, p);
}

inline void *resize(heap *h, void *p, size_t old_size, size_t size) {
    return fief_realloc_sized(h->f, p, old_size, size);
}

} // namespace peer

#endif
