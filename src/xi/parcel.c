/* The exported verbs of parcels: who holds one, and how it gets from one to another. What one is made of is in
 * interp/subheap.h, how its blocks change hands in heap/adopt.h. */
#include "fief/parcel.h"

#include "base/atomics.h"
#include "base/text.h"
#include "heap/find.h"
#include "heap/misuse.h"
#include "interp/life.h"
#include "interp/subheap.h"
#include "xi/calls.h"

#include <string.h>

/* It lies in its subheap's notes. */
struct fief_parcel {
    fief_id holder; /* FIEF_ID_NONE on its way; who has no right to it may look */
    fief_id maker;
    void *root;
    bool sealed;
    fief_parcel *next, *prev; /* what its holder holds */
    fief_parcel_fn *deliver;
    void *deliver_arg;
    fief_parcel_fn *returned;
    void *returned_arg;
    fi_call *way_back; /* ready to be pushed; NULL: there is none, or it was never sent */
    fi_exit *exit;     /* for a target that never held a parcel; NULL: it was never sent, or that was not needed */
};

static_assert(sizeof(struct fief_parcel) <= FI_SUBHEAP_NOTES_BYTES, "it fits");

/* ---- holding ---- */

/* The list of what an interpreter holds begins in the argument of its exit callback. */
static void hold(fief *f, fief_parcel *parcel) {
    parcel->next = f->parcels->arg;
    parcel->prev = NULL;
    if (parcel->next != NULL)
        parcel->next->prev = parcel;
    f->parcels->arg = parcel;
    fi_store_relaxed(&parcel->holder, f->id);
}

static void let_go(fief *f, fief_parcel *parcel) {
    if (parcel->prev != NULL)
        parcel->prev->next = parcel->next;
    else
        f->parcels->arg = parcel->next;
    if (parcel->next != NULL)
        parcel->next->prev = parcel->prev;
    fi_store_relaxed(&parcel->holder, FIEF_ID_NONE);
}

FI_COLD static void tell(fief *f, const fief_parcel *parcel, bool is_there, const char *operation) {
    fi_found found = fi_find(parcel);
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_DEAD_HANDLE,
                             .operation = operation,
                             .pointer = parcel,
                             .owner_slot = found.slot,
                             .owner_id = found.owner_id,
                             .caller = f,
                             .told = is_there ? "the parcel was sent" : "no parcel is there any more"});
}

/* Not from within its own pressure callback. */
static bool is_at_rest(const fief *heap) {
    return (heap->obstacles & FI_IN_PRESSURE) == 0;
}

/* The heap of a parcel that f holds; NULL if it does not: that has been told. */
static fief *heap_held(fief *f, const fief_parcel *parcel, const char *operation) {
    if (!fi_misuse_check_handle(f, operation))
        return NULL;
    fief *heap = fi_subheap_at(parcel);
    if (FI_LIKELY(heap != NULL && fi_load_relaxed(&parcel->holder) == f->id))
        return heap;
    tell(f, parcel, heap != NULL, operation);
    return NULL;
}

/* ---- dying and going back ---- */

static void drop_way(fief_parcel *parcel) {
    if (parcel->way_back != NULL)
        fi_call_release(NULL, parcel->way_back);
    fi_life_drop_exit(parcel->exit);
    parcel->way_back = NULL;
    parcel->exit = NULL;
}

static void die(fief_parcel *parcel, bool wanted) {
    fief *heap = fi_subheap_at(parcel);
    drop_way(parcel);
    fi_subheap_end(heap, wanted);
}

static int come_back(fief *maker, void *arg) {
    fief_parcel *parcel = arg;
    hold(maker, parcel);
    return parcel->returned(maker, parcel, parcel->returned_arg);
}

/* The maker is ending, too. */
static void came_back(fief_xi_result how, int returned, void *arg) {
    (void)returned;
    if (how == FIEF_XI_CANCELLED)
        die(arg, false);
}

