/* How a frame is left behind: where the tables that compilers write for debuggers and exceptions (.eh_frame) say
 * the caller's frame begins.
 *
 * They are exact, and they are there where frame pointers are not. Frame pointers by themselves would mislead:
 * code that keeps none leaves its caller's in the register, and a walk along them passes it by without a trace.
 * Read on x86-64; elsewhere nothing is known here. */
#ifndef FI_OS_FRAME_RULES_H
#define FI_OS_FRAME_RULES_H

#include <stdint.h>

typedef enum fi_frame_kind {
    FI_FRAME_UNKNOWN = 1,
    FI_FRAME_LAST,      /* nobody called: a thread begins, or a signal came */
    FI_FRAME_BY_SP,     /* the caller's frame begins at sp + start */
    FI_FRAME_BY_FP,     /* at fp + start */
    FI_FRAME_BY_FP_WORD /* the word at fp + start says where; so do functions that align their stack */
} fi_frame_kind;

/* Where the caller's frame begins, its return address lies just below. */
typedef struct fi_frame_rule {
    fi_frame_kind kind;
    int32_t start;
    int32_t fp; /* where the caller's fp lies: from its frame's beginning, for BY_FP_WORD from fp; else 0: in fp */
} fi_frame_rule;

/* The rule at an instruction. Reads the tables, which takes a microsecond. */
fi_frame_rule fi_frame_rule_read(uintptr_t pc);

#endif
