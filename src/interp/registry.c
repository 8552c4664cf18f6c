#include "interp/registry.h"

#include "arena/arena.h"
#include "arena/spare.h"
#include "base/atomics.h"
#include "base/lock.h"
#include "heap/heap.h"
#include "interp/fork.h"
#include "os/os.h"

#include <string.h>

enum {
    CHUNK_SLOTS = 256,
    MOST_CHUNKS = 4096,
    BUCKETS = 4096,
    RESTING_SLOTS = 64 /* slots that rest before one is reused: that many ended interpreters keep their names */
};

/* All under FI_RANK_PROCESS. Slots are numbered from 1; 0 ends a chain. */
static bool ready; /* read without it, too */
static fi_slot *chunks[MOST_CHUNKS];
static uint32_t slot_count;
static uint32_t
    next_slot[MOST_CHUNKS * CHUNK_SLOTS + 1]; /* in a bucket's chain, or in the queue of resting slots */
static uint32_t buckets[BUCKETS];             /* living interpreters, by id */
static uint32_t resting_first, resting_last, resting_count;
static fief_id last_id;
static fief_leaks totals;

static fi_slot *slot_of(uint32_t number) {
    return &chunks[(number - 1) / CHUNK_SLOTS][(number - 1) % CHUNK_SLOTS];
}

bool fi_registry_ready(void) {
    if (FI_LIKELY(fi_load_acquire(&ready)))
        return true;
    fi_lock(FI_RANK_PROCESS);
    bool done = ready || (fi_fork_install() && fi_arena_init());
    fi_store_release(&ready, done);
    fi_unlock(FI_RANK_PROCESS);
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
    slot->number = resting_first; /* it may have been forgotten */
    resting_first = next_slot[slot->number];
    resting_count--;
    return slot;
}

/* "interpreter 17", without the cost of a formatter. */
static void name_by_number(char *text, fief_id id) {
    static const char prefix[] = "interpreter ";
    char digits[20];
    unsigned count = 0;
    for (; id != 0; id /= 10)
        digits[count++] = (char)('0' + id % 10);
    memcpy(text, prefix, sizeof prefix - 1);
    for (text += sizeof prefix - 1; count > 0;)
        *text++ = digits[--count];
}

/* Readers without the lock look at `id` before and after. */
static void fill(fi_slot *slot, const fief_config *config, fief_id id) {
    fi_name name = {{0}};
    if (config->name != NULL)
        strncpy(name.text, config->name, sizeof name.text - 1);
    else
        name_by_number(name.text, id);
    fi_store_relaxed(&slot->id, FIEF_ID_NONE);
    for (unsigned i = 0; i < FI_NAME_WORDS; i++)
        fi_store_release(&slot->name.words[i], name.words[i]);
    fi_store_release(&slot->on_misuse, (uint8_t)config->on_misuse);
    fi_store_release(&slot->watched, 0);
    memcpy(slot->policies, config->policies, sizeof slot->policies);
    fi_store_release(&slot->report, config->report);
    fi_store_release(&slot->report_arg, config->report_arg);
    fi_store_release(&slot->state, FIEF_LIVE);
    fi_store_release(&slot->heap, NULL);
    fi_store_release(&slot->foreign_in, 0);
    fi_store_release(&slot->late_in, 0);
    fi_store_release(&slot->last_sender, NULL);
    fi_store_release(&slot->remote_summary, 0);
    fi_store_release(&slot->id, id);
}

static void chain(fi_slot *slot) {
    uint32_t *bucket = &buckets[slot->id % BUCKETS];
    next_slot[slot->number] = *bucket;
    *bucket = slot->number;
}

static void unchain(fi_slot *slot) {
    uint32_t *link = &buckets[slot->id % BUCKETS];
    while (*link != slot->number)
        link = &next_slot[*link];
    *link = next_slot[slot->number];
}

fi_slot *fi_registry_take(const fief_config *config, bool hidden) {
    fi_slot *slot = resting_count > RESTING_SLOTS ? rested_slot() : fresh_slot();
    if (slot == NULL && resting_count > 0)
        slot = rested_slot();
    if (slot != NULL) {
        fill(slot, config, ++last_id);
        fi_store_relaxed(&slot->hidden, hidden);
        chain(slot);
    }
    return slot;
}

