/* The verbs of a watched heap. */
#ifndef FI_DEBUG_BLOCKS_H
#define FI_DEBUG_BLOCKS_H

#include "debug/fence.h"
#include "debug/state.h"

/* See fi_watch for what each has to do. */
void *fi_watched_alloc(fief *f, const fi_request *request);
void *fi_watched_alloc_plain(fief *f, size_t size, const void *site);
bool fi_watched_free(fief *f, const fi_found *found, const fi_release *how);
bool fi_watched_free_at(fief *f, void *p, size_t size, const char *operation, const void *site);
bool fi_watched_resize(fief *f, const fi_found *found, size_t size, const fi_release *how, void **result);
bool fi_watched_resize_at(fief *f, void *p, size_t size, const fi_release *how, void **result);
bool fi_watched_claim(const fi_found *found, fief_id caller, const void *site);
bool fi_watched_home(fief *f, fi_pool *pool, unsigned index);

#endif
