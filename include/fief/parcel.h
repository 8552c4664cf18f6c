/* parcel.h - memory that one interpreter fills and another gets, where it is.
 *
 * A parcel is a heap of its own: what is allocated in it, trees and tables of any shape, stays at its addresses
 * when the parcel is sent, and not a byte is copied. Whoever receives it owns the blocks from then on as if it had
 * allocated them: its fief_free is the local one, its limits and counters have them, its leaks are told with its
 * name.
 *
 *     maker: create -> fill through fief_parcel_heap -> send          (or destroy, or receive it itself)
 *     on its way: nobody's                                            (its blocks may be freed remotely)
 *     target: deliver is called -> receive, or send on, or destroy
 *
 * Threading contract: `f` is the caller's own handle, as in fief.h. One interpreter holds a parcel at a time, and
 * may use it: its maker, and once it was sent the target, from when its function is called. Use by any other, or
 * after its end, is FIEF_MISUSE_DEAD_HANDLE and changes nothing. Whether a parcel is there is known for any
 * pointer at all, without a look at it; but another may have been made at the same place since.
 *
 * Blocks in a parcel are its maker's to use and to free, by the parcel's handle, until it is sent. From then on
 * the handle is sealed, and each use of it a FIEF_MISUSE_DEAD_HANDLE, as long as the parcel has not been received;
 * afterwards its memory is the receiver's, and may be anything. A block freed or resized with the sender's own
 * handle is a foreign one, as ever. From FIEF_DEBUG_CHECK on a parcel's blocks can't be written to from sending to
 * receiving, as far as the system allows: who tries gets SIGSEGV. Not so what shares the first page of a parcel
 * with its handle.
 */
#ifndef FIEF_PARCEL_H
#define FIEF_PARCEL_H

#include "fief.h"
#include "xi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fief_parcel fief_parcel; /* opaque */

/* Called in an interpreter that a parcel has come to, on its thread, as any call (xi.h). It may receive the
 * parcel, keep it for later, send it on or destroy it. What it returns only counts in fief_xi_stats. */
typedef int fief_parcel_fn(fief *f, fief_parcel *parcel, void *arg);

typedef struct fief_parcel_config {
    size_t size;      /* sizeof(fief_parcel_config): lets the struct grow */
    const char *name; /* of its blocks' owner in reports, copied, cut to 63 bytes; NULL: "parcel of <its maker>" */
    size_t most_bytes;        /* what it may use, as fief_limit's hard_bytes; 0: what its maker may use at most */
    fief_parcel_fn *returned; /* NULL: unread it dies. Else it goes back to its maker, and this is called there */
    void *returned_arg;
} fief_parcel_config;

#define FIEF_PARCEL_CONFIG_INIT                                                                                   \
    { sizeof(fief_parcel_config), NULL, 0, NULL, NULL }

/* Makes an empty parcel that f holds. `config` NULL means FIEF_PARCEL_CONFIG_INIT. Its debug level, alignment,
 * policies, hard limit and report callback are f's; that may be called for as long as the parcel is there. What it
 * uses does not count in f's limits, it presses nobody, and its memory is always the system's, never a provider's.
 * FIEF_BAD_ARGUMENT; FIEF_NO_MEMORY on exhaustion; FIEF_BAD_STATE if f is closing, or a parcel's handle. On
 * failure *out is NULL and nothing is left. Cost: fief_create's. It takes 256 KiB of address space and a page at
 * least: what is smaller is better copied. */
FIEF_API fief_status fief_parcel_create(fief *f, const fief_parcel_config *config, fief_parcel **out);

/* The handle to allocate, free and resize with, inlined too, for as long as the parcel is not sent; NULL from then
 * on, or if it is no parcel. The verbs of
 * blocks, counters, limits and debugging work with it; those that are about an interpreter's life, or about
 * others, don't: fief_destroy, fief_at_exit, freelists, types and data return FIEF_BAD_STATE or its like. */
FIEF_API fief *fief_parcel_heap(const fief_parcel *parcel);

/* One pointer that goes with it, by which what is in it is found; NULL at first. FIEF_BAD_STATE once it was sent.
 * Reading it: by the holder; NULL on its way, or if it is no parcel. */
FIEF_API fief_status fief_parcel_root_set(fief_parcel *parcel, void *root);
FIEF_API void *fief_parcel_root(const fief_parcel *parcel);

/* Who made it; FIEF_ID_NONE if it is no parcel. By the holder. */
FIEF_API fief_id fief_parcel_maker(const fief_parcel *parcel);

/* Seals a parcel and has deliver(target, parcel, arg) called in the target: at once if that is f itself, else when
 * it polls. It is f's no longer if FIEF_XI_QUEUED or FIEF_XI_RAN is returned. Else it stays f's, as it was:
 * FIEF_XI_CLOSING or FIEF_XI_GONE, FIEF_XI_NO_MEMORY on exhaustion, FIEF_XI_BAD_ARGUMENT if deliver is NULL or f
 * does not hold it, which is misuse. Whatever f does then, ending included, it arrives; if the target closes
 * before, it is unread. Cost: constant, and from FIEF_DEBUG_CHECK on a system call for each arena. */
FIEF_API fief_xi_result fief_parcel_send(fief *f, fief_parcel *parcel, fief_id target, fief_parcel_fn *deliver,
                                         void *arg);

/* Makes all blocks of a parcel f's own; the parcel is no more. *root (NULL: not wanted) is its root. Blocks, bytes
 * and memory move from its counters to f's, with all that it counted. FIEF_NO_MEMORY on exhaustion, or if f would
 * pass its hard limit (its pressure callback is asked first); FIEF_BAD_STATE if f does not hold it, which is
 * misuse, if their debug levels differ, if f is immortal, or if it is zeroed and the maker was not. Then f still
 * holds it. An interpreter may receive what it made itself. Cost: in the number of arenas and pools (one for each
 * 64 KiB of small blocks, one for each large block); no block is touched. */
FIEF_API fief_status fief_parcel_receive(fief *f, fief_parcel *parcel, void **root);

/* Ends a parcel with all blocks in it, which is no leak. NULL is FIEF_OK. FIEF_BAD_STATE if f does not hold it,
 * which is misuse. Cost: fief_destroy's. */
FIEF_API fief_status fief_parcel_destroy(fief *f, fief_parcel *parcel);

/* When an interpreter ends, after its at-exit callbacks, what it holds is unread. A parcel dies if it was never
 * sent, if it came from itself, if `returned` is NULL, or if its maker is ending, too. Else it goes back, sealed:
 * its maker may receive it, send it again, or destroy it. The blocks of one that dies are counted as leaked, and
 * told as such from FIEF_DEBUG_CHECK on. */

#ifdef __cplusplus
}
#endif

#endif
