#include "os/frame_rules.h"

#include "os/dwarf.h"
#include "os/modules.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__) && defined(__LP64__)

/* An entry of .eh_frame, behind its length. */
static fi_dwarf open_entry(const uint8_t *at) {
    uint32_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    bool whole = bytes != 0 && bytes < UINT32_C(0xFFFFFFF0); /* else the end, or a length of 64 bits */
    return (fi_dwarf){at + sizeof bytes, at + sizeof bytes + (whole ? bytes : 0), !whole};
}

/* ---- the state of a frame ---- */

enum { FP = 6, SP = 7, RETURN = 16 }; /* their numbers in the tables */

typedef enum where { IN_REGISTER = 0, AT_OFFSET, AT_FP_OFFSET, NOWHERE, ELSEWHERE } where;

typedef struct place {
    where where;
    int64_t offset;
} place;

typedef struct row {
    fi_frame_kind kind;
    int64_t start;
    place fp, back; /* the caller's fp, and the return address */
} row;

/* What a function's entries have in common. */
typedef struct common {
    fi_dwarf program; /* what holds at the start of each function */
    uint64_t code_unit;
    int64_t data_unit;
    unsigned pointers; /* their encoding */
    bool has_lengths, is_signal;
} common;

static common read_common(const uint8_t *at) {
    common c = {.program = open_entry(at), .pointers = FI_PE_ABSOLUTE};
    fi_dwarf *r = &c.program;
    char letters[8] = {0};
    fi_dwarf_fixed(r, 4);
    uint64_t version = fi_dwarf_fixed(r, 1);
    for (size_t i = 0; i < sizeof letters && (letters[i] = (char)fi_dwarf_fixed(r, 1)) != 0;)
        i++;
    c.code_unit = fi_dwarf_number(r, false);
    c.data_unit = (int64_t)fi_dwarf_number(r, true);
    uint64_t back = version == 1 ? fi_dwarf_fixed(r, 1) : fi_dwarf_number(r, false);
    c.has_lengths = letters[0] == 'z';
    size_t bytes = c.has_lengths ? fi_dwarf_number(r, false) : 0;
    if (r->failed || letters[7] != 0 || back != RETURN || bytes > (size_t)(r->end - r->at)) {
        r->failed = true;
        return c;
    }
    fi_dwarf extra = {r->at, r->at + bytes, false};
    r->at += bytes;
    for (const char *letter = letters + c.has_lengths; *letter != 0; letter++) {
        if (*letter == 'R')
            c.pointers = (unsigned)fi_dwarf_fixed(&extra, 1);
        else if (*letter == 'L')
            fi_dwarf_fixed(&extra, 1);
        else if (*letter == 'P')
            fi_dwarf_pointer(&extra, (unsigned)fi_dwarf_fixed(&extra, 1) & 0x7F);
        else if (*letter == 'S')
            c.is_signal = true;
        else
            r->failed = true;
    }
    r->failed = r->failed || extra.failed;
    return c;
}

/* ---- instructions ---- */

enum { MOST_REMEMBERED = 8 };

/* DW_CFA: those with an operand in their low bits, and the others. */
enum {
    ADVANCE = 0x40,
    OFFSET = 0x80,
    RESTORE = 0xC0,
    SET_PLACE = 0x01,
    ADVANCE_1 = 0x02,
    ADVANCE_2 = 0x03,
    ADVANCE_4 = 0x04,
    OFFSET_EXTENDED = 0x05,
    RESTORE_EXTENDED = 0x06,
    UNDEFINED = 0x07,
    SAME = 0x08,
    IN_ANOTHER = 0x09,
    REMEMBER = 0x0A,
    RECALL = 0x0B,
    START = 0x0C,
    START_REGISTER = 0x0D,
    START_OFFSET = 0x0E,
    START_EXPRESSION = 0x0F,
    EXPRESSION = 0x10,
    OFFSET_SIGNED = 0x11,
    START_SIGNED = 0x12,
    START_OFFSET_SIGNED = 0x13,
    OPERATIONS = 0x30
};

/* Operands: u, s a number without and with a sign, d the same times the unit of data; 1, 2, 4 bytes; p a pointer;
 * b a block. NULL: not known. */
static const char *const operands[OPERATIONS] = {
    [0] = "",
    [SET_PLACE] = "p",
    [ADVANCE_1] = "1",
    [ADVANCE_2] = "2",
    [ADVANCE_4] = "4",
    [OFFSET_EXTENDED] = "ud",
    [RESTORE_EXTENDED] = "u",
    [UNDEFINED] = "u",
    [SAME] = "u",
    [IN_ANOTHER] = "uu",
    [REMEMBER] = "",
    [RECALL] = "",
    [START] = "uu",
    [START_REGISTER] = "u",
    [START_OFFSET] = "u",
    [START_EXPRESSION] = "b",
    [EXPRESSION] = "ub",
    [OFFSET_SIGNED] = "uD",
    [START_SIGNED] = "uD",
    [START_OFFSET_SIGNED] = "D",
    [0x14] = "uu", /* val_offset, also signed; val_expression: an unusual place */
    [0x15] = "us",
    [0x16] = "ub",
    [0x2E] = "u", /* GNU_args_size */
};

