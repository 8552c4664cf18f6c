/* An instance of a runtime with a heap to itself, and what the checks say of it. Speaks TAP. */
#ifndef FI_TESTS_ADAPTER_GUEST_H
#define FI_TESTS_ADAPTER_GUEST_H

#include "embedded.h"

#include <string.h>

typedef struct guest {
    const embedded *runtime;
    embedded_variant variant;
    fief *heap;
    void *instance;
} guest;

static unsigned check_count, failure_count;

static inline void check(bool good, const guest *g, const char *what) {
    printf("%s %u - %s, %s: %s\n", good ? "ok" : "not ok", ++check_count, g->runtime->name,
           g->runtime->variants[g->variant], what);
    failure_count += !good;
}

static inline void check_skip(const guest *g, const char *what, const char *reason) {
    printf("ok %u - %s: %s # SKIP %s\n", ++check_count, g->runtime->name, what, reason);
}

static inline int check_end(void) {
    printf("1..%u\n", check_count);
    return failure_count == 0 ? 0 : 1;
}

static inline fief_stats guest_stats(const guest *g) {
    fief_stats stats = {0};
    fief_stats_publish(g->heap);
    fief_stats_read(g->heap, &stats);
    return stats;
}

/* A heap alone, which the runtime's calls are going to use. */
static inline bool guest_settle(guest *g, const fief_config *config) {
    fief_config own = *config;
    own.alignment = 8; /* as the adapters say */
    if (fief_create(&g->heap, &own) != FIEF_OK)
        return false;
    return g->runtime->install == NULL || g->runtime->install(g->heap, g->variant);
}

/* And an instance. Without one, the checks that need it fail. */
static inline guest guest_create(const embedded *runtime, embedded_variant variant, const fief_config *config) {
    guest g = {runtime, variant, NULL, NULL};
    if (guest_settle(&g, config))
        g.instance = runtime->create(g.heap, variant);
    return g;
}

/* Ends both, and tells what the heap said between. */
static inline fief_stats guest_end(guest *g) {
    fief_stats stats = {0};
    if (g->instance != NULL)
        g->runtime->destroy(g->instance);
    if (g->runtime->uninstall != NULL)
        g->runtime->uninstall();
    if (g->heap != NULL)
        stats = guest_stats(g);
    if (g->heap != NULL && fief_destroy(g->heap) == FIEF_OK)
        g->heap = NULL;
    return stats;
}

/* The same; true if the runtime freed all that it had, and only that. */
static inline bool guest_destroy(guest *g) {
    fief_stats stats = guest_end(g);
    return g->heap == NULL && stats.allocations > 0 && stats.live_blocks == 0 && stats.misuses == 0 &&
           stats.foreign_out == 0;
}

/* Whether a script runs, and what it gives; if it does not, the error. */
static inline bool guest_runs(const guest *g, const char *script, char *text) {
    embedded_tell(text, NULL);
    return g->instance != NULL && g->runtime->run(g->instance, script, text);
}

static inline bool guest_gives(const guest *g, const char *script, const char *wanted) {
    char text[EMBEDDED_TEXT_BYTES];
    bool good = guest_runs(g, script, text) && strcmp(text, wanted) == 0;
    if (!good)
        printf("# %.200s\n", text);
    return good;
}

#endif
