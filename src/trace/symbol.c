#include "trace/symbol.h"

#include "base/atomics.h"
#include "base/attributes.h"
#include "base/lock.h"

/* This thread is in here already, and may hold the lock. */
static FI_THREAD_LOCAL bool inside;

static uint64_t forgone;

void fi_symbols_forgo(void) {
    fi_store_relaxed(&forgone, 1);
}

static fief_naming_fn *around;

void fi_symbols_around(fief_naming_fn *fn) {
    fi_store_release(&around, fn);
}

static void find_places(uintptr_t call, fi_symbol *out) {
    fi_lock(FI_RANK_SYMBOLS);
    fief_naming_fn *fn = fi_load_acquire(&around);
    if (fn != NULL)
        fn(true);
    out->count = fi_os_debug_places(call, out->places);
    if (fn != NULL)
        fn(false);
    fi_unlock(FI_RANK_SYMBOLS);
    if (out->count > 0 && out->places[out->count - 1].function[0] != 0)
        return;
    out->count = out->count > 0 ? out->count : 1;
    fi_place *last = &out->places[out->count - 1];
    fi_os_exported_name(call, last->function, sizeof last->function);
}

void fi_symbolise(uintptr_t pc, fi_symbol *out) {
    uintptr_t call = pc - 1; /* the call may be the last instruction of its function */
    fi_module module;
    out->module[0] = 0;
    out->offset = 0;
    out->count = 1;
    out->places[0].function[0] = out->places[0].file[0] = 0;
    out->places[0].line = 0;
    if (!fi_os_find_module(call, &module))
        return;
    fi_os_module_path(call, out->module, sizeof out->module);
    out->offset = pc - module.bias;
    if (inside || fi_load_relaxed(&forgone) != 0)
        return;
    inside = true;
    find_places(call, out);
    inside = false;
}
