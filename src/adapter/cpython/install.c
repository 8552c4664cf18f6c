#include "adapter/cpython/install.h"

#include "adapter/cpython/domains.h"
#include "adapter/cpython/options.h"
#include "adapter/cpython/python.h"
#include "adapter/cpython/tell.h"
#include "adapter/cpython/tenants.h"
#include "adapter/launch.h"

#include <stdatomic.h>
#include <string.h>

static const char *refusal = "there is no CPython in this process";
static fi_py_allocator stock; /* CPython's own */
static bool is_used;          /* an interpreter has allocated something here */
static atomic_flag is_hooked = ATOMIC_FLAG_INIT;

/* ---- being told ---- */

/* Every audit event of the process, in a thread that has a GIL. CPython puts a pending exception aside, and an
 * interpreter that is being cleared can still raise one, as the look-up of those that are gone does. */
static int hear(const char *event, void *arguments, void *data) {
    (void)arguments;
    (void)data;
    if (strncmp(event, "cpython.", 8) != 0)
        return 0;
    if (strcmp(event, "cpython.PyInterpreterState_New") == 0) {
        fi_tenants_reap();
    } else if (strcmp(event, "cpython.PyInterpreterState_Clear") == 0) {
        fi_tenants_reap();
        fi_tenants_note_ending();
    } else if (strcmp(event, "cpython._PySys_ClearAuditHooks") == 0) {
        fi_tenants_end_lifetime();
        atomic_flag_clear(&is_hooked);
    }
    return 0;
}

/* The hook is for those that end: it makes each audited call slower, id() for one, so that a program with one
 * interpreter has none. If CPython refuses it, what ended interpreters held stays. */
static void meet(int64_t id) {
    if (!is_used) {
        is_used = true;
        fi_py_find_running();
    } else if (id > 0 && !atomic_flag_test_and_set(&is_hooked)) {
        fi_py.add_audit_hook(hear, NULL);
    }
}

/* ---- installing ---- */

static void set_allocators(void) {
    fi_py_allocator ours = fi_domains_allocator;
    fi_py.set_allocator(FI_PY_DOMAIN_MEM, &ours);
    fi_py.set_allocator(FI_PY_DOMAIN_OBJ, &ours);
}

static bool is_replaced(void) {
    fi_py_allocator now;
    fi_py.get_allocator(FI_PY_DOMAIN_MEM, &now);
    return !is_used && now.malloc != fi_domains_allocator.malloc;
}

static fief_status install(void) {
    if (refusal == NULL)
        return is_replaced() ? FIEF_BAD_STATE : FIEF_OK;
    if (!fi_py_find())
        return FIEF_BAD_STATE;
    refusal = fi_py_refusal();
    if (refusal == NULL && fi_py.is_initialized())
        refusal = "it was initialised before the heaps could be installed";
    if (refusal != NULL)
        return FIEF_BAD_STATE;
    fief_status status = fi_tenants_begin(meet);
    if (status != FIEF_OK) {
        refusal = "there is no memory for the main interpreter's heap";
        return status;
    }
    fi_py.get_allocator(FI_PY_DOMAIN_MEM, &stock);
    set_allocators();
    return FIEF_OK;
}

void fi_install_at_load(void) {
    fi_options_read();
    install();
    if (refusal != NULL && fi_py.set_allocator != NULL)
        fi_tell("this python keeps its own allocator: %s", refusal);
}

void fi_install_tell_end(void) {
    if (refusal != NULL)
        return;
    if (is_replaced())
        fi_tell(
            "PYTHONMALLOC, -X dev or the program itself had python use another allocator: its interpreters had no "
            "heaps of fief's");
    else if (fi_launch_get()->stats)
        fi_tenants_tell_figures(!fi_py.is_initialized());
}

/* From 3.12 on an initialisation after a finalisation begins with the runtime's allocators reset, in a function
 * that goes on to allocate. It does nothing twice, and the first part of it can be had alone: setting a string of
 * a PyConfig pre-initialises, with just that config. */
static void initialise_first_part(void *config) {
    void *string = NULL;
    if (config != NULL) {
        fi_py.set_string(config, &string, NULL);
        return;
    }
    uint64_t compat[1024] = {0}; /* a PyConfig, some 450 bytes, and room for what comes to it */
    fi_py.init_compat_config(compat);
    fi_py.set_string(compat, &string, NULL);
    fi_py.clear_config(compat);
}

void fi_install_again(const void *config) {
    bool possible = fi_py.set_string != NULL && fi_py.init_compat_config != NULL && fi_py.clear_config != NULL;
    if (!is_used || fi_py.is_initialized() || !possible)
        return;
    initialise_first_part((void *)(uintptr_t)config);
    fi_py_allocator now;
    fi_py.get_allocator(FI_PY_DOMAIN_MEM, &now);
    if (now.malloc == stock.malloc)
        set_allocators();
}

/* ---- the header's ---- */

static void set_limit(fief *heap, size_t bytes) {
    fief_limit limit = {bytes, 0, 0, NULL, NULL};
    fief_limit_set(heap, &limit);
}

fief_status fief_cpython_install(const fief_cpython_config *config) {
    if (config != NULL && config->size != sizeof *config)
        return FIEF_BAD_ARGUMENT;
    fief_status status = install();
    if (status == FIEF_OK && config != NULL) {
        fi_options = *config;
        set_limit(fi_tenants_find(0), config->limit_bytes);
    }
    return status;
}

const char *fief_cpython_refusal(void) {
    return refusal == NULL && is_replaced() ? "python uses another allocator" : refusal;
}

fief *fief_cpython_heap(int64_t interpreter) {
    return fi_tenants_find(interpreter);
}

size_t fief_cpython_reap(void) {
    return refusal == NULL ? fi_tenants_reap() : 0;
}
