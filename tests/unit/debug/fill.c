/* debug/fill: patterns, and what differs from them. */
#include "debug/fill.h"
#include "support/compare.h"

#include <stdlib.h>
#include <string.h>

Test(fill, every_byte_is_filled_and_none_beside) {
    unsigned char memory[200];
    for (size_t from = 0; from < 9; from++)
        for (size_t bytes = 0; bytes < 150; bytes++) {
            memset(memory, 1, sizeof memory);
            fi_fill(memory + 10 + from, FI_FENCE, bytes);
            for (size_t i = 0; i < sizeof memory; i++)
                cr_assert_eq(memory[i], i >= 10 + from && i < 10 + from + bytes ? FI_FENCE : 1);
        }
}

/* Wherever it is, and however the words fall. */
Test(fill, one_wrong_byte_is_seen_wherever_it_is) {
    unsigned char memory[128];
    for (size_t from = 0; from < 9; from++)
        for (size_t bytes = 1; bytes < 100; bytes++)
            for (size_t at = 0; at < bytes; at++) {
                memset(memory, FI_FREED, sizeof memory);
                cr_assert(fi_fill_is_intact(memory + from, FI_FREED, bytes));
                memory[from + at] ^= 0x10;
                cr_assert_not(fi_fill_is_intact(memory + from, FI_FREED, bytes));
                fi_damage damage = fi_fill_damage(memory + from, FI_FREED, bytes);
                cr_assert(damage.first == memory + from + at && damage.last == damage.first && damage.bytes == 1);
            }
}

Test(fill, bytes_beside_are_nobodys_business) {
    unsigned char memory[64];
    memset(memory, 0, sizeof memory);
    memset(memory + 8, FI_FENCE, 40);
    cr_assert(fi_fill_is_intact(memory + 8, FI_FENCE, 40));
    cr_assert_null(fi_fill_damage(memory + 8, FI_FENCE, 40).first);
    cr_assert(fi_fill_is_intact(memory, FI_FENCE, 0));
}

Test(fill, damage_is_told_from_its_first_byte_to_its_last) {
    unsigned char memory[64];
    memset(memory, FI_FENCE, sizeof memory);
    memory[7] = memory[9] = memory[40] = 0;
    fi_damage damage = fi_fill_damage(memory, FI_FENCE, sizeof memory);
    cr_assert(damage.first == memory + 7 && damage.last == memory + 40);
    assert_equal(damage.bytes, 3);
}

Test(fill, of_much_memory_only_the_ends_are_filled) {
    size_t bytes = (size_t)5 << 20, end = 512 * 1024;
    unsigned char *memory = calloc(1, bytes);
    fi_fill(memory, FI_FREED, bytes);
    cr_assert(memory[0] == FI_FREED && memory[end - 1] == FI_FREED && memory[end] == 0);
    cr_assert(memory[bytes - 1] == FI_FREED && memory[bytes - end] == FI_FREED && memory[bytes - end - 1] == 0);
    cr_assert(fi_fill_is_intact(memory, FI_FREED, bytes));
    memory[bytes / 2] = 1;
    cr_assert(fi_fill_is_intact(memory, FI_FREED, bytes));
    memory[bytes - 1] = 1;
    memory[end - 1] = 2;
    cr_assert_not(fi_fill_is_intact(memory, FI_FREED, bytes));
    fi_damage damage = fi_fill_damage(memory, FI_FREED, bytes);
    cr_assert(damage.first == memory + end - 1 && damage.last == memory + bytes - 1 && damage.bytes == 2);
    free(memory);
}
