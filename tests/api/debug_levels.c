/* Watched heaps do all that a heap does: every verb, every kind of block, every level. */
#include "support/host.h"
#include "support/kinds.h"
#include "support/levels.h"
#include "support/memory.h"
#include "support/pages.h"
#include "support/sound.h"

#include <fief/inline.h>
#include <pthread.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(debug_levels, .init = set_up);

/* ---- which level ---- */

/* What is recorded is told: a watched heap knows the size that was asked for. */
static bool is_watched(fief *f) {
    char *block = fief_alloc(f, 20);
    unsigned before = heard.count;
    fief_free(f, block + 8);
    cr_assert_eq(heard.count, before + 1);
    fief_free(f, block);
    return heard.last.requested_size == 20;
}

Test(debug_levels, the_configuration_chooses_a_level) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        assert_equal(is_watched(f), level != FIEF_DEBUG_OFF);
        fief_destroy(f);
    }
}

Test(debug_levels, a_level_that_there_is_not_is_refused) {
    fief *f;
    fief_config config = at_level((fief_debug)4, &heard);
    assert_equal(fief_create(&f, &config), FIEF_BAD_ARGUMENT);
    cr_assert_null(f);
    config = at_level(FIEF_DEBUG_OFF, &heard);
    config.on_leak = (fief_leak_policy)3;
    assert_equal(fief_create(&f, &config), FIEF_BAD_ARGUMENT);
}

Test(debug_levels, the_environment_raises_a_level) {
    conf("debug:check");
    fief *f = create(at_level(FIEF_DEBUG_OFF, &heard));
    cr_assert(is_watched(f));
    fief_destroy(f);
}

/* A guarded block ends with its page. */
Test(debug_levels, the_environment_never_lowers_a_level) {
    conf("debug:check");
    fief *f = create(at_level(FIEF_DEBUG_GUARD, &heard));
    assert_equal(((uintptr_t)fief_alloc(f, 64) + 64) % (size_t)sysconf(_SC_PAGESIZE), 0);
    fief_destroy(f);
}

Test(debug_levels, other_heaps_are_not_watched) {
    fief *seen = create(at_level(FIEF_DEBUG_CHECK, &heard)), *free = create(at_level(FIEF_DEBUG_OFF, &heard));
    cr_assert(is_watched(seen));
    cr_assert_not(is_watched(free));
    fief_destroy(seen);
    fief_destroy(free);
}

/* ---- blocks ---- */

static void assert_block(fief *f, const unsigned char *block, block_kind kind, size_t least) {
    cr_assert_not_null(block);
    size_t alignment = kind.alignment > least ? kind.alignment : least;
    cr_assert_eq((uintptr_t)block % alignment, 0, "%p for %zu", (const void *)block, kind.alignment);
    assert_equal(fief_usable_size(block), kind.size);
    assert_equal(fief_owner(block), fief_id_of(f));
}

static void use_all_kinds(fief_config config) {
    static unsigned char *blocks[KINDS];
    fief *f = create(config);
    unsigned n = 0;
    FOR_KINDS (kind) {
        blocks[n] = allocate_kind(f, kind);
        assert_block(f, blocks[n], kind, config.alignment);
        memset(blocks[n], (int)n + 1, kind.size);
        n++;
    }
    n = 0;
    FOR_KINDS (kind) {
        for (size_t i = 0; i < kind.size; i++)
            cr_assert_eq(blocks[n][i], (unsigned char)(n + 1));
        fief_free(f, blocks[n++]);
    }
    assert_equal(fief_check(f), 0);
    cr_assert(is_sound(f));
    fief_trim(f);
    fief_stats stats = exact_stats(f);
    cr_assert(stats.live_blocks == 0 && stats.live_bytes == 0 && stats.pools == 0 && stats.large_blocks == 0);
    assert_equal(stats.arenas, 1);
    assert_equal(heard.count, 0);
    fief_destroy(f);
}

Test(debug_levels, every_kind_of_block_has_its_size_alignment_and_content) {
    FOR_DEBUG_LEVELS(level)
    for (size_t alignment = 8; alignment <= 16; alignment += 8) {
        fief_config config = at_level(level, &heard);
        config.alignment = alignment;
        use_all_kinds(config);
    }
}

