/* What a pop and a push do when the inlined part of them does not know. */
#include "freelist/list.h"
#include "heap/free.h"
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

FI_SLOW static void *pop_new(fief_freelist *list, const void *site) {
    void *block = fi_list_alloc(list, "fief_freelist_pop", false, site);
    if (FI_UNLIKELY(block == NULL))
        return pop_exhausted(list);
    list->told.allocated++;
    return revived(list, block, false);
}

void *fief_slow_freelist_pop_1(fief_freelist *list) {
    if (*list->count == 0)
        return pop_new(list, FI_CALLER());
    return revived(list, pop_kept(list), true); /* a hooked list's */
}

/* ---- what is pushed ---- */

typedef enum fitness {
    FITS,
    IS_WATCHED, /* a live block of its size, that a list must not keep */
    IS_NOT      /* not a live block of this interpreter's, or of another size */
} fitness;

/* A small heap's blocks may be larger than their size asks for: they are borrowed. */
static bool is_large_enough(const fief_freelist *list, unsigned size_class) {
    return list->config.block_bytes <= fi_class_bytes(size_class);
}

FI_COLD static fitness look_up(const fief_freelist *list, const void *p) {
    fief *f = list->f;
    fi_found found = fi_find(p);
    if (found.place != FI_PLACE_BLOCK || !fi_found_is_own(f, &found))
        return IS_NOT;
    if (fi_found_is_watched(&found)) {
        bool is_live = !found.is_free && found.block_bytes == list->config.block_bytes;
        return is_live ? IS_WATCHED : IS_NOT;
    }
    bool fits = fi_view_is_small(&found.view) && is_large_enough(list, found.view.size_class) &&
                !fi_found_is_free(f, &found);
    return fits ? FITS : IS_NOT;
}

static fitness fitness_of(const fief_freelist *list, const void *p) {
    const fief_fast_pool *pool = fief_fast_pool_of(list->f, p);
    bool is_own = fief_fast_holds(list->f, pool, p) && ((const fi_block *)p)->mark != (uintptr_t)p;
    if (FI_LIKELY(is_own) && is_large_enough(list, ((const fi_pool *)pool)->size_class))
        return FITS;
    return look_up(list, p);
}

/* ---- push ---- */

static bool is_vouched_for(const fief_freelist *list, const void *p) {
    return (list->slots[*list->count] ^ (uintptr_t)p) >> FI_UNIT_SHIFT == 0;
}

static void keep(fief_freelist *list, void *p) {
    list->slots[(*list->count)++] = (uintptr_t)p;
}

/* The next slots, as far as they have had no block yet, will do with this one's neighbours. */
static void vouch_for_next(fief_freelist *list, const void *p) {
    enum { AT_ONCE = 8 };
    size_t end = *list->count + AT_ONCE < list->limit ? *list->count + AT_ONCE : list->limit;
    for (size_t i = *list->count; i < end && list->slots[i] % 2 != 0; i++)
        list->slots[i] = (uintptr_t)p | 1;
}

static void accept(fief_freelist *list, void *p) {
    if (list->reserve_held < list->reserve_goal) {
        list->told.refilled++;
        list->reserve[list->reserve_held++] = p;
    } else if (*list->count < list->limit) {
        keep(list, p);
        vouch_for_next(list, p);
    } else {
        list->told.overflows++;
        fi_list_give_back(list, p);
    }
}

/* It goes where it would with fief_free_sized. A watched heap's reserve is filled up with a new block: this one is
 * to be seen if it is used again. */
FI_COLD static void pass_on(fief_freelist *list, void *p, fitness is, const void *site) {
    fi_release how = FI_RELEASE("fief_freelist_push", site);
    how.size = list->config.block_bytes;
    ++*(is == IS_WATCHED ? &list->told.overflows : &list->told.refused);
    if (is == IS_WATCHED && list->config.clear != NULL)
        list->config.clear(list->f, p, list->config.arg);
    fi_heap_free_found(list->f, p, &how);
    if (list->f->own_lists != NULL)
        (void)fi_list_fill_reserve(list, how.operation, site); /* if not now, the next push will */
}

FI_SLOW static void push_unknown(fief_freelist *list, void *p, const void *site) {
    fitness is = fitness_of(list, p);
    if (FI_LIKELY(is == FITS))
        accept(list, p);
    else
        pass_on(list, p, is, site);
}

void fief_slow_freelist_push_1(fief_freelist *list, void *p) {
    if (is_vouched_for(list, p)) /* a hooked list's */
        keep(list, p);
    else if (p != NULL)
        push_unknown(list, p, FI_CALLER());
}
