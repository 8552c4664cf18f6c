/* The exported verbs of freelist.h, but for pop and push. */
#include "arena/meta.h"
#include "base/text.h"
#include "freelist/set.h"
#include "heap/misuse.h"

static bool is_valid(const fief_freelist_config *config) {
    return config != NULL && config->size == sizeof *config && config->block_bytes >= 1 &&
           config->block_bytes <= FIEF_FREELIST_MOST_BYTES && config->capacity <= FIEF_FREELIST_MOST_BLOCKS &&
           config->reserve <= FIEF_FREELIST_MOST_BLOCKS;
}

static fief_status check_state(fief *f, const char *operation) {
    bool can_have = fi_misuse_check_handle(f, operation) && f->state == FIEF_LIVE && !f->immortal;
    return can_have ? FIEF_OK : FIEF_BAD_STATE;
}

static void end(fief_freelist *list) {
    fi_list_end(list);
    fi_set_remove(list);
    fi_list_unmake(list);
}

/* ---- lists ---- */

static fief_status create(fief *f, const fief_freelist_config *config, const void *site, fief_freelist **out) {
    fief_freelist *list = fi_list_make(f, config, site);
    fief_status status = list != NULL ? fi_set_add(f, list) : FIEF_NO_MEMORY;
    if (status == FIEF_OK) {
        *out = list;
    } else if (list != NULL) {
        fi_list_end(list);
        fi_list_unmake(list);
    }
    return status;
}

fief_status fief_freelist_create(fief *f, const fief_freelist_config *config, fief_freelist **out) {
    if (out == NULL)
        return FIEF_BAD_ARGUMENT;
    *out = NULL;
    if (!is_valid(config))
        return FIEF_BAD_ARGUMENT;
    fief_status status = check_state(f, "fief_freelist_create");
    return status == FIEF_OK ? create(f, config, FI_CALLER(), out) : status;
}

void fief_freelist_destroy(fief_freelist *list) {
    if (list != NULL)
        end(list);
}

size_t fief_freelist_trim(fief_freelist *list) {
    return fi_list_drain(list);
}

void fief_freelist_stats_read(const fief_freelist *list, fief_freelist_stats *out) {
    *out = (fief_freelist_stats){.name = list->name,
                                 .block_bytes = list->config.block_bytes,
                                 .hits = list->fast.hits,
                                 .allocated = list->told.allocated,
                                 .from_reserve = list->told.from_reserve,
                                 .failed = list->told.failed,
                                 .kept = list->fast.hits + list->told.drained + *list->count,
                                 .refilled = list->told.refilled,
                                 .overflows = list->told.overflows,
                                 .refused = list->told.refused,
                                 .drained = list->told.drained,
                                 .held = *list->count,
                                 .high_water = fi_list_high_water(list),
                                 .capacity = list->limit,
                                 .reserve = list->config.reserve,
                                 .reserve_held = list->reserve_held};
}

/* ---- families ---- */

/* Lists up to the first that can't be made. */
static fief_status create_all(fief *f, const fief_freelist_config *config, size_t step_bytes, size_t count,
                              const void *site, fief_freelist **lists) {
    fief_status status = FIEF_OK;
    for (size_t i = 0; i < count && status == FIEF_OK; i++) {
        char name[FI_LIST_NAME_BYTES];
        fi_text text = FI_TEXT(name);
        fi_text_add(&text, "%s[%zu]", config->name != NULL ? config->name : "", i);
        fief_freelist_config one = *config;
        one.name = name;
        one.block_bytes += i * step_bytes;
        status = create(f, &one, site, &lists[i]);
    }
    return status;
}

static void destroy_all(fief_freelist **lists) {
    while (*lists != NULL)
        end(*lists++);
}

fief_status fief_freelist_family_create(fief *f, const fief_freelist_config *config, size_t count,
                                        size_t step_bytes, fief_freelist_family **out) {
    if (out == NULL)
        return FIEF_BAD_ARGUMENT;
    *out = NULL;
    if (!is_valid(config) || count == 0 || count > FIEF_FREELIST_MOST_LISTS ||
        (count > 1 && step_bytes > (FIEF_FREELIST_MOST_BYTES - config->block_bytes) / (count - 1)))
        return FIEF_BAD_ARGUMENT;
    fief_status status = check_state(f, "fief_freelist_family_create");
    if (status != FIEF_OK)
        return status;
    size_t bytes = (count + 1) * sizeof(fief_freelist *);
    fief_freelist **lists = fi_meta_alloc(bytes);
    status = lists != NULL ? create_all(f, config, step_bytes, count, FI_CALLER(), lists) : FIEF_NO_MEMORY;
    if (status == FIEF_OK) {
        lists[0]->family = lists;
        *out = (fief_freelist_family *)(void *)lists;
    } else if (lists != NULL) {
        destroy_all(lists);
        fi_meta_free(lists, bytes);
    }
    return status;
}

/* The first one goes last: the family goes with it. */
void fief_freelist_family_destroy(fief_freelist_family *family) {
    fief_freelist **lists = (fief_freelist **)(void *)family;
    if (lists == NULL)
        return;
    destroy_all(lists + 1);
    end(lists[0]);
}
