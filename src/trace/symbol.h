/* From the address of code to the names of it, at report time.
 *
 * May take memory from malloc, never from a fief, and is slow. Nothing is fetched from anywhere but this machine's
 * files. */
#ifndef FI_TRACE_SYMBOL_H
#define FI_TRACE_SYMBOL_H

#include "fief/trace.h"
#include "os/debug_info.h"
#include "os/modules.h"

#include <stddef.h>

typedef struct fi_symbol {
    char module[FI_OS_PATH_BYTES]; /* the file that holds the code; empty: none does */
    size_t offset;                 /* of the return address in the module, as addr2line takes it */
    unsigned count;                /* of places; at least 1 */
    fi_place places[FI_MOST_PLACES];
} fi_symbol;

/* Of the call that returns to `pc`. Any thread; inside itself, as when malloc reports a misuse, it finds the
 * module alone. */
void fi_symbolise(uintptr_t pc, fi_symbol *out);

/* Is called, in the lock, around each look for names. NULL: nobody is. */
void fi_symbols_around(fief_naming_fn *fn);

/* From now on nothing is looked up but the module. */
void fi_symbols_forgo(void);

#endif