typedef struct instruction {
    unsigned operation;
    int64_t operand[2];
    fi_dwarf block;
} instruction;

static int64_t scaled(uint64_t number, const common *c) {
    return (int64_t)(number * (uint64_t)c->data_unit);
}

static int64_t read_operand(fi_dwarf *r, const common *c, char kind, fi_dwarf *block) {
    switch (kind) {
    case '1':
    case '2':
    case '4':
        return (int64_t)fi_dwarf_fixed(r, (size_t)(kind - '0'));
    case 'p':
        return (int64_t)fi_dwarf_pointer(r, c->pointers);
    case 'd':
        return scaled(fi_dwarf_number(r, false), c);
    case 'D':
        return scaled(fi_dwarf_number(r, true), c);
    case 's':
        return (int64_t)fi_dwarf_number(r, true);
    case 'u':
        return (int64_t)fi_dwarf_number(r, false);
    default:;
        uint64_t bytes = fi_dwarf_number(r, false);
        r->failed = r->failed || bytes > (size_t)(r->end - r->at);
        bytes = r->failed ? 0 : bytes;
        *block = (fi_dwarf){r->at, r->at + bytes, false};
        r->at += bytes;
        return 0;
    }
}

static instruction read_instruction(fi_dwarf *r, const common *c) {
    unsigned byte = (unsigned)fi_dwarf_fixed(r, 1);
    instruction in = {.operation = byte >= ADVANCE ? byte & 0xC0 : byte};
    if (byte >= ADVANCE) {
        in.operand[0] = byte & 0x3F;
        if (in.operation == OFFSET)
            in.operand[1] = scaled(fi_dwarf_number(r, false), c);
        return in;
    }
    const char *kinds = byte < OPERATIONS ? operands[byte] : NULL;
    r->failed = r->failed || kinds == NULL;
    for (size_t i = 0; !r->failed && kinds[i] != 0; i++)
        in.operand[i] = read_operand(r, c, kinds[i], &in.block);
    return in;
}

static void start_by(row *w, int64_t reg) {
    w->kind = reg == SP ? FI_FRAME_BY_SP : reg == FP ? FI_FRAME_BY_FP : FI_FRAME_UNKNOWN;
}

/* fp plus a number, and then the word there if `and_load`: all that compilers write, of all that could be. */
static bool is_fp_plus(fi_dwarf block, bool and_load, int64_t *offset) {
    enum { FP_PLUS = 0x70 + FP, LOAD = 0x06 };
    bool by_fp = fi_dwarf_fixed(&block, 1) == FP_PLUS;
    *offset = (int64_t)fi_dwarf_number(&block, true);
    bool loads = !and_load || fi_dwarf_fixed(&block, 1) == LOAD;
    return by_fp && loads && !block.failed && block.at == block.end;
}

static void set_place(row *w, const row *first, const instruction *in) {
    if (in->operand[0] != FP && in->operand[0] != RETURN)
        return;
    place *p = in->operand[0] == FP ? &w->fp : &w->back;
    int64_t offset;
    switch (in->operation) {
    case OFFSET:
    case OFFSET_EXTENDED:
    case OFFSET_SIGNED:
        *p = (place){AT_OFFSET, in->operand[1]};
        break;
    case RESTORE:
    case RESTORE_EXTENDED:
        *p = in->operand[0] == FP ? first->fp : first->back;
        break;
    case UNDEFINED:
        *p = (place){NOWHERE, 0};
        break;
    case SAME:
        *p = (place){IN_REGISTER, 0};
        break;
    case EXPRESSION:
        *p = is_fp_plus(in->block, false, &offset) ? (place){AT_FP_OFFSET, offset} : (place){ELSEWHERE, 0};
        break;
    default:
        *p = (place){ELSEWHERE, 0};
    }
}

static void set_start(row *w, const instruction *in) {
    switch (in->operation) {
    case START:
    case START_SIGNED:
        start_by(w, in->operand[0]);
        w->start = in->operand[1];
        break;
    case START_REGISTER:
        start_by(w, in->operand[0]);
        break;
    case START_OFFSET:
    case START_OFFSET_SIGNED:
        w->start = in->operand[0];
        break;
    default:
        w->kind = is_fp_plus(in->block, true, &w->start) ? FI_FRAME_BY_FP_WORD : FI_FRAME_UNKNOWN;
    }
}

static bool is_about_start(unsigned operation) {
    return (operation >= START && operation <= START_EXPRESSION) || operation == START_SIGNED ||
           operation == START_OFFSET_SIGNED;
}