static bool go_back(fief_parcel *parcel) {
    fi_way way = fi_call_way(NULL, parcel->maker);
    fi_call *call = parcel->way_back;
    if (way.exchange == NULL)
        return false;
    parcel->way_back = NULL; /* it is not ours once it is pushed */
    bool pushed = fi_call_push(way.exchange, call);
    if (!pushed)
        parcel->way_back = call;
    fi_call_leave(way);
    return pushed;
}

/* Nobody holds it, and who should have is ending. */
static void remain_unread(fief_parcel *parcel) {
    if (parcel->way_back == NULL || !go_back(parcel))
        die(parcel, false);
}

static void leave_all(fief *f, void *arg) {
    fief_parcel *next, *parcel = arg;
    f->parcels = NULL;
    for (; parcel != NULL; parcel = next) {
        next = parcel->next;
        fi_store_relaxed(&parcel->holder, FIEF_ID_NONE);
        remain_unread(parcel);
    }
}

/* ---- making ---- */

static bool can_hold(fief *f) {
    if (f->parcels == NULL && (f->parcels = fi_life_make_exit(leave_all)) != NULL)
        fi_life_put_exit(f, f->parcels);
    return f->parcels != NULL;
}

/* As its maker's, but for what only an interpreter has. */
static fief_config config_of(const fief *f, const fief_parcel_config *config, const char *name) {
    fief_config made = FIEF_CONFIG_INIT;
    made.name = config->name != NULL ? config->name : name;
    made.alignment = f->fast.round + 1;
    made.limit.hard_bytes = config->most_bytes != 0 ? config->most_bytes : f->limit.hard_bytes;
    made.on_foreign = (fief_foreign_policy)f->on_foreign;
    made.on_misuse = (fief_misuse_policy)f->on_misuse;
    made.report = f->slot->report;
    made.report_arg = f->slot->report_arg;
    made.zeroed = f->zeroed;
    made.debug = (fief_debug)fi_slot_level(f->slot);
    made.on_leak = f->immortal ? FIEF_LEAK_FORCE : (fief_leak_policy)f->on_leak;
    memcpy(made.policies, f->policies, sizeof made.policies);
    return made;
}

static fief_status make(fief *f, const fief_parcel_config *config, fief_parcel **out) {
    char name[FI_NAME_BYTES];
    fi_text text = FI_TEXT(name);
    fi_text_add(&text, "parcel of %s", f->slot->name.text);
    const fief_config made = config_of(f, config, name);
    fief *heap;
    fief_status status = fi_subheap_begin(&heap, &made);
    if (status != FIEF_OK)
        return status;
    heap->frames = f->frames;
    heap->frames_arg = f->frames_arg;
    *out = fi_subheap_notes(heap);
    **out = (fief_parcel){.maker = f->id, .returned = config->returned, .returned_arg = config->returned_arg};
    hold(f, *out);
    return FIEF_OK;
}

fief_status fief_parcel_create(fief *f, const fief_parcel_config *config, fief_parcel **out) {
    static const fief_parcel_config defaults = FIEF_PARCEL_CONFIG_INIT;
    if (out == NULL)
        return FIEF_BAD_ARGUMENT;
    *out = NULL;
    if (config == NULL)
        config = &defaults;
    if (config->size != sizeof *config)
        return FIEF_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_parcel_create") || f->state != FIEF_LIVE)
        return FIEF_BAD_STATE;
    return can_hold(f) ? make(f, config, out) : FIEF_NO_MEMORY;
}

/* ---- filling ---- */

fief *fief_parcel_heap(const fief_parcel *parcel) {
    fief *heap = fi_subheap_at(parcel);
    return heap != NULL && !parcel->sealed ? heap : NULL;
}

fief_status fief_parcel_root_set(fief_parcel *parcel, void *root) {
    if (fief_parcel_heap(parcel) == NULL)
        return FIEF_BAD_STATE;
    parcel->root = root;
    return FIEF_OK;
}

void *fief_parcel_root(const fief_parcel *parcel) {
    bool is_held = fi_subheap_at(parcel) != NULL && fi_load_relaxed(&parcel->holder) != FIEF_ID_NONE;
    return is_held ? parcel->root : NULL;
}

