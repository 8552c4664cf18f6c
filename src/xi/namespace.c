/* Namespaces. Each item is a block of its own, with its name behind it; what its data has to send home is another
 * (hold.h): so nothing that comes late leads into a namespace, whenever that was freed. */
#include "fief/session.h"
#include "interp/commons.h"

#include <string.h>

typedef struct fi_item {
    struct fi_item *next, *prev;
    fief_xi_data data;
    bool has_value;
    bool is_fresh; /* filled by the call that is going on */
    char name[];
} fi_item;

struct fief_xi_namespace {
    fi_item *first, *last;
    size_t count;
};

/* ---- making ---- */

static fi_item *make_item(const char *name) {
    size_t bytes = strlen(name) + 1;
    fi_item *made = fi_commons_alloc(sizeof *made + bytes);
    if (made == NULL)
        return NULL;
    *made = (fi_item){.data = FIEF_XI_DATA_INIT};
    memcpy(made->name, name, bytes);
    return made;
}

static fief_xi_namespace *make(void) {
    fief_xi_namespace *space = fi_commons_alloc(sizeof *space);
    if (space != NULL)
        *space = (fief_xi_namespace){NULL, NULL, 0};
    return space;
}

static void append(fief_xi_namespace *space, fi_item *added) {
    added->prev = space->last;
    *(space->last != NULL ? &space->last->next : &space->first) = added;
    space->last = added;
    space->count++;
}

static void move_in(fi_item *to, fief_xi_data *data) {
    to->data = *data;
    to->has_value = true;
    *data = (fief_xi_data)FIEF_XI_DATA_INIT;
}

fief_share_status fief_xi_namespace_add(fief_xi_namespace **space, const char *name, fief_xi_data *data) {
    if (space == NULL || name == NULL)
        return FIEF_SHARE_BAD_ARGUMENT;
    fi_item *added = make_item(name);
    fief_xi_namespace *whole = added != NULL && *space == NULL ? make() : *space;
    if (added == NULL || whole == NULL) {
        fi_commons_free(added);
        return FIEF_SHARE_NO_MEMORY;
    }
    if (data != NULL)
        move_in(added, data);
    append(whole, added);
    *space = whole;
    return FIEF_SHARE_OK;
}

fief_share_status fief_xi_namespace_new(fief_xi_namespace **out, const char *const *names, size_t count) {
    if (out == NULL)
        return FIEF_SHARE_BAD_ARGUMENT;
    fief_share_status status = names != NULL || count == 0 ? FIEF_SHARE_OK : FIEF_SHARE_BAD_ARGUMENT;
    *out = NULL;
    for (size_t i = 0; i < count && status == FIEF_SHARE_OK; i++)
        status = fief_xi_namespace_add(out, names[i], NULL);
    if (status != FIEF_SHARE_OK) {
        (void)fief_xi_namespace_free(NULL, *out);
        *out = NULL;
    }
    return status;
}

size_t fief_xi_namespace_count(const fief_xi_namespace *space) {
    return space != NULL ? space->count : 0;
}

/* ---- filling ---- */

static fief_share_status fill_item(fief *f, fi_item *filled, fief_xi_fill_fn *fill, void *arg) {
    fief_share_status status = fill(f, filled->name, &filled->data, arg);
    if (status == FIEF_SHARE_OK)
        status = fief_xi_data_validate(&filled->data);
    if (status != FIEF_SHARE_OK)
        (void)fief_xi_data_release(f, &filled->data);
    filled->has_value = filled->is_fresh = status == FIEF_SHARE_OK;
    return status == FIEF_SHARE_MISSING ? FIEF_SHARE_OK : status;
}

static void empty_fresh(fief *f, fi_item *last) {
    for (fi_item *i = last; i != NULL; i = i->prev)
        if (i->is_fresh) {
            i->has_value = i->is_fresh = false;
            (void)fief_xi_data_release(f, &i->data);
        }
}

fief_share_status fief_xi_namespace_fill(fief *f, fief_xi_namespace *space, fief_xi_fill_fn *fill, void *arg) {
    if (fill == NULL)
        return FIEF_SHARE_BAD_ARGUMENT;
    fi_item *first = space != NULL ? space->first : NULL;
    fief_share_status status = FIEF_SHARE_OK;
    for (fi_item *i = first; i != NULL && status == FIEF_SHARE_OK; i = i->next)
        if (!i->has_value)
            status = fill_item(f, i, fill, arg);
    if (status != FIEF_SHARE_OK)
        empty_fresh(f, space->last);
    for (fi_item *i = first; i != NULL; i = i->next)
        i->is_fresh = false;
    return status;
}

/* ---- applying ---- */

static void take_away(fief *f, const fi_item *last, fief_xi_undo_fn *undo, void *arg) {
    if (undo != NULL)
        for (const fi_item *i = last; i != NULL; i = i->prev)
            undo(f, i->name, arg);
}

fief_share_status fief_xi_namespace_apply(fief *f, const fief_xi_namespace *space, fief_xi_put_fn *put,
                                          fief_xi_undo_fn *undo, void *arg) {
    if (put == NULL)
        return FIEF_SHARE_BAD_ARGUMENT;
    for (const fi_item *i = space != NULL ? space->first : NULL; i != NULL; i = i->next) {
        fief_share_status status = put(f, i->name, i->has_value ? &i->data : NULL, arg);
        if (status != FIEF_SHARE_OK) {
            take_away(f, i->prev, undo, arg);
            return status;
        }
    }
    return FIEF_SHARE_OK;
}

fief_xi_result fief_xi_namespace_free(fief *f, fief_xi_namespace *space) {
    fief_xi_result worst = FIEF_XI_RAN;
    for (fi_item *i = space != NULL ? space->last : NULL, *prev; i != NULL; i = prev) {
        prev = i->prev;
        fief_xi_result result = fief_xi_data_release(f, &i->data);
        worst = result > worst ? result : worst;
        fi_commons_free(i);
    }
    fi_commons_free(space);
    return worst;
}
