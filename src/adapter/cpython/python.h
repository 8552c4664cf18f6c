/* What the shim knows of CPython: a few functions, found in the process at run time, and the few declarations that
 * have been the same in every version that it supports. No header of CPython's is needed, and none would do, as
 * one library serves them all. */
#ifndef FI_ADAPTER_CPYTHON_PYTHON_H
#define FI_ADAPTER_CPYTHON_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fi_py_thread fi_py_thread;           /* PyThreadState */
typedef struct fi_py_interpreter fi_py_interpreter; /* PyInterpreterState */

/* PyMemAllocatorEx */
typedef struct fi_py_allocator {
    void *ctx;
    void *(*malloc)(void *ctx, size_t size);
    void *(*calloc)(void *ctx, size_t count, size_t size);
    void *(*realloc)(void *ctx, void *p, size_t size);
    void (*free)(void *ctx, void *p);
} fi_py_allocator;

enum { FI_PY_DOMAIN_MEM = 1, FI_PY_DOMAIN_OBJ = 2 }; /* PyMemAllocatorDomain; 0 is raw */

/* PyStatus */
typedef struct fi_py_status {
    int type; /* 0: fine; 1: an error */
    const char *function;
    const char *message;
    int exit_code;
} fi_py_status;

typedef int fi_py_audit_hook(const char *event, void *arguments, void *data);

typedef struct fi_python {
    int minor; /* of 3.minor */
    const char *(*version)(void);
    int (*is_initialized)(void);
    void (*get_allocator)(int domain, fi_py_allocator *out);
    void (*set_allocator)(int domain, fi_py_allocator *allocator);
    int (*add_audit_hook)(fi_py_audit_hook *hook, void *data);
    void (*clear_error)(void);

    /* The calling thread's state, NULL where it has none. None of the three checks anything, or takes a lock. */
    fi_py_thread *(*current_thread)(void);
    fi_py_interpreter *(*interpreter_of)(fi_py_thread *thread);
    int64_t (*id_of)(fi_py_interpreter *interpreter);

    /* NULL, and an exception set, once the interpreter has ended. */
    fi_py_interpreter *(*look_up)(int64_t id);

    /* Ways to ask an interpreter whether it uses the main one's heap. NULL where the version does not have it. */
    int (*has_feature)(fi_py_interpreter *interpreter, unsigned long feature);
    int (*read_config)(void *config, fi_py_interpreter *interpreter);

    /* For another initialisation after a finalisation. */
    fi_py_status (*set_string)(void *config, void *string, const void *value);
    void (*init_compat_config)(void *config);
    void (*clear_config)(void *config);
} fi_python;

extern fi_python fi_py;

/* Where CPython keeps the thread that runs, so that nothing need be called to know it; where that is not known,
 * always NULL. Until 3.11 one variable of the runtime's. */
extern fi_py_thread *const *fi_py_running;

/* PyThreadState's third word, as it is verified to be before fi_py_running tells anything. */
static inline fi_py_interpreter *fi_py_interpreter_of_running(fi_py_thread *thread) {
    return ((fi_py_interpreter **)thread)[2];
}

/* Finds them. False: there is no CPython in this process. */
bool fi_py_find(void);

/* Why this CPython can't be served, or NULL. */
const char *fi_py_refusal(void);

/* Looks for it, in a thread that has a state: what is there must be what the functions say. */
void fi_py_find_running(void);

/* The calling thread's interpreter: its id, or -1. */
int64_t fi_py_current_id(void);

/* Whether an interpreter shares the main one's heap by its own configuration (from 3.12 on there are both kinds).
 * Right from the moment on that a thread of its runs. */
bool fi_py_shares_main(fi_py_interpreter *interpreter);

/* Whether interpreters share objects with each other, each with the heap that it likes: until 3.11. */
bool fi_py_shares_objects(void);

#endif
