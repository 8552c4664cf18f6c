/* Reads what is written in DWARF's manner: bytes, numbers of any length, pointers. Never past the end. */
#ifndef FI_OS_DWARF_H
#define FI_OS_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct fi_dwarf {
    const uint8_t *at, *end;
    bool failed; /* the end was passed, or something was not understood: what was read means nothing */
} fi_dwarf;

static inline uint64_t fi_dwarf_fixed(fi_dwarf *r, size_t bytes) {
    uint64_t value = 0;
    if ((size_t)(r->end - r->at) < bytes) {
        r->failed = true;
        r->at = r->end;
        return 0;
    }
    memcpy(&value, r->at, bytes);
    r->at += bytes;
    return value;
}

/* LEB128, without a sign and with one. */
static inline uint64_t fi_dwarf_number(fi_dwarf *r, bool is_signed) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = fi_dwarf_fixed(r, 1);
        value |= (byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            bool negative = is_signed && (byte & 0x40) != 0 && shift + 7 < 64;
            return negative ? value | ~UINT64_C(0) << (shift + 7) : value;
        }
    }
    r->failed = true;
    return 0;
}

/* DW_EH_PE: how a pointer is written (low half) and what it counts from (high half). */
enum { FI_PE_OMIT = 0xFF, FI_PE_ABSOLUTE = 0x00, FI_PE_FROM_HERE = 0x10, FI_PE_FROM_TABLE = 0x30 };

static inline uint64_t fi_dwarf_pointer(fi_dwarf *r, unsigned encoding) {
    uint64_t here = (uint64_t)(uintptr_t)r->at, value = 0;
    switch (encoding & 0x0F) {
    case 0x00:
    case 0x04:
    case 0x0C:
        value = fi_dwarf_fixed(r, 8);
        break;
    case 0x03:
        value = fi_dwarf_fixed(r, 4);
        break;
    case 0x0B:
        value = (uint64_t)(int64_t)(int32_t)fi_dwarf_fixed(r, 4);
        break;
    default:
        r->failed = true;
    }
    if ((encoding & 0xF0) == FI_PE_FROM_HERE)
        return value + here;
    r->failed = r->failed || (encoding & 0xF0) != FI_PE_ABSOLUTE;
    return value;
}

#endif
