#include "freelist/list.h"

#include "arena/meta.h"
#include "base/text.h"
#include "heap/free.h"
#include "heap/refill.h"

#include <string.h>

/* ---- blocks ---- */

static void *zeroed(const fief_freelist *list, void *block) {
    return block != NULL ? memset(block, 0, list->config.block_bytes) : NULL;
}

void *fi_list_refill(const fief_freelist *list, const char *operation, bool zero, const void *site) {
    if (!fi_watch_wants(list->f)) {
        void *block = fi_heap_refill(list->f, list->size_class);
        return zero ? zeroed(list, block) : block;
    }
    const fi_request request = {.operation = operation,
                                .site = site,
                                .size = list->config.block_bytes,
                                .alignment = 1,
                                .tag = list->config.tag,
                                .zero = zero};
    return fi_the_watch.alloc(list->f, &request);
}

static void *alloc_zeroed(const fief_freelist *list, const char *operation, const void *site) {
    void *block = fi_heap_pop(list->f, list->size_class);
    return block != NULL ? zeroed(list, block) : fi_list_refill(list, operation, true, site);
}

static void free_block(const fief_freelist *list, void *block) {
    if (!fief_fast_free(list->f, block))
        fi_heap_free_slow(list->f, block, "a freelist's drain", FI_CALLER());
}

void fi_list_give_back(const fief_freelist *list, void *block) {
    if (list->config.clear != NULL)
        list->config.clear(list->f, block, list->config.arg);
    free_block(list, block);
}

/* ---- making ---- */

static size_t slot_count(const fief_freelist_config *config) {
    return config->capacity + 2; /* the one that is never filled; and a hooked list's first */
}

static size_t list_bytes(const fief_freelist_config *config) {
    return sizeof(fief_freelist) + slot_count(config) * sizeof(uintptr_t) + config->reserve * sizeof(void *);
}

bool fi_list_fill_reserve(fief_freelist *list, const char *operation, const void *site) {
    while (list->reserve_held < list->reserve_goal) {
        void *block = alloc_zeroed(list, operation, site);
        if (block == NULL)
            return false;
        list->reserve[list->reserve_held++] = block;
        list->reserve_new = list->reserve_held;
    }
    return true;
}

static void empty_reserve(fief_freelist *list) {
    while (list->reserve_held > 0) {
        void *block = list->reserve[--list->reserve_held];
        if (list->reserve_held < list->reserve_new) {
            list->reserve_new = list->reserve_held;
            free_block(list, block);
        } else {
            fi_list_give_back(list, block);
        }
    }
}

static void set_up(fief_freelist *list, fief *f, const fief_freelist_config *config) {
    bool hooked = config->revive != NULL;
    for (size_t i = 0; i < slot_count(config); i++)
        list->first_slots[i] = FI_SLOT_ASK;
    list->f = f;
    list->config = *config;
    fi_text_copy(list->name, sizeof list->name, config->name);
    list->config.name = list->name;
    list->count = hooked ? &list->hooked_count : &list->fast.count;
    list->slots = hooked ? list->first_slots + 1 : list->first_slots;
    list->size_class = fi_class_of(config->block_bytes, f->fast.round);
    list->limit = f->own_lists == NULL ? config->capacity : 0;
    list->reserve = (void **)(list->first_slots + slot_count(config));
    list->reserve_goal = config->reserve;
}

fief_freelist *fi_list_make(fief *f, const fief_freelist_config *config, const void *site) {
    fief_freelist *list = fi_meta_alloc(list_bytes(config));
    if (list == NULL)
        return NULL;
    set_up(list, f, config);
    if (fi_list_fill_reserve(list, "fief_freelist_create", site))
        return list;
    empty_reserve(list);
    fi_list_unmake(list);
    return NULL;
}

static void unmake_family(fief_freelist **lists) {
    size_t count = 0;
    while (lists[count] != NULL)
        count++;
    fi_meta_free(lists, (count + 1) * sizeof *lists);
}

void fi_list_unmake(fief_freelist *list) {
    if (list->family != NULL)
        unmake_family(list->family);
    fi_meta_free(list, list_bytes(&list->config));
}

/* ---- emptying ---- */

/* A clear hook may push meanwhile. */
size_t fi_list_drain(fief_freelist *list) {
    uint64_t before = list->told.drained;
    while (*list->count > 0) {
        void *block = (void *)list->slots[--*list->count];
        list->told.drained++;
        fi_list_give_back(list, block);
    }
    return (size_t)(list->told.drained - before);
}

/* What the slots tell is noted before they are no longer looked at. */
void fi_list_close(fief_freelist *list) {
    list->high_water = fi_list_high_water(list);
    list->limit = 0;
    fi_list_drain(list);
    list->slots[0] = FI_SLOT_ASK;
}

void fi_list_end(fief_freelist *list) {
    fi_list_close(list);
    list->reserve_goal = 0;
    empty_reserve(list);
}

/* ---- slots ---- */

void fi_list_forget(fief_freelist *list, const fi_arena *arena) {
    for (size_t i = *list->count; i < list->limit; i++) {
        if (list->slots[i] - (uintptr_t)arena->start >= arena->bytes)
            continue;
        if (list->slots[i] % 2 == 0 && list->high_water <= i)
            list->high_water = i + 1;
        list->slots[i] = FI_SLOT_ASK;
    }
}

size_t fi_list_high_water(const fief_freelist *list) {
    size_t least = *list->count > list->high_water ? *list->count : list->high_water;
    for (size_t i = list->limit; i > least; i--)
        if (list->slots[i - 1] % 2 == 0)
            return i;
    return least;
}

bool fi_list_holds_back(const fief_freelist *list, const void *block) {
    for (size_t i = 0; i < list->reserve_held; i++)
        if (list->reserve[i] == block)
            return true;
    return false;
}
