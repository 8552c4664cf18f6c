/* Which interpreter has which heap.
 *
 * The calling thread's interpreter is asked for at each call, by functions of CPython's that only read: there is no
 * sure sign that a second interpreter has come (the audit event of PyInterpreterState_New is not raised where the
 * creating thread has no state of its own, as in 3.13's _interpreters.create), and where it may have a GIL of its own
 * the main one's heap is not to be used by it for a moment.
 *
 * Until 3.11 there is but one GIL, a heap may be used by any interpreter, and the event is good enough: before it
 * the main interpreter's heap is found by reading one variable. */
#ifndef FI_ADAPTER_CPYTHON_TENANTS_H
#define FI_ADAPTER_CPYTHON_TENANTS_H

#include "fief/fief.h"

#include <stdatomic.h>

/* Everybody's heap, while there is only the main interpreter and it does no harm to be wrong; else NULL. */
extern _Atomic(fief *) fi_tenants_sole;

/* Creates the main interpreter's heap, which lasts as long as the process. `met` is called when a lifetime of the
 * runtime makes its first allocation: the first one does, and after fi_tenants_expect_main another. */
fief_status fi_tenants_begin(void (*met)(void));
void fi_tenants_expect_main(void);

void fi_tenants_open_sole(void);  /* there is but the main interpreter; nothing happens from 3.12 on */
void fi_tenants_close_sole(void); /* there may be others */

/* The heap of the calling thread's interpreter. NULL: the thread has none, or there is no memory for a heap. */
fief *fi_tenants_current(void);

/* The heap of what is allocated by threads without an interpreter, while the runtime begins and ends; NULL on
 * exhaustion. Between borrow and give_back nobody else has it. */
fief *fi_tenants_borrow_outside(void);
void fi_tenants_give_back_outside(void);
bool fi_tenants_owns_outside(const void *p);

fief *fi_tenants_find(int64_t id);

/* The calling thread's interpreter begins to end. */
void fi_tenants_note_ending(void);

/* Destroys the heaps of those that have ended; returns how many. With a GIL; clears the error indicator. */
size_t fi_tenants_reap(void);

/* Tells the figures of all. `at_rest`: no thread uses a heap any more, so that they can be made exact. */
void fi_tenants_tell_figures(bool at_rest);

#endif
