#include "freelist/set.h"

#include "arena/meta.h"
#include "heap/features.h"
#include "interp/life.h"

/* Made with the first list; it goes at the interpreter's end. */
struct fi_freelists {
    fief_freelist *first;
};

static fief_freelist *first_of(const fief *f) {
    return f->freelists != NULL ? f->freelists->first : NULL;
}

#define FI_FOR_LISTS(f, list)                                                                                     \
    for (fief_freelist * (list) = first_of(f); (list) != NULL; (list) = (list)->next)

/* ---- end ---- */

/* A clear hook may push to any list, so all of them are there until the last has been emptied. */
static void end(fief *f, void *arg) {
    (void)arg;
    FI_FOR_LISTS (f, list) {
        fi_list_end(list);
    }
    for (fief_freelist *list = first_of(f), *next; list != NULL; list = next) {
        next = list->next;
        fi_list_unmake(list);
    }
    fi_meta_free(f->freelists, sizeof *f->freelists);
    f->freelists = NULL;
}

/* ---- lists come and go ---- */

static fief_status make_set(fief *f) {
    struct fi_freelists *set = fi_meta_alloc(sizeof *set);
    fief_status status = set != NULL ? fi_life_at_last(f, end) : FIEF_NO_MEMORY;
    if (status == FIEF_OK)
        f->freelists = set;
    else
        fi_meta_free(set, sizeof *set);
    return status;
}

fief_status fi_set_add(fief *f, fief_freelist *list) {
    fief_status status = f->freelists != NULL ? FIEF_OK : make_set(f);
    if (status != FIEF_OK)
        return status;
    list->next = first_of(f);
    if (list->next != NULL)
        list->next->prev = list;
    f->freelists->first = list;
    return FIEF_OK;
}

void fi_set_remove(fief_freelist *list) {
    *(list->prev != NULL ? &list->prev->next : &list->f->freelists->first) = list->next;
    if (list->next != NULL)
        list->next->prev = list->prev;
}

/* ---- what the layers below ask for ---- */

static bool release(fief *f) {
    size_t drained = 0;
    FI_FOR_LISTS (f, list) {
        drained += fi_list_drain(list);
    }
    return drained > 0;
}

static void close(fief *f) {
    FI_FOR_LISTS (f, list) {
        fi_list_close(list);
    }
}

static void forget(fief *f, const fi_arena *arena) {
    FI_FOR_LISTS (f, list) {
        fi_list_forget(list, arena);
    }
}

static bool holds_back(const fief *f, const void *block) {
    FI_FOR_LISTS (f, list) {
        if (fi_list_holds_back(list, block))
            return true;
    }
    return false;
}

const fi_freelist_hooks fi_the_freelists = {
    .release = release, .close = close, .forget = forget, .holds_back = holds_back};
