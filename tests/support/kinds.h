/* Every kind of block there is: each size class of both alignments, pages inside an arena, pages of their own, and
 * aligned ones of each. */
#ifndef FI_TESTS_SUPPORT_KINDS_H
#define FI_TESTS_SUPPORT_KINDS_H

#include <fief/fief.h>
#include <stddef.h>

typedef struct block_kind {
    size_t size;
    size_t alignment; /* 0: the handle's */
} block_kind;

enum { KIND_FINE = 64, KIND_COARSE = 40, KIND_OTHERS = 15, KINDS = KIND_FINE + KIND_COARSE + KIND_OTHERS };

static inline block_kind kind_number(unsigned i) {
    static const block_kind others[KIND_OTHERS] = {{0, 0},           {16385, 0},    {65536, 0},       {100000, 0},
                                                   {507904, 0},      {507905, 0},   {1 << 20, 0},     {5000000, 0},
                                                   {24, 64},         {100, 256},    {3000, 1024},     {24, 4096},
                                                   {100, 64 * 1024}, {70000, 4096}, {100000, 1 << 20}};
    if (i < KIND_FINE)
        return (block_kind){8 * (i + 1), 0};
    i -= KIND_FINE;
    if (i < KIND_COARSE)
        return (block_kind){((size_t)64 << i / 8) * (9 + i % 8), 0};
    return others[i - KIND_COARSE];
}

static inline void *allocate_kind(fief *f, block_kind kind) {
    return kind.alignment != 0 ? fief_alloc_aligned(f, kind.size, kind.alignment) : fief_alloc(f, kind.size);
}

#define FOR_KINDS(kind)                                                                                           \
    for (unsigned number_ = 0; number_ < KINDS; number_++)                                                        \
        for (block_kind kind = kind_number(number_), *once_ = &kind; once_ != NULL; once_ = NULL)

#endif
