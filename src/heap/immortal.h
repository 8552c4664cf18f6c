/* Heaps whose blocks are never freed, and may be made read-only.
 *
 * An immortal heap is a heap like any other, but for four things. Its handle has no table of pools, so that its
 * own frees take the slow path, as those of others do anyway; there a free of its blocks is counted, and is none.
 * Its slot says what it is, beside the debug level: what frees a block without a handle looks at both with one
 * load. It has nothing but the handle in its first granule, so that the handle's page stays writable where all
 * others are not. And an end of it finds no leaks.
 *
 * Of a frozen one all lists are empty, and `attention_at` is 0: each allocation is for src/debug to answer, which
 * refuses it. */
#ifndef FI_HEAP_IMMORTAL_H
#define FI_HEAP_IMMORTAL_H

#include "heap/find.h"

/* A heap that has just begun, watched or not, is to be one. */
FI_COLD void fi_immortal_begin(fief *f);

/* It is none any more, and can be taken apart. It is not frozen. */
FI_COLD void fi_immortal_end(fief *f);

/* See fief_freeze and fief_thaw. */
FI_COLD fief_status fi_immortal_freeze(fief *f);
FI_COLD fief_status fi_immortal_thaw(fief *f);

/* Whether an address is a living immortal heap's. Any thread. */
bool fi_immortal_holds(const void *p);

/* An allocation in a frozen heap: NULL. */
FI_COLD void *fi_immortal_refuse(fief *f);

/* Somebody frees or resizes an immortal block: counts it, and follows the policy. `verdict` is what is told of
 * what follows. f is the caller, NULL where there is no handle. */
FI_COLD void fi_immortal_meet(fief *f, const fi_found *found, const fi_incident *met, const char *verdict);

#endif
