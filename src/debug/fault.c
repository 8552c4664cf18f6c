#include "debug/fault.h"

#include "debug/guard.h"
#include "heap/find.h"
#include "os/os.h"

/* What a fault may have hit. */
typedef struct hit {
    const fi_record *record;
    unsigned index;
    char *block;
    size_t size;
} hit;

static hit look_at(const fi_found *found, unsigned index) {
    hit h = {.index = index, .record = index < found->view.carved ? fi_record_of(found->pool, index) : NULL};
    if (h.record == NULL || fi_record_state_of(h.record) == FI_RECORD_NONE)
        return (hit){.record = NULL};
    h.block = fi_guard_block(&found->view, index, h.record);
    h.size = fi_load_relaxed(&h.record->size);
    return h;
}

static size_t distance_to(const hit *h, const char *p) {
    if (h->record == NULL)
        return SIZE_MAX;
    return p < h->block ? (size_t)(h->block - p) : p >= h->block + h->size ? (size_t)(p - h->block) - h->size : 0;
}

static bool is_live(const hit *h) {
    return h->record != NULL && fi_record_state_of(h->record) == FI_RECORD_LIVE;
}

/* A guard page lies between two places: the nearer block is meant, and a live one rather than a dead. */
static hit find_hit(const fi_found *found, const char *p) {
    size_t page = (size_t)(p - found->view.start) / fi_os_page_bytes();
    if (found->view.carved <= 1)
        return look_at(found, 0);
    if (page % 2 == 1)
        return look_at(found, (unsigned)(page / 2));
    hit right = look_at(found, (unsigned)(page / 2));
    hit left = page > 0 ? look_at(found, (unsigned)(page / 2 - 1)) : (hit){.record = NULL};
    if (is_live(&left) != is_live(&right))
        return is_live(&left) ? left : right;
    return distance_to(&left, p) <= distance_to(&right, p) ? left : right;
}

/* A live block's own bytes can be read and written, but for a frozen heap's. */
static bool is_frozen(const hit *h, const char *p) {
    return is_live(h) && distance_to(h, p) == 0 && p < h->block + h->size;
}

static fief_misuse kind_of(const hit *h, const char *p) {
    if (!is_live(h))
        return FIEF_MISUSE_USE_AFTER_FREE;
    return p < h->block ? FIEF_MISUSE_UNDERFLOW : FIEF_MISUSE_OVERFLOW;
}

/* Whether it is in a guarded place. Signal handler, on little stack. */
static bool concerns(const fi_fault *fault) {
    fi_found found = fi_find(fault->address);
    return found.owner != NULL && found.view.state == FI_POOL_GUARDED;
}

/* Signal handler: reads descriptors and records, and writes the report. */
static bool meet(const fi_fault *fault) {
    fi_found found = fi_find(fault->address);
    if (found.owner == NULL || found.view.state != FI_POOL_GUARDED)
        return false;
    hit h = find_hit(&found, fault->address);
    if (h.record == NULL || is_frozen(&h, fault->address))
        return false;
    static const char *const operations[] = {
        [FI_FAULT_ACCESS] = "an access", [FI_FAULT_READ] = "a read", [FI_FAULT_WRITE] = "a write"};
    const fi_incident incident = {.kind = kind_of(&h, fault->address),
                                  .operation = operations[fault->kind],
                                  .pointer = fault->address,
                                  .block = h.block,
                                  .block_bytes = h.size,
                                  .owner_slot = found.slot,
                                  .owner_id = found.owner_id,
                                  .site = (const char *)fault->pc + 1, /* a site is where a call returns to */
                                  .at = fault->at,
                                  .goes_on = true};
    if (fi_misuse_is_fatal(&incident, "the fault is handed on"))
        return false;
    size_t page = fi_os_page_bytes();
    char *start = (char *)fi_round_down((uintptr_t)fault->address, page);
    return fi_os_commit(start, page);
}

bool fi_fault_init(void) {
    return fi_os_catch_faults(concerns, meet);
}
