/* Where the outside comes in: the library is loaded and unloaded, and a program that is linked to libpython begins
 * a lifetime of the runtime, through functions of CPython's that stand here under the same names. CPython's own
 * calls of them need not come here. */
#define _GNU_SOURCE 1 /* RTLD_NEXT; the same as -D_GNU_SOURCE */
#include "adapter/cpython/install.h"
#include "adapter/cpython/python.h"

#include <dlfcn.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

__attribute__((constructor)) static void load(void) {
    fi_install_at_load();
}

__attribute__((destructor)) static void unload(void) {
    fi_install_end();
}

/* CPython's own function of a name that stands here, too: the next one in the order of loading or, where libpython
 * was loaded for a plugin alone, the one that the caller was linked to. */
static void *own(const char *name, void *caller) {
    void *found = dlsym(RTLD_NEXT, name);
    Dl_info from;
    if (found == NULL && dladdr(caller, &from) != 0)
        found = dlsym(dlopen(from.dli_fname, RTLD_LAZY | RTLD_NOLOAD), name);
    return found;
}

/* POSIX has data pointers of dlsym's be functions, ISO C has no conversion for it. */
#define FIND_OWN(function, name)                                                                                  \
    do {                                                                                                          \
        void *found = own(name, __builtin_return_address(0));                                                     \
        memcpy(&(function), &found, sizeof found);                                                                \
    } while (0)

EXPORTED fi_py_status Py_InitializeFromConfig(const void *config);
EXPORTED void Py_InitializeEx(int install_signal_handlers);
EXPORTED void Py_Initialize(void);

fi_py_status Py_InitializeFromConfig(const void *config) {
    fi_py_status (*real)(const void *);
    FIND_OWN(real, "Py_InitializeFromConfig");
    if (config != NULL)
        fi_install_again(config);
    return real(config);
}

void Py_InitializeEx(int install_signal_handlers) {
    void (*real)(int);
    FIND_OWN(real, "Py_InitializeEx");
    fi_install_again(NULL);
    real(install_signal_handlers);
}

void Py_Initialize(void) {
    void (*real)(void);
    FIND_OWN(real, "Py_Initialize");
    fi_install_again(NULL);
    real();
}
