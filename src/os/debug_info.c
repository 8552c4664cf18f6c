#define _GNU_SOURCE
#include "os/debug_info.h"

#include "base/text.h"
#include "os/modules.h"

#ifdef FI_HAS_LIBDW

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <unistd.h>

#define FUNCTIONS(F)                                                                                              \
    F(dwfl_begin)                                                                                                 \
    F(dwfl_report_begin)                                                                                          \
    F(dwfl_report_end)                                                                                            \
    F(dwfl_linux_proc_report)                                                                                     \
    F(dwfl_linux_proc_find_elf)                                                                                   \
    F(dwfl_build_id_find_debuginfo)                                                                               \
    F(dwfl_addrmodule)                                                                                            \
    F(dwfl_module_addrinfo)                                                                                       \
    F(dwfl_module_addrdie)                                                                                        \
    F(dwfl_module_nextcu)                                                                                         \
    F(dwarf_haspc)                                                                                                \
    F(dwarf_getsrc_die)                                                                                           \
    F(dwarf_linesrc)                                                                                              \
    F(dwarf_lineno)                                                                                               \
    F(dwarf_getscopes)                                                                                            \
    F(dwarf_getscopes_die)                                                                                        \
    F(dwarf_tag)                                                                                                  \
    F(dwarf_diename)                                                                                              \
    F(dwarf_diecu)                                                                                                \
    F(dwarf_getsrcfiles)                                                                                          \
    F(dwarf_filesrc)                                                                                              \
    F(dwarf_attr)                                                                                                 \
    F(dwarf_formudata)

/* libdw's functions, by their own names. */
static struct {
#define POINTER(name) __typeof__(name) *name;
    FUNCTIONS(POINTER)
#undef POINTER
} dw;

static Dwfl *session;    /* NULL: none yet */
static uint64_t version; /* of the modules that it knows */

static bool load_libdw(void) {
    enum { UNTRIED, MISSING, LOADED };
    static int state;
    if (state != UNTRIED)
        return state == LOADED;
    state = MISSING;
    void *library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    bool whole = true;
#define LOAD(name)                                                                                                \
    *(void **)&dw.name = dlsym(library, #name);                                                                   \
    whole = whole && dw.name != NULL;
    FUNCTIONS(LOAD)
#undef LOAD
    state = whole ? LOADED : MISSING;
    return whole;
}

/* Its usual way to find debug information ends at a server. By the build's id it looks in this machine's files. */
static int find_debug_file(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, const char *file,
                           const char *link, GElf_Word sum, char **found) {
    return dw.dwfl_build_id_find_debuginfo(module, data, name, base, file, link, sum, found);
}

/* What was loaded or unloaded since is looked at again; the rest is kept. */
static bool open_session(void) {
    static Dwfl_Callbacks callbacks = {.find_debuginfo = find_debug_file};
    uint64_t now = fi_os_modules_version();
    if (session != NULL && now == version)
        return true;
    if (!load_libdw())
        return false;
    callbacks.find_elf = dw.dwfl_linux_proc_find_elf;
    if (session == NULL)
        session = dw.dwfl_begin(&callbacks);
    else
        dw.dwfl_report_begin(session);
    if (session == NULL)
        return false;
    bool reported = dw.dwfl_linux_proc_report(session, getpid()) == 0;
    version = dw.dwfl_report_end(session, NULL, NULL) == 0 && reported ? now : 0;
    return reported;
}

/* ---- places ---- */

static unsigned attribute(Dwarf_Die *die, unsigned name) {
    Dwarf_Attribute found;
    Dwarf_Word value = 0;
    if (dw.dwarf_attr(die, name, &found) == NULL || dw.dwarf_formudata(&found, &value) != 0)
        return 0;
    return (unsigned)value;
}

/* Where an inlined function was called. */
static void read_call(Dwarf_Die *die, fi_place *out) {
    enum { CALL_FILE = 0x58, CALL_LINE = 0x59 };
    Dwarf_Die unit;
    Dwarf_Files *files;
    const char *file = NULL;
    if (dw.dwarf_diecu(die, &unit, NULL, NULL) != NULL && dw.dwarf_getsrcfiles(&unit, &files, NULL) == 0)
        file = dw.dwarf_filesrc(files, attribute(die, CALL_FILE), NULL, NULL);
    fi_text_copy(out->file, sizeof out->file, file);
    out->line = attribute(die, CALL_LINE);
}

/* From the innermost scope out to the function that is not inlined. The first place has its file and line. */
static unsigned read_functions(Dwarf_Die *innermost, fi_place *places) {
    enum { INLINED = 0x1D, FUNCTION = 0x2E };
    Dwarf_Die *scopes = NULL;
    int scope_count = dw.dwarf_getscopes_die(innermost, &scopes);
    unsigned count = 0;
    for (int i = 0; i < scope_count; i++) {
        int tag = dw.dwarf_tag(&scopes[i]);
        if (tag != INLINED && tag != FUNCTION)
            continue;
        fi_text_copy(places[count].function, sizeof places[count].function, dw.dwarf_diename(&scopes[i]));
        count++;
        if (tag == FUNCTION || count == FI_MOST_PLACES)
            break;
        read_call(&scopes[i], &places[count]);
        places[count].function[0] = 0;
    }
    free(scopes);
    return count;
}

/* The unit of source that has the instruction. Clang leaves out the table of which has which. */
static Dwarf_Die *find_unit(Dwfl_Module *module, uintptr_t address, Dwarf_Addr *bias) {
    Dwarf_Die *unit = dw.dwfl_module_addrdie(module, address, bias);
    if (unit != NULL)
        return unit;
    while ((unit = dw.dwfl_module_nextcu(module, unit, bias)) != NULL)
        if (dw.dwarf_haspc(unit, address - *bias) > 0)
            return unit;
    return NULL;
}

static unsigned read_unit(Dwarf_Die *unit, Dwarf_Addr address, fi_place *places) {
    Dwarf_Line *line = dw.dwarf_getsrc_die(unit, address);
    int number = 0;
    if (line != NULL && dw.dwarf_lineno(line, &number) == 0)
        fi_text_copy(places[0].file, sizeof places[0].file, dw.dwarf_linesrc(line, NULL, NULL));
    places[0].line = (unsigned)number;

    Dwarf_Die *scopes = NULL;
    if (dw.dwarf_getscopes(unit, address, &scopes) <= 0)
        return 0;
    Dwarf_Die innermost = scopes[0];
    free(scopes);
    return read_functions(&innermost, places);
}

bool fi_os_has_debug_info(void) {
    return load_libdw();
}

unsigned fi_os_debug_places(uintptr_t address, fi_place *places) {
    places[0] = (fi_place){.line = 0};
    if (!open_session())
        return 0;
    Dwfl_Module *module = dw.dwfl_addrmodule(session, address);
    if (module == NULL)
        return 0;
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = find_unit(module, address, &bias);
    unsigned count = unit != NULL ? read_unit(unit, address - bias, places) : 0;
    if (count > 0 && places[count - 1].function[0] != 0)
        return count;

    GElf_Off offset;
    GElf_Sym symbol;
    const char *name = dw.dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
    count = count > 0 ? count : 1;
    fi_text_copy(places[count - 1].function, sizeof places[0].function, name);
    return count;
}

#else

bool fi_os_has_debug_info(void) {
    return false;
}

unsigned fi_os_debug_places(uintptr_t address, fi_place *places) {
    (void)address;
    (void)places;
    return 0;
}

#endif
