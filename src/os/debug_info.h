/* Functions, files and lines, out of the debug information of the modules.
 *
 * By libdw (elfutils) where the build found its header and the process finds the library, which is loaded at first
 * use; otherwise nothing is known here. Files of this machine only: it never asks a server. */
#ifndef FI_OS_DEBUG_INFO_H
#define FI_OS_DEBUG_INFO_H

#include <stdbool.h>
#include <stdint.h>

enum { FI_MOST_PLACES = 8, FI_PLACE_NAME_BYTES = 192, FI_PLACE_FILE_BYTES = 320 };

/* Where in the source: a function, and a line in it. Empty and 0 where it is not known. */
typedef struct fi_place {
    char function[FI_PLACE_NAME_BYTES];
    char file[FI_PLACE_FILE_BYTES];
    unsigned line;
} fi_place;

/* Whether this build can look. */
bool fi_os_has_debug_info(void);

/* The places of an instruction, at most FI_MOST_PLACES; several are functions inlined in one another, innermost
 * first. Returns how many, 0 if nothing is known. Under a lock of the caller's; takes memory from malloc. */
unsigned fi_os_debug_places(uintptr_t address, fi_place *places);

#endif
