/* A thread's heap: every thread is a tenant with a fief of its own.
 *
 * A thread gets one when it first allocates. When it ends, the heap goes with whatever is still live in it to the
 * next thread that begins; a heap in which nothing is live is destroyed. Heaps that wait are looked through now
 * and then for what other threads have freed meanwhile.
 *
 *     without -> (first allocation) -> a heap of its own -> (last round of the thread's destructors) -> ended
 *
 * Before its first allocation and after its end a thread's word points to one of two stand-ins, which are empty
 * and own nothing: so the fast paths need no test for it. What a thread allocates after its end, and what there is
 * no memory for a heap of its own for, comes from one shared heap, under a lock. */
#ifndef FI_PRELOAD_TENANT_H
#define FI_PRELOAD_TENANT_H

#include "base/attributes.h"
#include "fief/inline.h"

/* The calling thread's heap, or a stand-in. The only thread-local word of the library. */
extern FI_THREAD_LOCAL fief *fi_tenant_heap;

/* A heap that the calling thread may use until fi_tenant_leave(): its own, or the shared one, locked. NULL:
 * exhaustion. Other threads' heaps are looked after on the way. */
fief *fi_tenant_enter(void);
void fi_tenant_leave(const fief *f); /* NULL: nothing */

/* The calling thread's own heap, which it gets if it had none. NULL: it has ended, or exhaustion. */
fief *fi_tenant_own(void);

/* The tag of a thread's record, which is in its heap. */
#define FI_TENANT_RECORD "a thread's record"

/* Shows each heap that is nobody else's at the moment: the calling thread's, the shared one, and those that wait.
 */
typedef void fi_tenant_fn(fief *f);
void fi_tenant_each(fi_tenant_fn *show);

/* Where there is a limit: the calling thread gives back what it was lent and does not use. */
void fi_tenant_review(void);

/* Takes in what came home to the heaps that wait, and has them give back what they were lent and do not use;
 * unless another thread is about something like it. */
void fi_tenant_settle_waiting(void);

/* Gives back what no thread uses. Returns the bytes given back. */
size_t fi_tenant_trim_waiting(void);

#endif
