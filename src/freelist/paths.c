/* What a pop and a push do when the inlined part of them does not know. */
#include "freelist/list.h"
#include "heap/free.h"
#include "heap/refill.h"
#include "heap/watch.h"

/* ---- pop ---- */

static void *revived(const fief_freelist *list, void *block, bool kept) {
    if (block != NULL && list->config.revive != NULL)
        list->config.revive(list->f, block, kept, list->config.arg);
    return block;
}

static void *pop_kept(fief_freelist *list) {
    list->fast.hits++;
    return (void *)list->slots[--*list->count];
}

/* From here on pushes make up for it first. */
FI_COLD static void *pop_reserve(fief_freelist *list, bool *kept) {
    if (list->reserve_held == 0) {
        list->told.failed++;
        return NULL;
    }
    list->told.from_reserve++;
    list->slots[0] = FI_SLOT_ASK;
    *kept = list->reserve_held > list->reserve_new;
    if (!*kept)
        list->reserve_new--;
    return list->reserve[--list->reserve_held];
}

/* The host may have pushed some under the pressure of the allocation. */
FI_COLD static void *pop_exhausted(fief_freelist *list) {
    bool kept = *list->count > 0;
    void *block = kept ? pop_kept(list) : pop_reserve(list, &kept);
    return revived(list, block, kept);
}

static void *pop_new(fief_freelist *list, void *block) {
    list->told.allocated++;
    return revived(list, block, false);
}

FI_SLOW static void *pop_refilled(fief_freelist *list, const void *site) {
    void *block = fi_list_refill(list, "fief_freelist_pop", false, site);
    return FI_LIKELY(block != NULL) ? pop_new(list, block) : pop_exhausted(list);
}

void *fief_slow_freelist_pop_1(fief_freelist *list) {
    if (*list->count > 0) /* a hooked list's */
        return revived(list, pop_kept(list), true);
    void *block = fi_heap_pop(list->f, list->size_class);
    return FI_LIKELY(block != NULL) ? pop_new(list, block) : pop_refilled(list, FI_CALLER());
}

/* ---- what is pushed ---- */

typedef enum fitness {
    FITS,
    IS_WATCHED, /* a live block of its size, that a list must not keep */
    IS_NOT      /* not a live block of this interpreter's, or too small */
} fitness;

/* By what the heap's own free looks at. A small heap's blocks may be larger than they need be: they are borrowed. */
static inline bool fits(const fief_freelist *list, const void *p) {
    const fief_fast_pool *pool = fief_fast_pool_of(list->f, p);
    return FI_LIKELY(fief_fast_holds(list->f, pool, p)) && ((const fi_block *)p)->mark != (uintptr_t)p &&
           ((const fi_pool *)pool)->size_class >= list->size_class;
}

/* The same of any address. */
FI_COLD static fitness look_up(const fief_freelist *list, const void *p) {
    fief *f = list->f;
    fi_found found = fi_find(p);
    if (found.place != FI_PLACE_BLOCK || !fi_found_is_own(f, &found))
        return IS_NOT;
    if (fi_found_is_watched(&found)) {
        bool is_live = !found.is_free && found.block_bytes == list->config.block_bytes;
        return is_live ? IS_WATCHED : IS_NOT;
    }
    bool fits = fi_view_is_small(&found.view) && found.view.size_class >= list->size_class &&
                !fi_found_is_free(f, &found);
    return fits ? FITS : IS_NOT;
}

/* ---- push ---- */

static inline bool is_vouched_for(const fief_freelist *list, const void *p) {
    return (list->slots[*list->count] ^ (uintptr_t)p) >> FI_UNIT_SHIFT == 0;
}

static inline bool is_full(const fief_freelist *list) {
    return *list->count == list->limit && list->reserve_held >= list->reserve_goal;
}

static inline void keep(fief_freelist *list, void *p) {
    list->slots[(*list->count)++] = (uintptr_t)p;
}

/* The next slots will do with this one's neighbours, as long as they know of nothing better. */
static inline void vouch_for_next(fief_freelist *list, const void *p) {
    enum { AT_ONCE = 8 };
    size_t end = *list->count + AT_ONCE < list->limit ? *list->count + AT_ONCE : list->limit;
    for (size_t i = *list->count; i < end && list->slots[i] == FI_SLOT_ASK; i++)
        list->slots[i] = (uintptr_t)p | 1;
}

static inline void accept(fief_freelist *list, void *p) {
    if (FI_UNLIKELY(list->reserve_held < list->reserve_goal)) {
        list->told.refilled++;
        list->reserve[list->reserve_held++] = p;
    } else {
        keep(list, p);
        vouch_for_next(list, p);
    }
}

/* It goes where it would with fief_free_sized. A watched heap's reserve is filled up with a new block: this one is
 * to be seen if it is used again. */
static void pass_on(fief_freelist *list, void *p, fitness is, const void *site) {
    fi_release how = FI_RELEASE("fief_freelist_push", site);
    how.size = list->config.block_bytes;
    ++*(is == IS_NOT ? &list->told.refused : &list->told.overflows);
    if (is != IS_NOT && list->config.clear != NULL)
        list->config.clear(list->f, p, list->config.arg);
    fi_heap_free_found(list->f, p, &how);
    if (list->f->own_lists != NULL)
        (void)fi_list_fill_reserve(list, how.operation, site); /* if not now, the next push will */
}

FI_SLOW static void push_unknown(fief_freelist *list, void *p, const void *site) {
    fitness is = look_up(list, p);
    if (is == FITS && !is_full(list))
        accept(list, p);
    else
        pass_on(list, p, is, site);
}

/* A full list has nothing to ask that the heap does not, unless it is to be cleared. */
void fief_slow_freelist_push_1(fief_freelist *list, void *p) {
    if (is_vouched_for(list, p)) /* a hooked list's */
        keep(list, p);
    else if (!is_full(list) && fits(list, p))
        accept(list, p);
    else if (is_full(list) && list->config.clear == NULL && fief_fast_free(list->f, p))
        list->told.overflows++;
    else if (p != NULL)
        push_unknown(list, p, FI_CALLER());
}
