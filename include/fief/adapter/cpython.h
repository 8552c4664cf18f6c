/* adapter/cpython.h - CPython 3.9 and later, as it is, with a fief for each interpreter of the process.
 *
 * libfief-cpython.so installs itself when it is loaded, for the domains mem and obj (the raw domain stays as it
 * is): by LD_PRELOAD into any python3, or linked to a program that embeds libpython,
 *
 *     cc program.c $(pkg-config --cflags --libs fief-cpython) $(python3-config --embed --cflags --ldflags)
 *
 * which then needs no call of this header. It must be loaded before Py_Initialize. docs/cpython.md tells the
 * modes, what is counted and reported, and what is not supported.
 *
 * Interpreters that CPython has share the main one's heap (from 3.12 on those with use_main_obmalloc, which all of
 * Py_NewInterpreter have) share the main one's fief. The main interpreter's fief lasts as long as the process,
 * through any number of Py_Finalize and Py_Initialize. */
#ifndef FIEF_ADAPTER_CPYTHON_H
#define FIEF_ADAPTER_CPYTHON_H

#include "../fief.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fief_cpython_config {
    size_t size;        /* sizeof(fief_cpython_config): lets the struct grow */
    size_t limit_bytes; /* of each interpreter; beyond it MemoryError. 0: none */
    bool reclaim; /* an ended interpreter's memory is taken back with what it has leaked. Of a Python before 3.12,
                     whose interpreters share objects, it is kept all the same */
    bool report;  /* foreign and late frees are reported before 3.12, too, where healthy programs have some */
} fief_cpython_config;

#define FIEF_CPYTHON_CONFIG_INIT                                                                                  \
    { sizeof(fief_cpython_config), 0, false, false }

/* Installs the heaps unless the library's loading has done so, and sets the modes for the interpreters that come;
 * the limit for the main one, too. `config` NULL: as the environment says (FIEF_CPYTHON, FIEF_RUN), or as it was.
 * Before Py_Initialize, or with the main interpreter's GIL. FIEF_BAD_STATE: the heaps are not installed, and
 * fief_cpython_refusal tells why; FIEF_BAD_ARGUMENT; FIEF_NO_MEMORY. */
FIEF_API fief_status fief_cpython_install(const fief_cpython_config *config);

/* A short English text, static: why the heaps are not installed. NULL: they are. Any thread. */
FIEF_API const char *fief_cpython_refusal(void);

/* The fief of an interpreter, by PyInterpreterState_GetID: for fief_stats_read, fief_limit_set, fief_trim and the
 * like, under fief.h's contract, whose lock is that interpreter's GIL. NULL if it has allocated nothing yet, or
 * has ended. Any thread; keep the interpreter from ending. */
FIEF_API fief *fief_cpython_heap(int64_t interpreter);

/* Tears down what interpreters that have ended left behind; returns how many. That happens by itself whenever
 * another one is created or ends. With any interpreter's GIL, and no exception set. */
FIEF_API size_t fief_cpython_reap(void);

#ifdef __cplusplus
}
#endif

#endif
