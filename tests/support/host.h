/* A host that gives interpreters memory of its own: counts what is out, and gives nothing that is zeros. */
#ifndef FI_TESTS_SUPPORT_HOST_H
#define FI_TESTS_SUPPORT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { HOST_MOST_SPANS = 64, HOST_FILLER = 0xA5 };

typedef struct host_span {
    char *start; /* NULL: this entry is free */
    size_t bytes;
} host_span;

typedef struct host {
    char *next;     /* what it hands out next, whatever it is asked for; NULL: what fits */
    bool refuses;   /* it has nothing to give */
    unsigned asked; /* calls of its alloc */
    unsigned out;   /* spans that are out */
    size_t bytes_out;
    size_t room_bytes; /* that it keeps free behind each span */
    bool stays;        /* it makes no span longer */
    unsigned extended; /* spans made longer */
    unsigned extend_asked;
    unsigned ended;      /* times that it was told of an interpreter's end */
    unsigned out_at_end; /* spans that were out then */
    unsigned strangers;  /* spans that it was given back without having given them out so */
    size_t least_alignment;
    host_span spans[HOST_MOST_SPANS];
} host;

/* `bytes` bytes at a multiple of `alignment`; NULL if the system has no place for them. */
static inline char *host_map(size_t bytes, size_t alignment) {
    char *p = mmap(NULL, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    char *start = p + (alignment - (uintptr_t)p % alignment) % alignment;
    if (start > p)
        munmap(p, (size_t)(start - p));
    if (p + alignment > start)
        munmap(start + bytes, (size_t)(p + alignment - start));
    return start;
}

/* Memory whose entries in the arena map are the same as those of `p`: the map covers a window of 4 TiB at most,
 * and knows addresses modulo its size. `nth` from 1 on. NULL if the system has no place for it. */
static inline char *host_map_colliding(const void *p, size_t bytes, unsigned nth) {
    uintptr_t away = (uintptr_t)nth << 42;
    char *at = (char *)((uintptr_t)p > away ? (uintptr_t)p - away : (uintptr_t)p + away);
    char *start = mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == at)
        return start;
    if (start != MAP_FAILED)
        munmap(start, bytes);
    return NULL;
}

static inline void *host_alloc(void *ctx, size_t bytes, size_t alignment) {
    host *h = ctx;
    h->asked++;
    if (h->least_alignment == 0 || alignment < h->least_alignment)
        h->least_alignment = alignment;
    if (h->refuses || h->out == HOST_MOST_SPANS)
        return NULL;
    char *start = h->next != NULL ? h->next : host_map(bytes + h->room_bytes, alignment);
    if (start != NULL && start != h->next && h->room_bytes > 0)
        munmap(start + bytes, h->room_bytes);
    h->next = NULL;
    if (start == NULL)
        return NULL;
    memset(start, HOST_FILLER, bytes);
    unsigned entry = 0;
    while (h->spans[entry].start != NULL)
        entry++;
    h->spans[entry] = (host_span){start, bytes};
    h->out++;
    h->bytes_out += bytes;
    return start;
}

static inline host_span *host_find(host *h, const void *start, size_t bytes) {
    for (unsigned entry = 0; entry < HOST_MOST_SPANS; entry++)
        if (h->spans[entry].start == start && h->spans[entry].bytes == bytes)
            return &h->spans[entry];
    h->strangers++;
    return NULL;
}

static inline bool host_extend(void *ctx, void *start, size_t old_bytes, size_t new_bytes) {
    host *h = ctx;
    h->extend_asked++;
    host_span *span = host_find(h, start, old_bytes);
    if (span == NULL || h->stays)
        return false;
    char *behind = span->start + old_bytes;
    char *more = mmap(behind, new_bytes - old_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (more == MAP_FAILED)
        return false;
    memset(more, HOST_FILLER, new_bytes - old_bytes);
    span->bytes = new_bytes;
    h->bytes_out += new_bytes - old_bytes;
    h->extended++;
    return true;
}

static inline void host_end(void *ctx) {
    host *h = ctx;
    h->ended++;
    h->out_at_end = h->out;
}

static inline void host_free(void *ctx, void *span, size_t bytes) {
    host *h = ctx;
    host_span *entry = host_find(h, span, bytes);
    if (entry == NULL)
        return;
    munmap(span, bytes);
    entry->start = NULL;
    h->out--;
    h->bytes_out -= bytes;
}

/* Whether `bytes` bytes at p are in one of the spans that are out. */
static inline bool host_holds(const host *h, const void *p, size_t bytes) {
    for (unsigned i = 0; i < HOST_MOST_SPANS; i++) {
        const host_span *span = &h->spans[i];
        if (span->start != NULL && (const char *)p >= span->start &&
            (const char *)p + bytes <= span->start + span->bytes)
            return true;
    }
    return false;
}

#endif
