/* tools/fief/elf_facts: what it says of this very program, and that no file, however broken, leads it astray: the
 * copies that it is given have no byte too many, so that AddressSanitizer sees each that it reads. Speaks TAP. */
#include "fief/elf_facts.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAMAGED_COPIES = 20000, MOST_DAMAGES = 8 };

static int test_count, failed_count;

static void check(bool good, const char *what) {
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++test_count, what);
    failed_count += !good;
}

static size_t read_self(char **bytes) {
    FILE *file = fopen("/proc/self/exe", "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        abort();
    long end = ftell(file);
    rewind(file);
    *bytes = malloc((size_t)end);
    if (*bytes == NULL || fread(*bytes, 1, (size_t)end, file) != (size_t)end)
        abort();
    fclose(file);
    return (size_t)end;
}

static bool read_copy(const char *bytes, size_t size_bytes, elf_facts *facts) {
    char *copy = malloc(size_bytes);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, size_bytes);
    bool is_elf = elf_facts_read(copy, size_bytes, facts);
    free(copy);
    return is_elf;
}

static void check_self(const char *bytes, size_t size_bytes) {
    elf_facts facts;
    check(read_copy(bytes, size_bytes, &facts), "this is an ELF file");
    check(facts.is_64_bit, "of 64 bits");
    check(facts.byte_order == (unsigned char)bytes[EI_DATA] &&
              facts.machine == ((const Elf64_Ehdr *)(const void *)bytes)->e_machine,
          "for this machine");
    check(strncmp(facts.loader, "/", 1) == 0 && strstr(facts.loader, "ld") != NULL, "with a dynamic linker");
    check(!facts.is_cpython, "and not Python");
}

static void check_others(const char *bytes) {
    elf_facts facts;
    char small[sizeof(Elf64_Ehdr)];
    check(!elf_facts_read(NULL, 0, &facts), "nothing is no ELF file");
    check(!read_copy("#!/bin/sh\n", 10, &facts), "a script is none");
    memcpy(small, bytes, sizeof small);
    check(!read_copy(small, sizeof small - 1, &facts), "nor is less than a header");
    small[EI_CLASS] = ELFCLASS32;
    check(read_copy(small, sizeof small, &facts) && !facts.is_64_bit && facts.loader[0] == '\0',
          "of 32 bits no more is told");
}

static void check_cut(const char *bytes, size_t size_bytes) {
    elf_facts facts;
    unsigned cut = 0;
    for (size_t left = sizeof(Elf64_Ehdr); left < size_bytes; left += 1 + size_bytes / 500)
        cut += read_copy(bytes, left, &facts);
    check(cut > 400, "one that was cut is read as far as it goes");
}

static void check_damaged(char *bytes, size_t size_bytes) {
    static const unsigned char values[] = {0, 1, 2, 6, 11, 0x7f, 0x80, 0xff};
    elf_facts facts;
    unsigned read = 0;
    char *copy = malloc(size_bytes);
    if (copy == NULL)
        abort();
    srand(1);
    for (int i = 0; i < DAMAGED_COPIES; i++) {
        memcpy(copy, bytes, size_bytes);
        for (int damage = rand() % MOST_DAMAGES; damage >= 0; damage--) {
            const Elf64_Ehdr *header = (const void *)bytes;
            size_t tables = (size_t)header->e_shnum * sizeof(Elf64_Shdr);
            size_t at = rand() % 2 == 0 ? (size_t)rand() % 1024 : header->e_shoff + (size_t)rand() % tables;
            copy[at] = (char)values[(size_t)rand() % sizeof values];
        }
        read += elf_facts_read(copy, size_bytes, &facts);
    }
    free(copy);
    check(read > DAMAGED_COPIES / 2, "one that is damaged, too");
}

int main(void) {
    char *bytes;
    size_t size_bytes = read_self(&bytes);
    check_self(bytes, size_bytes);
    check_others(bytes);
    check_cut(bytes, size_bytes);
    check_damaged(bytes, size_bytes);
    free(bytes);
    printf("1..%d\n", test_count);
    return failed_count != 0;
}
