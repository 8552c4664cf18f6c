#include "shims.h"

#include "complaint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct shim_type {
    const char *name;
    const char *file;
    const char *folder_built; /* of the build folder */
} shim_type;

static const shim_type types[SHIM_COUNT] = {
    [SHIM_MALLOC] = {"malloc", "libfief-malloc.so", "src/preload"},
    [SHIM_CPYTHON] = {"cpython", "libfief-cpython.so", "src/adapter/cpython"},
};

/* ---- names ---- */

static bool parse_one(const char *name, size_t bytes, shim_set *out) {
    for (unsigned i = 0; i < SHIM_COUNT; i++) {
        if (strlen(types[i].name) == bytes && memcmp(types[i].name, name, bytes) == 0) {
            *out |= 1u << i;
            return true;
        }
    }
    return false;
}

bool shims_parse(const char *names, shim_set *out) {
    *out = 0;
    if (strcmp(names, "none") == 0)
        return true;
    for (const char *at = names;; at++) {
        size_t bytes = strcspn(at, ",");
        if (!parse_one(at, bytes, out))
            return false;
        at += bytes;
        if (*at == '\0')
            return true;
    }
}

bool shims_are_named(const char *path) {
    const char *name = lookup_base_name(path);
    for (unsigned i = 0; i < SHIM_COUNT; i++)
        if (strcmp(name, types[i].file) == 0)
            return true;
    return false;
}

/* ---- programs ---- */

shim_set shims_for(const program *p) {
    return 1u << (p->is_elf && p->elf.is_cpython ? SHIM_CPYTHON : SHIM_MALLOC);
}

static bool is_for_this_machine(const elf_facts *theirs, const elf_facts *ours) {
    return theirs->is_64_bit && theirs->byte_order == ours->byte_order && theirs->machine == ours->machine;
}

/* Folders may differ, the loader's name is the C library's and the machine's. */
static bool has_another_libc(const elf_facts *theirs, const elf_facts *ours) {
    return ours->loader[0] != '\0' &&
           strcmp(lookup_base_name(theirs->loader), lookup_base_name(ours->loader)) != 0;
}

bool shims_can_enter(const program *p, const program *self) {
    if (!p->is_elf)
        return true;
    if (!is_for_this_machine(&p->elf, &self->elf))
        return complain("%s is for another kind of machine: nothing of fief's can be put under it", p->path);
    if (p->elf.loader[0] == '\0')
        return complain("%s is statically linked: nothing can be put under it", p->path);
    if (has_another_libc(&p->elf, &self->elf))
        return complain("%s is for another C library (%s): nothing of fief's can be put under it", p->path,
                        lookup_base_name(p->elf.loader));
    if (p->gains_rights)
        return complain("%s runs with more rights than its caller's: nothing can be put under it", p->path);
    return true;
}

/* ---- places ---- */

/* The folder is made plain, and not the file: its name must stay, also where it is a link to a version's. */
static bool is_there(char path[PATH_MAX], const char *folder, const char *file) {
    char plain[PATH_MAX];
    return realpath(folder, plain) != NULL && snprintf(path, PATH_MAX, "%s/%s", plain, file) < PATH_MAX &&
           access(path, R_OK) == 0;
}

/* LD_PRELOAD has no way to write these. */
static bool can_be_said(const char *path) {
    return strpbrk(path, " :$") == NULL ||
           complain("%s can't be preloaded: there is a space, a colon or a dollar sign in its path", path);
}

bool shims_find(shim which, const program *self, char path[PATH_MAX]) {
    const shim_type *type = &types[which];
    int own_bytes = (int)(strrchr(self->path, '/') - self->path);
    char installed[2 * PATH_MAX], built[2 * PATH_MAX];
    bool is_moved = FIEF_LIBRARIES[0] != '/'; /* with the command, wherever that is put */
    snprintf(installed, sizeof installed, "%.*s/" FIEF_LIBRARIES, is_moved ? own_bytes : 0, self->path);
    snprintf(built, sizeof built, "%.*s/../../%s", own_bytes, self->path, type->folder_built);
    if (is_there(path, installed, type->file) || is_there(path, built, type->file))
        return can_be_said(path);
    return complain("%s is neither in %s nor in %s", type->file, installed, built);
}
