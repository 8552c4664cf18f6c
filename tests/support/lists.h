/* Typed freelists for tests. */
#ifndef FI_TESTS_SUPPORT_LISTS_H
#define FI_TESTS_SUPPORT_LISTS_H

#include "support/compare.h"
#include "support/interpreter.h"

#include <fief/freelist.h>

static inline fief_freelist_config list_config(size_t block_bytes, size_t capacity, size_t reserve) {
    fief_freelist_config config = FIEF_FREELIST_CONFIG_INIT;
    config.name = "list";
    config.block_bytes = block_bytes;
    config.capacity = capacity;
    config.reserve = reserve;
    return config;
}

static inline fief_freelist *create_list(fief *f, fief_freelist_config config) {
    fief_freelist *list = NULL;
    cr_assert_eq(fief_freelist_create(f, &config, &list), FIEF_OK);
    return list;
}

static inline fief_freelist *make_list(fief *f, size_t block_bytes, size_t capacity, size_t reserve) {
    return create_list(f, list_config(block_bytes, capacity, reserve));
}

static inline fief_freelist_stats list_stats(const fief_freelist *list) {
    fief_freelist_stats stats;
    fief_freelist_stats_read(list, &stats);
    return stats;
}

/* The equations in freelist.h hold for so many pops, and pushes of something. */
static inline void assert_books(const fief_freelist *list, uint64_t pops, uint64_t pushes) {
    fief_freelist_stats s = list_stats(list);
    assert_equal(s.hits + s.allocated + s.from_reserve + s.failed, pops);
    assert_equal(s.kept + s.refilled + s.overflows + s.refused, pushes);
    assert_equal(s.kept, s.hits + s.drained + s.held);
}

static inline void pop_many(fief_freelist *list, void **blocks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = fief_freelist_pop(list);
        cr_assert_not_null(blocks[i]);
    }
}

static inline void push_many(fief_freelist *list, void **blocks, size_t count) {
    for (size_t i = 0; i < count; i++)
        fief_freelist_push(list, blocks[i]);
}

#endif
