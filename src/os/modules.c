#define _GNU_SOURCE
#include "os/modules.h"

#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <unistd.h>

typedef struct search {
    uintptr_t address;
    fi_module *module;
    char *path; /* NULL: not asked for */
    size_t path_bytes;
} search;

/* The program itself has no name there. */
static void copy_path(const struct dl_phdr_info *info, char *path, size_t bytes) {
    fi_text_copy(path, bytes, info->dlpi_name);
    if (path[0] != 0)
        return;
    int saved = errno;
    ssize_t length = readlink("/proc/self/exe", path, bytes - 1);
    path[length > 0 ? length : 0] = 0;
    errno = saved;
}

static int look_at(struct dl_phdr_info *info, size_t size, void *arg) {
    const search *s = arg;
    (void)size;
    bool found = false;
    fi_module m = {.bias = info->dlpi_addr};
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && s->address - start < segment->p_memsz) {
            m.start = start;
            m.end = start + segment->p_memsz;
            found = true;
        } else if (segment->p_type == PT_GNU_EH_FRAME) {
            m.tables = start;
            m.tables_bytes = segment->p_memsz;
        }
    }
    if (!found)
        return 0;
    if (s->module != NULL)
        *s->module = m;
    if (s->path != NULL)
        copy_path(info, s->path, s->path_bytes);
    return 1;
}

bool fi_os_find_module(uintptr_t address, fi_module *out) {
    search s = {.address = address, .module = out};
    return dl_iterate_phdr(look_at, &s) != 0;
}

void fi_os_module_path(uintptr_t address, char *path, size_t bytes) {
    search s = {.address = address, .path = path, .path_bytes = bytes};
    path[0] = 0;
    dl_iterate_phdr(look_at, &s);
}

void fi_os_exported_name(uintptr_t address, char *name, size_t bytes) {
    Dl_info info;
    bool known = dladdr((void *)address, &info) != 0;
    fi_text_copy(name, bytes, known ? info.dli_sname : NULL);
}

static int read_version(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    *(uint64_t *)arg = (uint64_t)info->dlpi_adds + (uint64_t)info->dlpi_subs;
    return 1;
}

uint64_t fi_os_modules_version(void) {
    uint64_t version = 0;
    dl_iterate_phdr(read_version, &version);
    return version;
}