void fi_registry_open(fi_slot *slot, fief *f) {
    fi_store_release(&slot->heap, f);
}

void fi_registry_close(fi_slot *slot) {
    fi_store_relaxed(&slot->heap, NULL);
    fi_store_seq_cst(&slot->state, FIEF_CLOSING); /* and then looks for an exchange: see src/xi/exchange.c */
}

void fi_registry_give(fi_slot *slot, const fi_leak *leak) {
    FI_ASSERT(slot->exchange == NULL);
    unchain(slot);
    fi_store_release(&slot->state, FIEF_DEAD);
    next_slot[slot->number] = 0;
    *(resting_count > 0 ? &next_slot[resting_last] : &resting_first) = slot->number;
    resting_last = slot->number;
    resting_count++;
    if (leak != NULL) {
        totals.interpreters += slot->hidden == 0;
        totals.blocks += leak->blocks;
        totals.bytes += leak->bytes;
    }
    fi_store_relaxed(&slot->hidden, 0);
}

/* ---- forgetting ---- */

static bool all_rest(const fi_slot *slots, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (slots[i].id != FIEF_ID_NONE && slots[i].state != FIEF_DEAD)
            return false;
    return true;
}

/* Whole pages of slots that rest become zeros. */
static void forget_slots(void) {
    size_t page_slots = fi_os_page_bytes() / sizeof(fi_slot);
    for (uint32_t first = 0; first < slot_count; first += CHUNK_SLOTS)
        for (size_t i = 0; i < CHUNK_SLOTS; i += page_slots) {
            fi_slot *page = &chunks[first / CHUNK_SLOTS][i];
            if (all_rest(page, page_slots))
                fi_os_purge(page, page_slots * sizeof *page);
        }
}

size_t fi_registry_trim(void) {
    size_t bytes = fi_spare_release() + fi_arena_release_warm();
    fi_lock(FI_RANK_PROCESS);
    forget_slots();
    fi_unlock(FI_RANK_PROCESS);
    return bytes;
}

/* ---- questions ---- */

fi_slot *fi_registry_slot(fief_id id) {
    uint32_t number = buckets[id % BUCKETS];
    while (number != 0 && slot_of(number)->id != id)
        number = next_slot[number];
    return number != 0 ? slot_of(number) : NULL;
}

fief *fi_registry_find(fief_id id) {
    fi_lock(FI_RANK_PROCESS);
    const fi_slot *slot = fi_registry_slot(id);
    fief *found = slot != NULL ? fi_load_acquire(&slot->heap) : NULL;
    fi_unlock(FI_RANK_PROCESS);
    return found;
}

void fi_registry_leaks(fief_leaks *out) {
    fi_lock(FI_RANK_PROCESS);
    *out = totals;
    fi_unlock(FI_RANK_PROCESS);
}

/* Who was publishing in another thread will never end: what it left is read as it is. */
void fi_registry_forked(void) {
    for (uint32_t number = 1; number <= slot_count; number++) {
        fief *heap = slot_of(number)->heap;
        if (heap != NULL && heap->stats_sequence % 2 != 0)
            heap->stats_sequence++;
    }
}

/* A heap that is found stays where it is as long as the lock is held, even if it begins to end. */
static void add_living(fief_totals *sum, const fief *f) {
    sum->interpreters++;
    sum->live_blocks += fi_load_relaxed(&f->stats.live_blocks);
    sum->live_bytes += fi_load_relaxed(&f->stats.live_bytes);
    sum->committed_bytes += fi_load_relaxed(&f->stats.committed_bytes);
}

void fi_registry_totals(fief_totals *out) {
    *out = (fief_totals){0};
    fi_lock(FI_RANK_PROCESS);
    for (uint32_t number = 1; number <= slot_count; number++) {
        const fief *heap = fi_load_acquire(&slot_of(number)->heap);
        if (heap != NULL)
            add_living(out, heap);
    }
    fi_unlock(FI_RANK_PROCESS);
}