fief_id fief_parcel_maker(const fief_parcel *parcel) {
    return fi_subheap_at(parcel) != NULL ? parcel->maker : FIEF_ID_NONE;
}

/* ---- sending ---- */

static int arrive(fief *target, void *arg) {
    fief_parcel *parcel = arg;
    if (target->parcels == NULL) {
        target->parcels = parcel->exit;
        fi_life_put_exit(target, parcel->exit);
        parcel->exit = NULL;
    }
    hold(target, parcel);
    return parcel->deliver(target, parcel, parcel->deliver_arg);
}

/* The target closes. */
static void arrived(fief_xi_result how, int returned, void *arg) {
    (void)returned;
    if (how == FIEF_XI_CANCELLED)
        remain_unread(arg);
}

/* All that its way may take, there and back. False on exhaustion. */
static bool make_way(fief_parcel *parcel) {
    const fief_xi_message back = {
        .fn = come_back, .arg = parcel, .cancel_at_close = true, .done = came_back, .done_arg = parcel};
    if (parcel->exit == NULL)
        parcel->exit = fi_life_make_exit(leave_all);
    if (parcel->returned != NULL && parcel->way_back == NULL)
        parcel->way_back = fi_call_make(NULL, &back, NULL);
    return parcel->exit != NULL && (parcel->returned == NULL || parcel->way_back != NULL);
}

static void seal(fief *heap, fief_parcel *parcel) {
    fi_subheap_seal(heap);
    parcel->sealed = true;
}

static void unseal(fief *heap, fief_parcel *parcel) {
    parcel->sealed = !fi_subheap_unseal(heap);
}

fief_xi_result fief_parcel_send(fief *f, fief_parcel *parcel, fief_id target, fief_parcel_fn *deliver, void *arg) {
    fief *heap = heap_held(f, parcel, "fief_parcel_send");
    if (heap == NULL || deliver == NULL || !is_at_rest(heap))
        return FIEF_XI_BAD_ARGUMENT;
    if (!make_way(parcel))
        return FIEF_XI_NO_MEMORY;
    const fief_xi_message message = {.size = sizeof message,
                                     .fn = arrive,
                                     .arg = parcel,
                                     .cancel_at_close = true,
                                     .done = arrived,
                                     .done_arg = parcel};
    bool was_sealed = parcel->sealed;
    parcel->deliver = deliver;
    parcel->deliver_arg = arg;
    if (!was_sealed)
        seal(heap, parcel);
    let_go(f, parcel);
    fief_xi_result result = fief_xi_call_with(f, target, &message);
    if (result == FIEF_XI_QUEUED || result == FIEF_XI_RAN)
        return result;
    hold(f, parcel);
    if (!was_sealed)
        unseal(heap, parcel);
    return result;
}

/* ---- receiving, and the end ---- */

/* It is nobody's meanwhile, as the pressure callback may see. */
fief_status fief_parcel_receive(fief *f, fief_parcel *parcel, void **root) {
    fief *heap = heap_held(f, parcel, "fief_parcel_receive");
    if (heap == NULL || !is_at_rest(heap))
        return FIEF_BAD_STATE;
    bool was_sealed = parcel->sealed;
    if (!was_sealed)
        seal(heap, parcel);
    let_go(f, parcel);
    fief_parcel kept = *parcel;
    fief_status status = fi_subheap_merge(f, heap);
    if (status == FIEF_OK) {
        drop_way(&kept);
        if (root != NULL)
            *root = kept.root;
        return FIEF_OK;
    }
    hold(f, parcel);
    if (!was_sealed)
        unseal(heap, parcel);
    return status;
}

fief_status fief_parcel_destroy(fief *f, fief_parcel *parcel) {
    if (parcel == NULL)
        return FIEF_OK;
    const fief *heap = heap_held(f, parcel, "fief_parcel_destroy");
    if (heap == NULL || !is_at_rest(heap))
        return FIEF_BAD_STATE;
    let_go(f, parcel);
    die(parcel, true);
    return FIEF_OK;
}
