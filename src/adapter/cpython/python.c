#define _GNU_SOURCE 1 /* RTLD_DEFAULT; the same as -D_GNU_SOURCE */
#include "adapter/cpython/python.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* PyThreadState_GetInterpreter is of 3.9, which all before it lack. */
enum { OLDEST_MINOR = 9, OWN_HEAPS_MINOR = 12 };

/* Py_RTFLAGS_USE_MAIN_OBMALLOC */
#define USES_MAIN_HEAP (1UL << 5)

fi_python fi_py;

static fi_py_thread *const unknown = NULL;
fi_py_thread *const *fi_py_running = &unknown;

/* _PyRuntime.gilstate.tstate_current on 64 bit, in bytes from _PyRuntime on; 0: there is none. A minor version's
 * layout is the same in all of its releases. */
static const size_t running_offset[] = {[9] = 568, [10] = 568, [11] = 576};

/* POSIX has data pointers of dlsym's be functions, ISO C has no conversion for it. */
static void find(const char *name, void *pointer) {
    void *found = dlsym(RTLD_DEFAULT, name);
    memcpy(pointer, &found, sizeof found);
}

bool fi_py_find(void) {
    find("PyMem_SetAllocator", &fi_py.set_allocator);
    if (fi_py.set_allocator == NULL)
        return false;
    find("PyMem_GetAllocator", &fi_py.get_allocator);
    find("Py_GetVersion", &fi_py.version);
    find("Py_IsInitialized", &fi_py.is_initialized);
    find("PySys_AddAuditHook", &fi_py.add_audit_hook);
    find("PyErr_Clear", &fi_py.clear_error);
    find("PyThreadState_GetUnchecked", &fi_py.current_thread);
    if (fi_py.current_thread == NULL)
        find("_PyThreadState_UncheckedGet", &fi_py.current_thread);
    find("PyThreadState_GetInterpreter", &fi_py.interpreter_of);
    find("PyInterpreterState_GetID", &fi_py.id_of);
    find("_PyInterpreterState_LookUpID", &fi_py.look_up);
    find("_PyInterpreterState_HasFeature", &fi_py.has_feature);
    find("_PyInterpreterConfig_InitFromState", &fi_py.read_config);
    find("PyConfig_SetString", &fi_py.set_string);
    find("_PyConfig_InitCompatConfig", &fi_py.init_compat_config);
    find("PyConfig_Clear", &fi_py.clear_config);
    return true;
}

const char *fi_py_refusal(void) {
    const char *version = fi_py.version != NULL ? fi_py.version() : "";
    if (strncmp(version, "3.", 2) != 0)
        return "it is no Python 3";
    fi_py.minor = atoi(version + 2);
    if (strstr(version, "free-threading") != NULL)
        return "it is built without the GIL, and its objects must stay with its own allocator";
    if (fi_py.minor < OLDEST_MINOR)
        return "it is older than 3.9";
    if (fi_py.get_allocator == NULL || fi_py.is_initialized == NULL || fi_py.add_audit_hook == NULL ||
        fi_py.clear_error == NULL || fi_py.current_thread == NULL || fi_py.interpreter_of == NULL ||
        fi_py.id_of == NULL)
        return "it does not export what tells its interpreters apart";
    return NULL;
}

void fi_py_find_running(void) {
    char *runtime;
    find("_PyRuntime", &runtime);
    size_t count = sizeof running_offset / sizeof *running_offset;
    if (runtime == NULL || (size_t)fi_py.minor >= count || sizeof(void *) != 8)
        return;
    fi_py_thread *const *running = (fi_py_thread *const *)(void *)(runtime + running_offset[fi_py.minor]);
    fi_py_thread *thread = fi_py.current_thread();
    if (*running == thread && fi_py_interpreter_of_running(thread) == fi_py.interpreter_of(thread))
        fi_py_running = running;
}

int64_t fi_py_current_id(void) {
    fi_py_thread *thread = fi_py.current_thread();
    return thread != NULL ? fi_py.id_of(fi_py.interpreter_of(thread)) : -1;
}

bool fi_py_shares_main(fi_py_interpreter *interpreter) {
    if (fi_py.minor < OWN_HEAPS_MINOR)
        return false;
    if (fi_py.has_feature != NULL)
        return fi_py.has_feature(interpreter, USES_MAIN_HEAP) != 0;
    /* PyInterpreterConfig: use_main_obmalloc is its first field; there is room for all that may come to it. */
    int config[64] = {0};
    return fi_py.read_config != NULL && fi_py.read_config(config, interpreter) == 0 && config[0] != 0;
}

bool fi_py_shares_objects(void) {
    return fi_py.minor < OWN_HEAPS_MINOR;
}
