/* What the heap and the handle's life ask of the features above them. A handle that uses none of them asks nobody.
 */
#ifndef FI_HEAP_FEATURES_H
#define FI_HEAP_FEATURES_H

#include "heap/heap.h"

/* Typed freelists (src/freelist), once `freelists` of the handle is set. Their end is an at-exit callback's. */
typedef struct fi_freelist_hooks {
    /* Frees what is kept beyond the reserves; false if that was nothing. Inside an allocation, too. */
    bool (*release)(fief *f);

    /* The interpreter is closing: from now on nothing is kept. */
    void (*close)(fief *f);

    /* An arena of blocks, all of them free, is about to be another's. */
    void (*forget)(fief *f, const fi_arena *arena);

    /* Whether a live block is of a reserve: the program has not got it. Cost: in the reserves. */
    bool (*holds_back)(const fief *f, const void *block);
} fi_freelist_hooks;

/* What comes from other interpreters (src/xi), once `exchange` of the slot is set. */
typedef struct fi_exchange_hooks {
    /* Runs the calls that are queued. */
    void (*poll)(fief *f, struct fi_exchange *exchange);

    /* The interpreter is closing, and its heap works still. */
    void (*close)(fief *f);

    /* Gives back what the process keeps for calls to come. Any thread. */
    void (*trim)(void);

    /* In the child of a fork, under FI_RANK_PROCESS. */
    void (*forked)(void);
} fi_exchange_hooks;

extern const fi_freelist_hooks fi_the_freelists;
extern const fi_exchange_hooks fi_the_exchange;

#endif