Test(debug_levels, a_hosts_memory_does_as_well) {
    FOR_DEBUG_LEVELS(level) {
        static host h;
        fief_config config = at_level(level, &heard);
        config.provider = (fief_provider){&h, host_alloc, host_free};
        use_all_kinds(config);
        cr_assert(h.out == 0 && h.strangers == 0);
    }
}

Test(debug_levels, what_shall_be_zeros_is_zeros) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        for (unsigned round = 0; round < 3; round++)
            FOR_KINDS (kind) {
                unsigned char *a = fief_zalloc(f, kind.size), *b = fief_calloc(f, 1, kind.size);
                unsigned char *c = fief_domain_calloc(f, FIEF_DOMAIN_MEM, 1, kind.size);
                cr_assert(is_zeros(a, kind.size) && is_zeros(b, kind.size) && is_zeros(c, kind.size));
                memset(a, 1, kind.size);
                memset(b, 1, kind.size);
                memset(c, 1, kind.size);
                fief_free(f, a);
                fief_free(f, b);
                fief_domain_free(f, FIEF_DOMAIN_MEM, c);
            }
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

Test(debug_levels, sizes_that_no_memory_has_are_refused) {
    FOR_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX};
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            size_t size = opaque_size(sizes[i]);
            cr_assert_null(opaque(fief_alloc(f, size)));
            cr_assert_null(opaque(fief_zalloc(f, size)));
            cr_assert_null(opaque(fief_alloc_aligned(f, size, 4096)));
            cr_assert_null(opaque(fief_alloc_tagged(f, size, 0)));
            cr_assert_null(opaque(fief_domain_alloc(f, FIEF_DOMAIN_OBJ, size)));
            void *block = fief_alloc(f, 10);
            cr_assert_null(opaque(fief_realloc(f, block, size)));
            fief_free(f, block);
        }
        cr_assert_null(opaque(fief_domain_calloc(f, FIEF_DOMAIN_OBJ, opaque_size(SIZE_MAX / 2), 3)));
        cr_assert_null(opaque(fief_alloc_aligned(f, 10, 3)));
        assert_equal(fief_good_size(f, opaque_size(SIZE_MAX)), 0);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

/* ---- resizing ---- */

static void resize_all(fief *f, size_t from) {
    static const size_t sizes[] = {0, 1, 15, 16, 40, 48, 100, 512, 513, 3000, 16368, 16384, 20000, 70000, 600000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = fief_alloc(f, from);
        memset(block, 0x42, from);
        unsigned char *moved = fief_realloc_sized(f, block, from, sizes[i]);
        cr_assert_not_null(moved);
        for (size_t byte = 0; byte < from && byte < sizes[i]; byte++)
            cr_assert_eq(moved[byte], 0x42);
        assert_equal(fief_usable_size(moved), sizes[i]);
        memset(moved, 0x43, sizes[i]);
        fief_free_sized(f, moved, sizes[i]);
    }
}

Test(debug_levels, a_realloc_keeps_what_fits) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        resize_all(f, 0);
        resize_all(f, 1);
        resize_all(f, 40);
        resize_all(f, 5000);
        resize_all(f, 100000);
        resize_all(f, 2000000);
        assert_equal(exact_stats(f).live_blocks, 0);
        assert_equal(fief_check(f), 0);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

Test(debug_levels, a_realloc_of_nothing_allocates) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        void *block = fief_realloc(f, NULL, 30);
        assert_equal(fief_usable_size(block), 30);
        fief_free(f, fief_realloc_sized(f, block, 30, 0));
        fief_free(f, NULL);
        fief_free_sized(f, NULL, 10);
        fief_free_aligned_sized(f, NULL, 16, 10);
        fief_domain_free(f, FIEF_DOMAIN_OBJ, NULL);
        fief_free_remote(NULL);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

