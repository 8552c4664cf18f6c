/* Heaps that are part of an interpreter's, until they become another's, or end: what parcels are made of.
 *
 * A subheap has a handle, arenas, limits and counters of its own, and an id of its own, so that what is done to
 * its blocks is told as what it is; but nobody finds it or calls it. Its handle's state is CLOSING throughout: the
 * heap works, and the program can neither end it nor hang callbacks on its end. Sealed it is DEAD, and each use of
 * the handle is told. */
#ifndef FI_INTERP_SUBHEAP_H
#define FI_INTERP_SUBHEAP_H

#include "heap/heap.h"

enum { FI_SUBHEAP_NOTES_BYTES = 112 };

/* In memory of the system's, whatever `config` says. */
fief_status fi_subheap_begin(fief **out, const fief_config *config);

/* Room for whoever made it: FI_SUBHEAP_NOTES_BYTES that are there as long as it is, between its handle and its
 * first block. */
void *fi_subheap_notes(fief *f);

/* The subheap whose notes are there; NULL for any other address. Any thread. */
fief *fi_subheap_at(const void *notes);

/* No more use of the handle, from a debug level on no writes to the blocks. And back: false, where the system does
 * not allow it, and nothing has changed. */
void fi_subheap_seal(fief *f);
FI_MUST_USE bool fi_subheap_unseal(fief *f);

/* Makes all that is in a sealed one `to`'s; it is no more then. FIEF_NO_MEMORY at the hard limit, or on
 * exhaustion, FIEF_BAD_STATE if their debug levels differ: nothing has changed. */
fief_status fi_subheap_merge(fief *to, fief *f);

/* Ends it, sealed or not, with all that is in it. What is live is a leak, or if it is `wanted` so, none. */
void fi_subheap_end(fief *f, bool wanted);

#endif
