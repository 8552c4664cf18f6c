/* adapter/jemalloc.h - large blocks of an interpreter from a jemalloc arena of its own, for a process that runs
 * jemalloc already. In libfief-jemalloc, which links neither jemalloc nor fief.
 *
 *     fief_jemalloc backing; // stays where it is until fief_destroy has returned
 *     fief_config config = FIEF_CONFIG_INIT;
 *     fief_jemalloc_back(&backing, &config, NULL);
 *     fief_create(&heap, &config);
 *
 * Blocks of more than 508 KiB then come from an arena that is made with the first of them, and given back
 * with the interpreter, empty: it is destroyed, or one of a few that wait for the next interpreter. Where the
 * process does not run jemalloc, or jemalloc makes no more arenas (there can be 4,094), they come from the
 * operating system, as they do without any of this: `backing.state` tells which. docs/jemalloc.md tells when it is
 * worth it. */
#ifndef FIEF_ADAPTER_JEMALLOC_H
#define FIEF_ADAPTER_JEMALLOC_H

#include "../fief.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the next large block will come from. */
typedef enum fief_jemalloc_state {
    FIEF_JEMALLOC_ABSENT = 0, /* the system: this process does not run jemalloc 5 */
    FIEF_JEMALLOC_READY,      /* an arena that is made then */
    FIEF_JEMALLOC_ARENA,      /* the interpreter's arena */
    FIEF_JEMALLOC_REFUSED, /* jemalloc made no arena when it was asked last: it is asked again, else the system */
    FIEF_JEMALLOC_ENDED    /* nowhere: the interpreter has ended */
} fief_jemalloc_state;

/* A short English text, static, never NULL. Any thread. */
FIEF_API const char *fief_jemalloc_state_text(fief_jemalloc_state state);

/* jemalloc's functions, as its manual has them. Of a jemalloc whose functions have a prefix, or that is linked
 * into a static program, the host gives them. */
typedef struct fief_jemalloc_functions {
    int (*mallctl)(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes);
    void *(*mallocx)(size_t bytes, int flags);
    void (*dallocx)(void *block, int flags);
    size_t (*xallocx)(void *block, size_t bytes, size_t extra_bytes, int flags);
} fief_jemalloc_functions;

/* One interpreter's backing. To be read by who holds the interpreter. */
typedef struct fief_jemalloc {
    fief_jemalloc_functions functions;
    fief_jemalloc_state state;
    unsigned arena; /* its number in jemalloc, while the state is FIEF_JEMALLOC_ARENA */
    uint64_t spans; /* that jemalloc has given and not got back */
    uint64_t span_bytes;
    uint64_t refusals;    /* large blocks that jemalloc had no arena or no memory for: the system's */
    uint64_t reserved[4]; /* 0 */
} fief_jemalloc;

/* Has the interpreter that will be created with `config` backed, and returns the state: FIEF_JEMALLOC_ABSENT, and
 * `config` is left as it was, or FIEF_JEMALLOC_READY. One backing is for one interpreter; after fief_destroy, or
 * when fief_create fails, it may be used again. `functions` NULL: those that the process has. Any thread.
 *
 * It sets the configuration's provider, provider_use and provider_end. */
FIEF_API fief_jemalloc_state fief_jemalloc_back(fief_jemalloc *backing, fief_config *config,
                                                const fief_jemalloc_functions *functions);

#ifdef __cplusplus
}
#endif

#endif