/* Whether it moved or not, what is left is the handle's alignment. */
Test(debug_levels, a_realloc_of_an_aligned_block_keeps_the_handles_alignment_alone) {
    FOR_DEBUG_LEVELS(level)
    for (size_t size = 90; size < 5000; size += 4000) {
        fief *f = create(at_level(level, &heard));
        void *block = fief_alloc_aligned(f, 100, 256);
        block = fief_realloc(f, block, size);
        fief_free_aligned_sized(f, block, 16, size);
        assert_equal(heard.count, 0);
        assert_equal(exact_stats(f).live_blocks, 0);
        fief_destroy(f);
    }
}

/* ---- counters and visits ---- */

typedef struct sum {
    uint64_t blocks, bytes;
} sum;

static bool add(void *block, size_t bytes, void *arg) {
    sum *s = arg;
    cr_assert_eq(fief_usable_size(block), bytes);
    s->blocks++;
    s->bytes += bytes;
    return true;
}

Test(debug_levels, what_is_live_is_counted_exactly) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        sum wanted = {0, 0}, seen = {0, 0};
        FOR_KINDS (kind) {
            wanted.blocks++;
            wanted.bytes += kind.size;
            cr_assert_not_null(allocate_kind(f, kind));
            fief_free(f, allocate_kind(f, kind));
        }
        assert_equal(fief_visit(f, add, &seen), FIEF_OK);
        cr_assert(seen.blocks == wanted.blocks && seen.bytes == wanted.bytes);
        fief_stats stats = exact_stats(f);
        cr_assert(stats.live_blocks == wanted.blocks && stats.live_bytes == wanted.bytes);
        cr_assert(stats.allocations == 2 * wanted.blocks && stats.frees == wanted.blocks);
        cr_assert(stats.foreign_in == 0 && stats.misuses == 0);
        fief_destroy(f);
    }
}

static bool free_it(void *block, size_t bytes, void *arg) {
    (void)bytes;
    fief_free(arg, block);
    return true;
}

Test(debug_levels, a_visitor_may_free_what_it_sees) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = create(at_level(level, &heard));
        FOR_KINDS (kind)
            cr_assert_not_null(allocate_kind(f, kind));
        assert_equal(fief_visit(f, free_it, f), FIEF_OK);
        assert_equal(exact_stats(f).live_blocks, 0);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

/* ---- others' hands ---- */

enum { SENT = 500 };

static void *free_all(void *arg) {
    void **blocks = arg;
    for (unsigned i = 0; i < SENT; i++)
        fief_free_remote(blocks[i]);
    return NULL;
}

Test(debug_levels, blocks_that_other_threads_free_come_home) {
    FOR_DEBUG_LEVELS(level) {
        static void *blocks[SENT];
        fief *f = create(at_level(level, &heard));
        for (unsigned i = 0; i < SENT; i++)
            blocks[i] = allocate_kind(f, kind_number(i % KINDS));
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, free_all, blocks), 0);
        pthread_join(thread, NULL);
        assert_equal(fief_poll(f), SENT);
        fief_stats stats = exact_stats(f);
        cr_assert(stats.live_blocks == 0 && stats.remote_in == SENT);
        assert_equal(fief_check(f), 0);
        fief_trim(f);
        assert_equal(exact_stats(f).pools, 0);
        assert_equal(heard.count, 0);
        fief_destroy(f);
    }
}

/* ---- many ---- */

static void live_and_end(fief_debug level) {
    fief *f = create(at_level(level, &heard));
    for (size_t i = 0; i < 60; i++) {
        void *block = fief_alloc(f, i * i);
        if (i % 3 == 0)
            fief_free(f, block);
    }
    fief_destroy(f);
}

Test(debug_levels, thousands_of_watched_interpreters_leave_nothing_behind, .timeout = 100) {
    skip_unless_memory_is_measured();
    for (unsigned i = 0; i < 200; i++)
        live_and_end((fief_debug)(i % 4));
    fief_trim(NULL);
    size_t before = resident_bytes();
    for (unsigned i = 0; i < 2000; i++) {
        live_and_end((fief_debug)(i % 4));
        if (i % 100 == 0)
            fief_trim(NULL);
    }
    fief_trim(NULL);
    assert_at_most(resident_bytes(), before + ((size_t)1 << 20));
}
