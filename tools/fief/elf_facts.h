/* What an executable file tells of how it is going to be loaded. The file is read, never run. */
#ifndef FIEF_ELF_FACTS_H
#define FIEF_ELF_FACTS_H

#include <stdbool.h>
#include <stddef.h>

enum { ELF_LOADER_BYTES = 256 };

typedef struct elf_facts {
    bool is_64_bit;
    unsigned char byte_order;      /* EI_DATA */
    unsigned machine;              /* e_machine */
    char loader[ELF_LOADER_BYTES]; /* the dynamic linker that it asks for; "": none, it is statically linked */
    bool is_cpython;               /* it is Python's interpreter, or is linked with it */
} elf_facts;

/* From a whole file's bytes. False if it is no ELF file. What it has that can't be so is taken as not there. Of a
 * file that is not of 64 bits only that is told. */
bool elf_facts_read(const void *bytes, size_t size_bytes, elf_facts *out);

#endif
