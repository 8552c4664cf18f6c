#include "interp/registry.h"

#include "arena/arena.h"
#include "base/atomics.h"
#include "base/lock.h"
#include "interp/fork.h"
#include "os/os.h"

#include <stdio.h>
#include <string.h>

enum {
    CHUNK_SLOTS = 256,
    MOST_CHUNKS = 4096,
    BUCKETS = 4096,
    RESTING_SLOTS = 64 /* slots that rest before one is reused: that many ended interpreters keep their names */
};

/* All under FI_RANK_REGISTRY. Slots are numbered from 1; 0 ends a chain. */
static bool ready; /* read without it, too */
static fi_slot *chunks[MOST_CHUNKS];
static uint32_t slot_count;
static uint32_t buckets[BUCKETS]; /* living interpreters, by id */
static uint32_t resting_first, resting_last, resting_count;
static fief_id last_id;
static fief_leaks totals;

static fi_slot *slot_of(uint32_t number) {
    return &chunks[(number - 1) / CHUNK_SLOTS][(number - 1) % CHUNK_SLOTS];
}

bool fi_registry_ready(void) {
    if (FI_LIKELY(fi_load_acquire(&ready)))
        return true;
    fi_lock(FI_RANK_REGISTRY);
    bool done = ready || (fi_fork_install() && fi_arena_init());
    fi_store_release(&ready, done);
    fi_unlock(FI_RANK_REGISTRY);
    return done;
}

/* ---- slots ---- */

static fi_slot *fresh_slot(void) {
    if (slot_count == MOST_CHUNKS * CHUNK_SLOTS)
        return NULL;
    if (slot_count % CHUNK_SLOTS == 0) {
        size_t bytes = CHUNK_SLOTS * sizeof(fi_slot);
        fi_slot *chunk = fi_os_map_zeros(bytes);
        if (chunk == NULL)
            return NULL;
        if (!fi_os_enable(chunk, bytes)) {
            fi_os_release(chunk, bytes);
            return NULL;
        }
        chunks[slot_count / CHUNK_SLOTS] = chunk;
    }
    fi_slot *slot = slot_of(++slot_count);
    slot->number = slot_count;
    return slot;
}

static fi_slot *rested_slot(void) {
    fi_slot *slot = slot_of(resting_first);
    resting_first = slot->next;
    resting_count--;
    return slot;
}

/* Under the lock; readers without it look at `id` before and after. */
static void name_slot(fi_slot *slot, const fief_config *config, fief_id id) {
    char name[FI_NAME_BYTES] = {0};
    if (config->name != NULL)
        strncpy(name, config->name, sizeof name - 1);
    else
        snprintf(name, sizeof name, "interpreter %llu", (unsigned long long)id);
    fi_store_relaxed(&slot->id, FIEF_ID_NONE);
    fi_fence_release();
    for (unsigned i = 0; i < FI_NAME_BYTES; i++)
        fi_store_relaxed(&slot->name[i], name[i]);
    fi_store_relaxed(&slot->on_misuse, (uint8_t)config->on_misuse);
    fi_store_relaxed(&slot->report, config->report);
    fi_store_relaxed(&slot->report_arg, config->report_arg);
    fi_store_relaxed(&slot->state, FIEF_LIVE);
    fi_store_relaxed(&slot->foreign_in, 0);
    fi_store_relaxed(&slot->late_in, 0);
    fi_store_relaxed(&slot->last_sender, NULL);
    fi_store_relaxed(&slot->remote_summary, 0);
    fi_store_release(&slot->id, id);
}

fi_slot *fi_registry_take(const fief_config *config) {
    fi_lock(FI_RANK_REGISTRY);
    fi_slot *slot = resting_count > RESTING_SLOTS ? rested_slot() : fresh_slot();
    if (slot == NULL && resting_count > 0)
        slot = rested_slot();
    if (slot != NULL)
        name_slot(slot, config, ++last_id);
    fi_unlock(FI_RANK_REGISTRY);
    return slot;
}

void fi_registry_open(fi_slot *slot, fief *f) {
    fi_lock(FI_RANK_REGISTRY);
    slot->heap = f;
    slot->next = buckets[slot->id % BUCKETS];
    buckets[slot->id % BUCKETS] = slot->number;
    fi_unlock(FI_RANK_REGISTRY);
}

void fi_registry_close(fi_slot *slot) {
    fi_lock(FI_RANK_REGISTRY);
    uint32_t *link = &buckets[slot->id % BUCKETS];
    while (*link != slot->number)
        link = &slot_of(*link)->next;
    *link = slot->next;
    slot->heap = NULL;
    fi_store_relaxed(&slot->state, FIEF_CLOSING);
    fi_unlock(FI_RANK_REGISTRY);
}

void fi_registry_give(fi_slot *slot, const fi_leak *leak) {
    fi_lock(FI_RANK_REGISTRY);
    fi_store_relaxed(&slot->state, FIEF_DEAD);
    slot->next = 0;
    *(resting_count > 0 ? &slot_of(resting_last)->next : &resting_first) = slot->number;
    resting_last = slot->number;
    resting_count++;
    if (leak != NULL) {
        totals.interpreters++;
        totals.blocks += leak->blocks;
        totals.bytes += leak->bytes;
    }
    fi_unlock(FI_RANK_REGISTRY);
}

/* ---- questions ---- */

fief *fi_registry_find(fief_id id) {
    fief *found = NULL;
    fi_lock(FI_RANK_REGISTRY);
    for (uint32_t number = buckets[id % BUCKETS]; number != 0 && found == NULL; number = slot_of(number)->next)
        if (slot_of(number)->id == id)
            found = slot_of(number)->heap;
    fi_unlock(FI_RANK_REGISTRY);
    return found;
}

void fi_registry_leaks(fief_leaks *out) {
    fi_lock(FI_RANK_REGISTRY);
    *out = totals;
    fi_unlock(FI_RANK_REGISTRY);
}
