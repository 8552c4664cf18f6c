#include "heap/misuse.h"

#include "base/atomics.h"
#include "heap/pools.h"
#include "os/os.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 1024 };

static const char *const kind_names[FIEF_MISUSE_COUNT] = {
    [FIEF_MISUSE_FOREIGN_FREE] = "foreign free", [FIEF_MISUSE_FOREIGN_REALLOC] = "foreign realloc",
    [FIEF_MISUSE_LATE_FREE] = "late free",       [FIEF_MISUSE_DOUBLE_FREE] = "double free",
    [FIEF_MISUSE_INTERIOR] = "interior pointer", [FIEF_MISUSE_MISALIGNED] = "misaligned pointer",
    [FIEF_MISUSE_WILD] = "wild pointer",         [FIEF_MISUSE_WRITE_AFTER_FREE] = "write after free",
    [FIEF_MISUSE_DEAD_HANDLE] = "dead handle",
};

static const char *const state_names[] = {
    [FIEF_LIVE] = "live",
    [FIEF_CLOSING] = "closing",
    [FIEF_DEAD] = "dead",
};

/* ---- text ---- */

typedef struct text {
    char bytes[TEXT_BYTES];
    size_t length;
} text;

FI_PRINTF(2, 3) static void add(text *t, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(t->bytes + t->length, sizeof t->bytes - t->length, format, arguments);
    va_end(arguments);
    size_t room = sizeof t->bytes - 1 - t->length;
    t->length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room;
}

static void add_who(text *t, const char *role, const fi_identity *who) {
    if (who->id == FIEF_ID_NONE)
        add(t, "  %-8s none", role);
    else
        add(t, "  %-8s interpreter %" PRIu64 " \"%s\" (%s)", role, who->id, who->name.text,
            state_names[who->state]);
}

static void compose(text *t, const fi_incident *incident, const fi_identity *owner, const fi_identity *caller,
                    const char *verdict) {
    const fi_incident *i = incident;
    add(t, "fief: %s in %s\n  %-8s %p", kind_names[i->kind], i->operation, "pointer",
        (void *)(uintptr_t)i->pointer);
    if (i->block == i->pointer && i->block != NULL)
        add(t, ", a block of %zu bytes", i->block_bytes);
    else if (i->block != NULL)
        add(t, ", %zu bytes into the block %p of %zu bytes",
            (size_t)((const char *)i->pointer - (const char *)i->block), (void *)(uintptr_t)i->block,
            i->block_bytes);
    add(t, "\n");
    add_who(t, "owner", owner);
    add(t, "\n");
    add_who(t, "caller", caller);
    add(t, ", thread %" PRIu64 "\n  %-8s %s\n", fi_os_thread_id(), "verdict", verdict);
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

void fi_misuse_tell(const fi_incident *incident, const char *verdict, bool hushed) {
    const fi_slot *caller_slot = incident->caller != NULL ? incident->caller->slot : incident->caller_slot;
    if (hushed && !has_callback(caller_slot) && !has_callback(incident->owner_slot))
        return;
    fi_identity caller = caller_of(incident);
    fi_identity owner = fi_slot_identify(incident->owner_slot, incident->owner_id);
    const fi_identity *teller = caller.report != NULL ? &caller : &owner;
    text t = {.length = 0};
    compose(&t, incident, &owner, &caller, verdict);
    if (teller->report == NULL) {
        if (!hushed)
            fi_os_write_error(t.bytes, t.length);
        return;
    }
    const fi_incident *i = incident;
    fief_report report = {
        .kind = i->kind,
        .kind_name = kind_names[i->kind],
        .operation = i->operation,
        .verdict = verdict,
        .pointer = i->pointer,
        .block = i->block,
        .displacement = i->block != NULL ? (size_t)((const char *)i->pointer - (const char *)i->block) : 0,
        .block_size = i->block_bytes,
        .owner = owner.id,
        .caller = caller.id,
        .owner_name = owner.name.text,
        .caller_name = caller.name.text,
        .owner_state = owner.state,
        .thread = fi_os_thread_id(),
        .text = t.bytes,
    };
    teller->report(&report, teller->report_arg);
}

/* The owner has ended since the incident was looked at: then its end, and not the program, made the block go. */
static bool has_ended_meanwhile(const fi_incident *incident, const fi_identity *owner) {
    bool own = incident->caller != NULL && incident->caller->id == incident->owner_id;
    return incident->owner_id != FIEF_ID_NONE && owner->state == FIEF_DEAD && !own;
}

void fi_misuse(const fi_incident *incident) {
    fi_identity owner = fi_slot_identify(incident->owner_slot, incident->owner_id);
    if (has_ended_meanwhile(incident, &owner)) {
        fi_incident late = *incident;
        late.kind = FIEF_MISUSE_LATE_FREE;
        fi_misuse_tell(&late, "the block stays dead", false);
        return;
    }
    fief_misuse_policy policy = owner.on_misuse;
    if (incident->caller != NULL) {
        policy = (fief_misuse_policy)incident->caller->on_misuse;
        incident->caller->count.misuses += incident->caller->state != FIEF_DEAD;
    }
    if (policy == FIEF_MISUSE_IGNORE)
        return;
    fi_misuse_tell(incident, policy == FIEF_MISUSE_ABORT ? "abort" : "the call does nothing", false);
    if (policy == FIEF_MISUSE_ABORT)
        abort();
}

/* ---- particular ones ---- */

bool fi_misuse_dead_handle(fief *f, const char *operation) {
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_DEAD_HANDLE,
                             .operation = operation,
                             .pointer = f,
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f});
    return false;
}

static bool is_intact(fief *f, const fi_block *block) {
    return block == fi_heap_sentinel(f) || (fi_heap_is_linkable(f, block) && block->mark == (uintptr_t)block);
}

void fi_misuse_written_after_free(fief *f, unsigned size_class) {
    fi_block **list = fi_heap_list(f, size_class);
    fi_block *block = *list;
    fi_pool *pool = fi_heap_pool_of(f, block);
    *list = pool != NULL && is_intact(f, block->next) ? block->next : fi_heap_sentinel(f);
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_WRITE_AFTER_FREE,
                             .operation = "fief_alloc",
                             .pointer = block,
                             .block = block,
                             .block_bytes = pool != NULL ? fi_class_bytes(pool->size_class) : 0,
                             .owner_slot = f->slot,
                             .owner_id = f->id,
                             .caller = f});
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
