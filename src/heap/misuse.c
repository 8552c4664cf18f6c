#include "heap/misuse.h"

#include "base/atomics.h"
#include "heap/pools.h"
#include "heap/report.h"
#include "heap/watch.h"
#include "os/os.h"

#include <stdlib.h>

/* ---- where reports are written ---- */

enum { PAGES = 4, PAGE_BYTES = 16 * 1024 };

/* Reports are long, and stacks may be short: there is room for so many at once, and for another, a shorter one on
 * the stack. */
typedef struct page {
    char text[PAGE_BYTES], json[PAGE_BYTES];
} page;
static page pages[PAGES];
static uint64_t pages_taken;

static page *take_page(void) {
    for (unsigned i = 0; i < PAGES; i++)
        if ((fi_or_acq_rel(&pages_taken, UINT64_C(1) << i) >> i & 1) == 0)
            return &pages[i];
    return NULL;
}

static void give_page(const page *taken) {
    fi_and_acq_rel(&pages_taken, ~(UINT64_C(1) << (taken - pages)));
}

/* ---- telling ---- */

static fi_identity caller_of(const fi_incident *incident) {
    if (incident->caller != NULL)
        return fi_slot_identify(incident->caller->slot, incident->caller->id);
    const fi_slot *slot = incident->caller_slot;
    return fi_slot_identify(slot, slot != NULL ? fi_load_relaxed(&slot->id) : FIEF_ID_NONE);
}

static bool has_callback(const fi_slot *slot) {
    return slot != NULL && fi_load_relaxed(&slot->report) != NULL;
}

/* A handle that is not watched has no site worth telling: its fast path lost it. */
static fi_trace trace_of(const fi_incident *i, const fi_details *details) {
    bool watched =
        details->known || (i->caller != NULL && i->caller->state != FIEF_DEAD && i->caller->debug != NULL);
    if (i->site == NULL || !watched)
        return 0;
    return i->at != NULL ? fi_the_tracer.capture_at(i->at, i->site) : fi_the_tracer.capture(i->caller, i->site);
}

static void hand_over(const fi_account *a, const fi_text *text, const fi_text *json, const fi_identity *teller) {
    const fi_incident *i = a->incident;
    const fi_details *d = a->details;
    teller->report(
        &(fief_report){
            .kind = i->kind,
            .kind_name = fi_misuse_kind_name(i->kind),
            .operation = i->operation,
            .verdict = a->verdict,
            .pointer = i->pointer,
            .block = i->block,
            .displacement = i->block != NULL ? (size_t)((uintptr_t)i->pointer - (uintptr_t)i->block) : 0,
            .block_size = i->block_bytes,
            .owner = a->owner->id,
            .caller = a->caller->id,
            .owner_name = a->owner->name.text,
            .caller_name = a->caller->name.text,
            .owner_state = a->owner->state,
            .thread = a->thread,
            .text = text->bytes,
            .json = json->bytes,
            .requested_size = d->requested_size,
            .serial = d->serial,
            .age_ms = d->age_ms,
            .alloc_thread = d->alloc_thread,
            .is_freed = d->freed,
            .free_thread = d->free_thread,
            .freed_by = d->freed_by,
            .tag = d->tag,
            .domain = d->domain,
            .damage = i->damaged_bytes > 0 ? (ptrdiff_t)((uintptr_t)i->damage - (uintptr_t)i->block) : 0,
            .damaged_bytes = i->damaged_bytes,
        },
        teller->report_arg);
}

/* As a line. */
static void publish(fi_text *json) {
    fi_text_add(json, "\n");
    fi_the_watch.publish(json->bytes, json->length);
    json->bytes[--json->length] = 0;
}

static void tell(const fi_account *account, fi_text text, fi_text json, bool hushed) {
    const fi_identity *teller = account->caller->report != NULL ? account->caller : account->owner;
    fi_report_text(&text, account);
    fi_report_json(&json, account);
    if (!hushed || teller->report != NULL)
        publish(&json);
    if (teller->report != NULL)
        hand_over(account, &text, &json, teller);
    else if (!hushed)
        fi_the_watch.tell(text.bytes, text.length);
}

void fi_misuse_tell(const fi_incident *told, const char *verdict, bool hushed) {
    fi_incident copy = *told, *incident = &copy;
    const fi_slot *caller_slot = incident->caller != NULL ? incident->caller->slot : incident->caller_slot;
    if (hushed && !has_callback(caller_slot) && !has_callback(incident->owner_slot))
        return;
    fi_identity caller = caller_of(incident);
    fi_identity owner = fi_slot_identify(incident->owner_slot, incident->owner_id);
    fi_details details = {.tag = "", .domain = ""};
    const void *where = incident->block != NULL ? incident->block : incident->pointer;
    fi_the_watch.explain(where, incident->owner_id, &details);
    if (incident->block == NULL && details.known) {
        incident->block = details.block;
        incident->block_bytes = details.requested_size;
    }
    fi_account account = {.incident = incident,
                          .details = &details,
                          .owner = &owner,
                          .caller = &caller,
                          .verdict = verdict,
                          .trace = trace_of(incident, &details),
                          .thread = fi_os_thread_id()};
    page *taken = take_page();
    if (taken != NULL) {
        tell(&account, FI_TEXT(taken->text), FI_TEXT(taken->json), hushed);
        give_page(taken);
    } else {
        char text[1024], json[2048];
        tell(&account, FI_TEXT(text), FI_TEXT(json), hushed);
    }
}

