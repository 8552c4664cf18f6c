#include "elf_facts.h"

#include <elf.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

typedef struct file {
    const char *bytes;
    size_t size_bytes;
} file;

/* Tables are as long as the file says, where it is long enough. */
static const void *find(const file *f, uint64_t offset, uint64_t count, size_t element_bytes) {
    if (offset > f->size_bytes || count > (f->size_bytes - offset) / element_bytes ||
        offset % alignof(Elf64_Xword) != 0)
        return NULL;
    return f->bytes + offset;
}

/* ---- segments ---- */

static void read_loader(const file *f, const Elf64_Ehdr *header, elf_facts *out) {
    const Elf64_Phdr *segments = find(f, header->e_phoff, header->e_phnum, sizeof *segments);
    for (unsigned i = 0; segments != NULL && i < header->e_phnum; i++) {
        uint64_t offset = segments[i].p_offset, bytes = segments[i].p_filesz;
        if (segments[i].p_type != PT_INTERP || offset > f->size_bytes || bytes > f->size_bytes - offset)
            continue;
        if (bytes < sizeof out->loader)
            memcpy(out->loader, f->bytes + offset, bytes);
    }
}

/* ---- sections ---- */

typedef struct section {
    const void *content;
    uint64_t count; /* of its elements */
    const char *strings;
    uint64_t strings_bytes; /* ends in a 0 */
} section;

/* A section with its strings, the first of a type. `count` is 0 where there is none. */
static section find_section(const file *f, const Elf64_Ehdr *header, uint32_t type, size_t element_bytes) {
    const Elf64_Shdr *all = find(f, header->e_shoff, header->e_shnum, sizeof *all);
    for (unsigned i = 0; all != NULL && i < header->e_shnum; i++) {
        if (all[i].sh_type != type || all[i].sh_link >= header->e_shnum)
            continue;
        const Elf64_Shdr *names = &all[all[i].sh_link];
        uint64_t count = all[i].sh_size / element_bytes;
        const void *content = find(f, all[i].sh_offset, count, element_bytes);
        bool are_names = names->sh_offset <= f->size_bytes && names->sh_size <= f->size_bytes - names->sh_offset &&
                         names->sh_size > 0 && f->bytes[names->sh_offset + names->sh_size - 1] == '\0';
        if (content != NULL && are_names)
            return (section){content, count, f->bytes + names->sh_offset, names->sh_size};
    }
    return (section){.count = 0};
}

static const char *string_of(const section *s, uint64_t at) {
    return at < s->strings_bytes ? s->strings + at : "";
}

static bool defines(const file *f, const Elf64_Ehdr *header, const char *name) {
    section symbols = find_section(f, header, SHT_DYNSYM, sizeof(Elf64_Sym));
    const Elf64_Sym *symbol = symbols.content;
    for (uint64_t i = 0; i < symbols.count; i++)
        if (symbol[i].st_shndx != SHN_UNDEF && strcmp(string_of(&symbols, symbol[i].st_name), name) == 0)
            return true;
    return false;
}

static bool needs(const file *f, const Elf64_Ehdr *header, const char *library_prefix) {
    section entries = find_section(f, header, SHT_DYNAMIC, sizeof(Elf64_Dyn));
    const Elf64_Dyn *entry = entries.content;
    for (uint64_t i = 0; i < entries.count && entry[i].d_tag != DT_NULL; i++)
        if (entry[i].d_tag == DT_NEEDED &&
            strncmp(string_of(&entries, entry[i].d_un.d_val), library_prefix, strlen(library_prefix)) == 0)
            return true;
    return false;
}

bool elf_facts_read(const void *bytes, size_t size_bytes, elf_facts *out) {
    const file f = {bytes, size_bytes};
    const Elf64_Ehdr *header = bytes;
    *out = (elf_facts){.is_64_bit = false};
    if (size_bytes < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    out->is_64_bit = header->e_ident[EI_CLASS] == ELFCLASS64;
    if (!out->is_64_bit)
        return true;
    out->byte_order = header->e_ident[EI_DATA];
    out->machine = header->e_machine;
    read_loader(&f, header, out);
    out->is_cpython = defines(&f, header, "PyMem_SetAllocator") || needs(&f, header, "libpython3");
    return true;
}
