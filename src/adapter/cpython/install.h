/* Putting the heaps under CPython, and keeping them there: from one lifetime of its runtime to the next, and until
 * its environment says otherwise. */
#ifndef FI_ADAPTER_CPYTHON_INSTALL_H
#define FI_ADAPTER_CPYTHON_INSTALL_H

/* When the library is loaded. Without a CPython in the process nothing happens. */
void fi_install_at_load(void);

/* When it is unloaded: what FIEF_RUN wants told, and that all was in vain. */
void fi_install_tell_end(void);

/* Before an initialisation of the runtime: if it is not the first one. `config` is the PyConfig that it is going to
 * have, NULL the one of Py_InitializeEx. */
void fi_install_again(const void *config);

#endif