/* ---- policy ---- */

/* The owner has ended since the incident was looked at: then its end, and not the program, made the block go. That
 * a handle is dead is no news of its end. */
static bool has_ended_meanwhile(const fi_incident *incident, const fi_identity *owner) {
    if (incident->kind == FIEF_MISUSE_DEAD_HANDLE)
        return false;
    bool own = incident->caller != NULL && incident->caller->id == incident->owner_id;
    return incident->owner_id != FIEF_ID_NONE && owner->state == FIEF_DEAD && !own;
}

static fief_policy policy_of(const uint8_t *policies, fief_misuse_policy on_misuse, fief_misuse kind) {
    static const fief_policy by_default[] = {[FIEF_MISUSE_ABORT] = FIEF_POLICY_ABORT,
                                             [FIEF_MISUSE_REPORT] = FIEF_POLICY_REPORT,
                                             [FIEF_MISUSE_IGNORE] = FIEF_POLICY_IGNORE};
    return policies[kind] != FIEF_POLICY_DEFAULT ? (fief_policy)policies[kind] : by_default[on_misuse];
}

bool fi_misuse_is_fatal(const fi_incident *incident, const char *fatal_verdict) {
    fi_identity owner = fi_slot_identify(incident->owner_slot, incident->owner_id);
    if (has_ended_meanwhile(incident, &owner)) {
        fi_incident late = *incident;
        late.kind = FIEF_MISUSE_LATE_FREE;
        fi_misuse_tell(&late, "the block stays dead", false);
        return false;
    }
    fief_policy policy = policy_of(owner.policies, owner.on_misuse, incident->kind);
    if (incident->caller != NULL) {
        policy =
            policy_of(incident->caller->policies, (fief_misuse_policy)incident->caller->on_misuse, incident->kind);
        incident->caller->count.misuses += incident->caller->state != FIEF_DEAD;
    }
    if (policy == FIEF_POLICY_IGNORE)
        return false;
    const char *verdict = incident->goes_on ? "the call goes on" : "the call does nothing";
    fi_misuse_tell(incident, policy == FIEF_POLICY_ABORT ? fatal_verdict : verdict, false);
    return policy == FIEF_POLICY_ABORT;
}

void fi_misuse(const fi_incident *incident) {
    if (fi_misuse_is_fatal(incident, "abort"))
        abort();
}

/* ---- particular ones ---- */

bool fi_misuse_dead_handle(fief *f, const char *operation) {
    bool was_sent = fi_load_relaxed(&f->slot->hidden) != 0 && fi_load_acquire(&f->slot->id) == f->id;
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_DEAD_HANDLE,
                             .operation = operation,
                             .pointer = f,
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f,
                             .told = was_sent ? "the parcel was sent" : NULL});
    return false;
}

static bool is_intact(fief *f, const fi_block *block) {
    return block == fi_heap_sentinel(f) || (fi_heap_is_linkable(f, block) && block->mark == (uintptr_t)block);
}

void fi_misuse_written_after_free(fief *f, unsigned size_class) {
    fi_block **list = fi_heap_list(f, size_class);
    fi_block *block = *list;
    fi_pool *pool = fi_heap_pool_of(f, block);
    bool goes_on = f->own_lists == NULL && pool != NULL && is_intact(f, block->next);
    *list = goes_on ? block->next : fi_heap_sentinel(f); /* a watched heap's links are known for certain, or not */
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_WRITE_AFTER_FREE,
                             .operation = "fief_alloc",
                             .pointer = block,
                             .block = block,
                             .block_bytes = pool != NULL ? fi_class_bytes(pool->size_class) : 0,
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f});
}

void fi_misuse_list_cut(fief *f, const fi_pool *pool, const fi_block *last) {
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_WRITE_AFTER_FREE,
                             .operation = "a look at free memory",
                             .pointer = last,
                             .block = last,
                             .block_bytes = fi_class_bytes(pool->size_class),
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f,
                             .goes_on = true});
}

void fi_misuse_came_home_free(fief *f, const fi_pool *pool, const fi_block *block) {
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_DOUBLE_FREE,
                             .operation = "a remote free that its owner took in",
                             .pointer = block,
                             .block = block,
                             .block_bytes = fi_class_bytes(pool->size_class),
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller_slot = fi_load_relaxed(&f->slot->last_sender)});
}