/* Brings *w from where it holds at `at` to what holds at `pc`. `first` is what RESTORE goes back to. */
static bool run(fi_dwarf program, const common *c, uint64_t at, uint64_t pc, const row *first, row *w) {
    row remembered[MOST_REMEMBERED];
    unsigned depth = 0;
    while (program.at < program.end) {
        instruction in = read_instruction(&program, c);
        if (program.failed)
            return false;
        if (in.operation == ADVANCE || (in.operation >= SET_PLACE && in.operation <= ADVANCE_4)) {
            uint64_t next = (uint64_t)in.operand[0];
            at = in.operation == SET_PLACE ? next : at + next * c->code_unit;
            if (at > pc)
                return true;
        } else if (in.operation == REMEMBER || in.operation == RECALL) {
            if (in.operation == REMEMBER ? depth == MOST_REMEMBERED : depth == 0)
                return false;
            if (in.operation == REMEMBER)
                remembered[depth++] = *w;
            else
                *w = remembered[--depth];
        } else if (is_about_start(in.operation)) {
            set_start(w, &in);
        } else if (in.operation != 0 && in.operation != 0x2E) {
            set_place(w, first, &in);
        }
    }
    return true;
}

/* ---- from an address to its rule ---- */

static fi_frame_rule rule_of_row(const row *w) {
    const fi_frame_rule unknown = {.kind = FI_FRAME_UNKNOWN};
    const int64_t most = INT32_MAX;
    if (w->back.where == NOWHERE)
        return (fi_frame_rule){.kind = FI_FRAME_LAST};
    bool by_word = w->kind == FI_FRAME_BY_FP_WORD;
    bool fp_is_known = w->fp.where == (by_word ? AT_FP_OFFSET : AT_OFFSET) ||
                       (!by_word && (w->fp.where == IN_REGISTER || w->fp.where == NOWHERE));
    if (w->back.where != AT_OFFSET || w->back.offset != -8 || !fp_is_known || w->start > most ||
        w->start < -most || w->fp.offset > most || w->fp.offset < -most)
        return unknown;
    return (fi_frame_rule){w->kind, (int32_t)w->start, (int32_t)w->fp.offset};
}

/* The sorted table of .eh_frame_hdr, with offsets from its start. */
typedef struct header_entry {
    int32_t function, entry;
} header_entry;

/* The entry of the last function that begins at or before pc. */
static const uint8_t *find_entry(const fi_module *m, uint64_t pc) {
    const uint8_t *start = (const uint8_t *)m->tables;
    fi_dwarf r = {start, start + m->tables_bytes, false};
    enum { VERSION = 1, SORTED_TABLE = FI_PE_FROM_TABLE | 0x0B };
    uint64_t version = fi_dwarf_fixed(&r, 1);
    unsigned frames = (unsigned)fi_dwarf_fixed(&r, 1), counts = (unsigned)fi_dwarf_fixed(&r, 1);
    uint64_t table = fi_dwarf_fixed(&r, 1);
    if (r.failed || version != VERSION || table != SORTED_TABLE || counts == FI_PE_OMIT || frames == FI_PE_OMIT)
        return NULL;
    fi_dwarf_pointer(&r, frames);
    size_t low = 0, high = fi_dwarf_pointer(&r, counts);
    if (r.failed || high > (size_t)(r.end - r.at) / sizeof(header_entry))
        return NULL;
    header_entry e = {0, 0};
    const int64_t wanted = (int64_t)(pc - (uint64_t)m->tables);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        memcpy(&e, r.at + middle * sizeof e, sizeof e);
        if (e.function <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    memcpy(&e, r.at + (low - 1) * sizeof e, sizeof e);
    return start + e.entry;
}

fi_frame_rule fi_frame_rule_read(uintptr_t pc) {
    fi_frame_rule unknown = {.kind = FI_FRAME_UNKNOWN};
    fi_module module;
    if (!fi_os_find_module(pc, &module) || module.tables == 0)
        return unknown;
    const uint8_t *at = find_entry(&module, pc);
    if (at == NULL)
        return unknown;
    fi_dwarf r = open_entry(at);
    const uint8_t *here = r.at;
    uint64_t back = fi_dwarf_fixed(&r, 4);
    if (r.failed || back == 0)
        return unknown;
    common c = read_common(here - back);
    uint64_t start = fi_dwarf_pointer(&r, c.pointers), bytes = fi_dwarf_pointer(&r, c.pointers & 0x0F);
    if (c.program.failed || r.failed || pc - start >= bytes)
        return unknown;
    if (c.has_lengths) {
        uint64_t extra = fi_dwarf_number(&r, false);
        r.failed = r.failed || extra > (size_t)(r.end - r.at);
        r.at += r.failed ? 0 : extra;
    }
    if (c.is_signal) /* what it interrupted did not call it */
        return (fi_frame_rule){.kind = FI_FRAME_LAST};
    row w = {.kind = FI_FRAME_UNKNOWN}, first;
    if (r.failed || !run(c.program, &c, start, UINT64_MAX, &w, &w))
        return unknown;
    first = w;
    return run(r, &c, start, pc, &first, &w) ? rule_of_row(&w) : unknown;
}

#else

fi_frame_rule fi_frame_rule_read(uintptr_t pc) {
    (void)pc;
    return (fi_frame_rule){.kind = FI_FRAME_UNKNOWN};
}

#endif
