/* Handles that are watched: what the layers below src/debug ask of it.
 *
 * A handle at a debug level keeps its fast lists empty and has no table of pools to look its frees up in: so each
 * allocation and each free takes the slow path, which is where these are called. `attention_at` does the same for
 * a handle that samples: one refill in so many is diverted. Where nothing is watched, none is ever called. */
#ifndef FI_HEAP_WATCH_H
#define FI_HEAP_WATCH_H

#include "fief/debug.h"
#include "heap/find.h"

enum { FI_ANY_DOMAIN = 256 };
#define FI_ANY_SIZE SIZE_MAX

typedef struct fi_request {
    const char *operation;
    const void *site; /* where the verb returns to */
    size_t size;
    size_t alignment; /* 1: the handle's */
    fief_tag tag;
    fief_domain domain;
    bool zero;
} fi_request;

/* How a block is given back, or resized. */
typedef struct fi_release {
    const char *operation;
    const void *site;
    size_t size;      /* FI_ANY_SIZE, or what the program says that the block has */
    size_t alignment; /* 0: any */
    unsigned domain;  /* FI_ANY_DOMAIN, or a fief_domain */
} fi_release;

#define FI_RELEASE(operation_, site_)                                                                             \
    ((fi_release){.operation = (operation_), .site = (site_), .size = FI_ANY_SIZE, .domain = FIEF_DOMAIN_PLAIN})

/* What a visitor sees of a block. */
typedef struct fi_seen {
    void *block;
    size_t bytes;
} fi_seen;

typedef struct fi_watch {
    /* The configuration with what the environment adds to it, in *room if it adds anything. Any thread. */
    const fief_config *(*configure)(const fief_config *config, fief_config *room);

    /* What a watched handle needs, before there is a handle: false on exhaustion; *out NULL: it is not watched.
     * And gives it to the handle, or back. */
    bool (*prepare)(const fief_config *config, fi_debug **out);
    void (*attach)(fief *f, fi_debug *debug, const fief_config *config);
    void (*discard)(fi_debug *debug);

    /* The end: with the heap still whole, and once everything has been counted. True: blocks are live that should
     * not be. */
    bool (*closing)(fief *f);
    void (*end)(fief *f);

    /* All allocations of a watched handle, and the ones that are to be sampled. NULL on exhaustion. */
    void *(*alloc)(fief *f, const fi_request *request);
    void *(*alloc_plain)(fief *f, size_t size, const void *site); /* fief_alloc */

    /* A block of f's own. False: it is none that is watched. */
    bool (*free)(fief *f, const fi_found *found, const fi_release *how);
    bool (*resize)(fief *f, const fi_found *found, size_t size, const fi_release *how, void **result);

    /* The same before anything is known of p, if that is enough. False: it is to be found first. */
    bool (*free_at)(fief *f, void *p, size_t size, const char *operation, const void *site);
    bool (*resize_at)(fief *f, void *p, size_t size, const fi_release *how, void **result);

    /* A block of another's that is about to be sent home. False: it was free, or is not a block. Any thread. */
    bool (*claim)(const fi_found *found, fief_id caller, const void *site);

    /* The `index`th block of a pool has come home. False: it is none that is watched. */
    bool (*home)(fief *f, fi_pool *pool, unsigned index);

    /* What a look at the map has found of a watched heap: the block's own size, and where a guarded one starts.
     * Any thread. */
    void (*refine)(fi_found *found, const void *p);

    /* Freed memory that is held back goes back to the heap. */
    void (*drain)(fief *f);

    /* Whether the `index`th block of a watched heap's pool is live; and what is to be shown of it. */
    bool (*is_live)(const fief *f, const fi_pool *pool, unsigned index, fi_seen *seen);

    /* All that is recorded of the block that p lies in, if it is, or was, that owner's. Any thread. */
    void (*explain)(const void *p, fief_id owner, fi_details *details);

    /* A report in JSON, for whoever the environment names. Any thread. */
    void (*publish)(const char *json, size_t bytes);

    /* A report as text, to stderr or where the environment wants it. Any thread. */
    void (*tell)(const char *text, size_t bytes);

    /* A pool of a watched heap is about to be opened: false on exhaustion. */
    bool (*opening)(const fi_pool *pool, unsigned size_class);

    /* One heap's blocks are to become another's, one of which is watched: whether they can; and then, once their
     * arenas are the other's, that they do. */
    bool (*may_join)(const fief *to, const fief *from);
    void (*join)(fief *to, fief *from);

    /* What is live at the end is none that should not be. */
    void (*forgive)(fief *f);

    /* Makes the blocks of an arena of guarded ones read-only, or writable again. False: not all of them, since the
     * system refuses. */
    bool (*freeze_guarded)(const fief *f, const fi_pool *pool, bool frozen);

    /* An arena has become a watched heap's, and is about to be no longer. Its first has come with it; those that
     * it leaves behind for ever stay its own. */
    void (*joined)(const fief *f, const fi_arena *arena);
    void (*leaving)(const fief *f, const fi_arena *arena);
} fi_watch;

/* Defined by src/debug. */
extern const fi_watch fi_the_watch;

/* Set once it is known that neither the environment nor a tool wants anything watched. */
extern uint8_t fi_watch_is_idle;

/* What an allocation that misses the lists asks first. */
static inline bool fi_watch_wants(const fief *f) {
    return FI_UNLIKELY(f->count.listed >= f->attention_at);
}

#endif
