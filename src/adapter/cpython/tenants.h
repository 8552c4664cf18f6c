/* Which interpreter has which heap.
 *
 * The calling thread's interpreter is asked for at each call. Nothing less would do: no sign of CPython's says
 * surely that a second interpreter has come (the audit event of its creation is not raised where the creating
 * thread has no state of its own, as in 3.13's _interpreters.create), and where that one has a GIL of its own it
 * must not use the main one's heap for a moment. What ends is told by an audit event, and looked up before its
 * heap goes: to be asked too late costs memory, no more. */
#ifndef FI_ADAPTER_CPYTHON_TENANTS_H
#define FI_ADAPTER_CPYTHON_TENANTS_H

#include "adapter/cpython/python.h"
#include "fief/fief.h"

#include <stdatomic.h>

/* The main interpreter, once it has allocated something, and its heap, which lasts as long as the process. */
typedef struct fi_tenants_main_interpreter {
    _Atomic(fi_py_interpreter *) interpreter;
    fief *heap;
} fi_tenants_main_interpreter;

extern fi_tenants_main_interpreter fi_tenants_main;

/* The heap of the calling thread's interpreter, if that is the main one and no function is needed to know it; else
 * NULL. */
static inline fief *fi_tenants_if_main(void) {
    fi_py_thread *thread = __atomic_load_n(fi_py_running, __ATOMIC_RELAXED);
    if (__builtin_expect(thread == NULL, 0))
        return NULL;
    fi_py_interpreter *main = atomic_load_explicit(&fi_tenants_main.interpreter, memory_order_relaxed);
    if (fi_py_interpreter_of_running(thread) != main)
        return NULL;
    if (fi_tenants_main.heap == NULL) /* it is there before the interpreter is known: that costs no test */
        __builtin_unreachable();
    return fi_tenants_main.heap;
}

/* Creates the main interpreter's heap. `met` is called, with its GIL, when an interpreter makes its first
 * allocation. */
fief_status fi_tenants_begin(void (*met)(int64_t id));

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

/* The runtime ends: interpreters but the main one that have not ended are left what they have, and their ids
 * become others'. */
void fi_tenants_end_lifetime(void);

/* The end of the process: does what FIEF_RUN wants done then. `at_rest`: no thread uses a heap any more; else only
 * figures are told, as of when they were last published. */
void fi_tenants_end(bool at_rest);

#endif
