/* The program and the libraries that the process has loaded. */
#ifndef FI_OS_MODULES_H
#define FI_OS_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FI_OS_PATH_BYTES = 320 };

typedef struct fi_module {
    uintptr_t bias;       /* what loading added to the addresses in the file */
    uintptr_t start, end; /* the segment that holds the address asked for */
    uintptr_t tables;     /* .eh_frame_hdr; 0: none */
    size_t tables_bytes;
} fi_module;

/* False: no module's. Under the loader's lock, so not for a signal handler that may have interrupted a dlopen. */
bool fi_os_find_module(uintptr_t address, fi_module *out);

/* The path of the file; it is cut, and "" where nothing is known. */
void fi_os_module_path(uintptr_t address, char *path, size_t bytes);

/* The name of the function, where the dynamic linker knows it: exported ones. "" if it does not. */
void fi_os_exported_name(uintptr_t address, char *name, size_t bytes);

/* Another number once modules were loaded or unloaded. */
uint64_t fi_os_modules_version(void);

#endif
