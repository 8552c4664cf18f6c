/* One list: its inside. Used by its interpreter's holder, like the handle.
 *
 *   slots below *count     blocks that are kept
 *   slots from there on    vouch for the next push, see freelist.h. Even: the block that was there last. Odd: none
 *                          ever was, and it is the unit alone that counts. FI_SLOT_ASK: nothing may be put there
 *                          without being looked at.
 *   slots[limit]           FI_SLOT_ASK
 *   slots[0]               FI_SLOT_ASK while blocks of the reserve are missing: then none are kept either
 *
 * So the highest even slot tells how many blocks there ever were. Where pops must call a hook, the inlined paths see
 * an empty list in which nothing may be put: its slots begin one further on, and its count is another. */
#ifndef FI_FREELIST_LIST_H
#define FI_FREELIST_LIST_H

#include "fief/freelist.h"
#include "heap/heap.h"

enum { FI_LIST_NAME_BYTES = 32 };

#define FI_SLOT_ASK (((uintptr_t)1 << 63) | 1) /* no program's address */

struct fief_freelist {
    fief_fast_freelist fast;
    size_t *count;    /* &fast.count, or &hooked_count */
    uintptr_t *slots; /* of what is kept: limit + 1 of them */
    size_t limit;     /* blocks that may be kept: `capacity`, or 0 */
    fief *f;
    unsigned size_class; /* the heap's for its blocks */
    void **reserve;
    size_t reserve_goal; /* 0 once the interpreter's lists end */
    size_t reserve_held;
    size_t reserve_new; /* so many of them, the lowest, were made for it and never popped */
    size_t hooked_count;
    size_t high_water; /* as far as slots don't tell any more */
    fief_freelist_config config;
    struct {
        uint64_t allocated, from_reserve, failed, refilled, overflows, refused, drained;
    } told; /* see fief_freelist_stats */
    char name[FI_LIST_NAME_BYTES];
    struct fief_freelist *next, *prev; /* of the interpreter's */
    struct fief_freelist **family;     /* of the first list of one: all of its lists, and a NULL; goes with it */
    uintptr_t first_slots[];
};

static_assert(offsetof(struct fief_freelist, fast) == 0, "the public part comes first");
static_assert(offsetof(struct fief_freelist, first_slots) == FIEF_FREELIST_SLOTS_BYTES, "layout");
static_assert(FIEF_FREELIST_UNIT_SHIFT == FI_UNIT_SHIFT, "layout");

/* A list with its reserve filled, that its interpreter does not know of yet. `config` has been checked. NULL on
 * exhaustion. `site`: where the verb returns to. */
fief_freelist *fi_list_make(fief *f, const fief_freelist_config *config, const void *site);

/* Gives its memory back; there are no blocks in it any more. */
void fi_list_unmake(fief_freelist *list);

/* Has the reserve filled up with new blocks, where none in it was ever popped. False on exhaustion. */
bool fi_list_fill_reserve(fief_freelist *list, const char *operation, const void *site);

/* Gives back to the heap what is kept; how many that was. */
size_t fi_list_drain(fief_freelist *list);

/* From here on nothing is kept. */
void fi_list_close(fief_freelist *list);

/* The same, and the reserve goes, too. */
void fi_list_end(fief_freelist *list);

/* An arena is about to be another's: no slot may vouch for it. */
void fi_list_forget(fief_freelist *list, const fi_arena *arena);

/* How many were ever kept at once. */
size_t fi_list_high_water(const fief_freelist *list);

/* Whether the reserve holds it. */
bool fi_list_holds_back(const fief_freelist *list, const void *block);

/* A block of the list's class from the heap, whose own list of them was found empty; NULL on exhaustion. A watched
 * one has the list's tag. */
void *fi_list_refill(const fief_freelist *list, const char *operation, bool zero, const void *site);

/* A block that was pushed goes back to the heap. */
void fi_list_give_back(const fief_freelist *list, void *block);

#endif
