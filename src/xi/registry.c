#include "xi/registry.h"

#include "base/lock.h"
#include "heap/misuse.h"
#include "interp/commons.h"
#include "xi/data.h"
#include "xi/exchange.h"

#include <string.h>

enum { BUCKET_BITS = 5 };

typedef struct fi_type {
    struct fi_type *next;
    const void *type;
    uint64_t version;
    uint64_t count; /* of registrations; never 0 */
    fief_xi_share_fn *share;
} fi_type;

struct fi_types {
    fi_type *buckets[1 << BUCKET_BITS];
};

static fi_types of_process; /* under FI_RANK_TYPES */

/* ---- a table ---- */

static fi_type **bucket_of(fi_types *types, const void *type) {
    return &types->buckets[((uint64_t)(uintptr_t)type * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - BUCKET_BITS)];
}

/* What points to the type's entry, or to NULL. */
static fi_type **link_of(fi_types *types, const void *type) {
    fi_type **link = bucket_of(types, type);
    while (*link != NULL && (*link)->type != type)
        link = &(*link)->next;
    return link;
}

static void remove_at(fi_type **link) {
    fi_type *removed = *link;
    *link = removed->next;
    fi_commons_free(removed);
}

/* The same once an entry of another version is gone: its type has died, and this one has its address. */
static fi_type **pruned_link_of(fi_types *types, const void *type, uint64_t version) {
    fi_type **link = link_of(types, type);
    if (*link == NULL || (*link)->version == version)
        return link;
    remove_at(link);
    return link_of(types, type);
}

static fief_share_status add(fi_types *types, const void *type, uint64_t version, fief_xi_share_fn *share) {
    fi_type **link = pruned_link_of(types, type, version);
    if (*link != NULL && (*link)->share != share)
        return FIEF_SHARE_OTHER_FUNCTION;
    if (*link == NULL && (*link = fi_commons_alloc(sizeof **link)) != NULL)
        **link = (fi_type){.type = type, .version = version, .share = share};
    if (*link == NULL)
        return FIEF_SHARE_NO_MEMORY;
    (*link)->count++;
    return FIEF_SHARE_OK;
}

static bool subtract(fi_types *types, const void *type, uint64_t version) {
    fi_type **link = pruned_link_of(types, type, version);
    if (*link == NULL)
        return false;
    if (--(*link)->count == 0)
        remove_at(link);
    return true;
}

static bool forget(fi_types *types, const void *type) {
    fi_type **link = link_of(types, type);
    if (*link == NULL)
        return false;
    remove_at(link);
    return true;
}

static fief_xi_share_fn *find(fi_types *types, const void *type, uint64_t version) {
    fi_type **link = pruned_link_of(types, type, version);
    return *link != NULL ? (*link)->share : NULL;
}

void fi_types_free(fi_types *types) {
    if (types == NULL)
        return;
    for (size_t i = 0; i < sizeof types->buckets / sizeof *types->buckets; i++)
        while (types->buckets[i] != NULL)
            remove_at(&types->buckets[i]);
    fi_commons_free(types);
}

/* ---- whose ---- */

/* f's own, if there is one: NULL too for a handle that has ended. */
static fi_types *known(fief *f, const char *verb) {
    if (!fi_misuse_check_handle(f, verb))
        return NULL;
    const fi_exchange *own = fi_exchange_known(f);
    return own != NULL ? own->types : NULL;
}

static fief_share_status add_own(fief *f, const void *type, uint64_t version, fief_xi_share_fn *share) {
    fi_exchange *own = fi_misuse_check_handle(f, "fief_xi_register") ? fi_exchange_own(f) : NULL;
    if (own == NULL)
        return f->state == FIEF_LIVE ? FIEF_SHARE_NO_MEMORY : FIEF_SHARE_BAD_STATE;
    if (own->types == NULL && (own->types = fi_commons_alloc(sizeof *own->types)) != NULL)
        memset(own->types, 0, sizeof *own->types);
    return own->types != NULL ? add(own->types, type, version, share) : FIEF_SHARE_NO_MEMORY;
}

fief_share_status fief_xi_register(fief *f, const void *type, uint64_t version, fief_xi_share_fn *share) {
    if (type == NULL || share == NULL || (f == NULL && version != 0))
        return FIEF_SHARE_BAD_ARGUMENT;
    if (f != NULL)
        return add_own(f, type, version, share);
    fi_lock(FI_RANK_TYPES);
    fief_share_status status = add(&of_process, type, version, share);
    fi_unlock(FI_RANK_TYPES);
    return status;
}

bool fief_xi_unregister(fief *f, const void *type, uint64_t version) {
    if (f != NULL) {
        fi_types *own = known(f, "fief_xi_unregister");
        return own != NULL && subtract(own, type, version);
    }
    fi_lock(FI_RANK_TYPES);
    bool was_there = version == 0 && subtract(&of_process, type, version);
    fi_unlock(FI_RANK_TYPES);
    return was_there;
}

bool fief_xi_forget_type(fief *f, const void *type) {
    if (f != NULL) {
        fi_types *own = known(f, "fief_xi_forget_type");
        return own != NULL && forget(own, type);
    }
    fi_lock(FI_RANK_TYPES);
    bool was_there = forget(&of_process, type);
    fi_unlock(FI_RANK_TYPES);
    return was_there;
}

/* A type that has a version is never the process's. */
fief_xi_share_fn *fief_xi_find_type(fief *f, const void *type, uint64_t version) {
    fi_types *own = f != NULL ? known(f, "fief_xi_find_type") : NULL;
    fief_xi_share_fn *found = own != NULL ? find(own, type, version) : NULL;
    if (found != NULL || version != 0)
        return found;
    fi_lock(FI_RANK_TYPES);
    found = find(&of_process, type, version);
    fi_unlock(FI_RANK_TYPES);
    return found;
}

/* ---- sharing ---- */

fief_share_status fief_xi_share(fief *f, const void *type, uint64_t version, void *object, fief_xi_data *data) {
    if (f == NULL || data == NULL || !fi_data_is_clear(data))
        return f == NULL ? FIEF_SHARE_NO_OWNER : FIEF_SHARE_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_xi_share"))
        return FIEF_SHARE_BAD_STATE;
    fief_xi_share_fn *share = fief_xi_find_type(f, type, version);
    if (share == NULL)
        return FIEF_SHARE_NOT_SHAREABLE;
    fief_share_status status = share(f, object, data);
    if (status == FIEF_SHARE_OK)
        status = fief_xi_data_validate(data);
    if (status != FIEF_SHARE_OK)
        (void)fief_xi_data_release(f, data);
    return status;
}
