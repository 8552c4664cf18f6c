/* Interpreters on memory of the host's: what is asked for, that all of it goes back, and that everything else is
 * as it is on the system's memory. */
#include "support/child.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/pages.h"
#include "support/sound.h"

#include <signal.h>

enum { KIB = 1024, MIB = 1024 * KIB, UNIT = 256 * KIB };

static host the_host;
static witness told;

static fief_config hosted(const char *name, host *h) {
    fief_config config = watched(name, &told);
    config.provider = (fief_provider){h, host_alloc, host_free};
    return config;
}

static void assert_all_back(const host *h) {
    assert_equal(h->out, 0);
    assert_equal(h->bytes_out, 0);
    assert_equal(h->strangers, 0);
}

/* ---- what is asked for ---- */

Test(provider, spans_are_asked_for_as_documented) {
    fief *f = create(hosted("guest", &the_host));
    FOR_KINDS (kind)
        cr_assert_not_null(allocate_kind(f, kind));
    assert_at_least(the_host.asked, 5);
    for (unsigned i = 0; i < HOST_MOST_SPANS; i++) {
        assert_equal(the_host.spans[i].bytes % UNIT, 0);
        assert_equal((uintptr_t)the_host.spans[i].start % UNIT, 0);
    }
    assert_at_least(the_host.least_alignment, UNIT);
    assert_equal(the_host.least_alignment & (the_host.least_alignment - 1), 0);
    assert_equal(exact_stats(f).reserved_bytes, the_host.bytes_out);
    assert_equal(exact_stats(f).arenas, the_host.out);
    fief_destroy(f);
    assert_all_back(&the_host);
}

Test(provider, everything_lies_in_the_hosts_memory) {
    fief *f = create(hosted("guest", &the_host));
    cr_assert(host_holds(&the_host, f, 1), "the handle too");
    FOR_KINDS (kind) {
        void *block = allocate_kind(f, kind);
        cr_assert(host_holds(&the_host, block, fief_usable_size(block)), "%zu bytes", kind.size);
        assert_equal((uintptr_t)block % (kind.alignment != 0 ? kind.alignment : 16), 0);
        assert_equal(fief_owner(block), fief_id_of(f));
        memset(block, 0xEE, fief_usable_size(block));
    }
    fief_destroy(f);
}

Test(provider, spans_go_back_while_it_lives_too) {
    fief *f = create(hosted("guest", &the_host));
    void *huge = fief_alloc(f, 10 * MIB);
    cr_assert_not_null(huge);
    size_t most = the_host.bytes_out;
    fief_free(f, huge);
    assert_at_most(the_host.bytes_out, most - 10 * MIB);
    cr_assert(is_sound(f));
    fief_trim(f);
    assert_at_most(the_host.bytes_out, MIB);
    assert_equal(the_host.strangers, 0);
    fief_destroy(f);
    assert_all_back(&the_host);
}

/* What an ended guest leaves is never another's. */
Test(provider, nothing_is_kept_warm) {
    for (unsigned turn = 0; turn < 100; turn++) {
        fief *f = create(hosted("guest", &the_host));
        for (unsigned i = 0; i < 100; i++)
            memset(fief_alloc(f, 100 * i), 0xEE, 100 * i);
        fief_destroy(f);
        assert_all_back(&the_host);
    }
    fief *other = create(named("other"));
    cr_assert(is_sound(other));
}

Test(provider, two_hosts_are_kept_apart) {
    static host hosts[2];
    fief *guests[2] = {create(hosted("one", &hosts[0])), create(hosted("two", &hosts[1]))};
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        void *block = allocate_kind(guests[i % 2], kind_number(i / 2));
        cr_assert(host_holds(&hosts[i % 2], block, fief_usable_size(block)));
    }
    fief_destroy(guests[0]);
    assert_all_back(&hosts[0]);
    cr_assert(is_sound(guests[1]));
    fief_destroy(guests[1]);
    assert_all_back(&hosts[1]);
}

/* ---- a host that has nothing, or gives nonsense ---- */

Test(provider, a_host_that_refuses_lets_nothing_begin) {
    fief *f = (fief *)(void *)&told;
    the_host.refuses = true;
    fief_config config = hosted("guest", &the_host);
    assert_equal(fief_create(&f, &config), FIEF_NO_MEMORY);
    cr_assert_null(f);
    assert_at_least(the_host.asked, 1);
}

Test(provider, a_host_that_refuses_later_gives_nothing_and_takes_nothing_away) {
    fief *f = create(hosted("guest", &the_host));
    unsigned char *block = memset(fief_alloc(f, 100000), 0x5A, 100000);
    the_host.refuses = true;
    cr_assert_null(opaque(fief_alloc(f, 5 * MIB)));
    cr_assert_null(opaque(fief_alloc(f, 600 * KIB)));
    cr_assert_null(opaque(fief_realloc(f, block, 5 * MIB)));
    void *small;
    while ((small = fief_alloc(f, 1000)) != NULL)
        memset(small, 0xEE, 1000);
    for (unsigned i = 0; i < 100000; i++)
        assert_equal(block[i], 0x5A);
    uint64_t failures = exact_stats(f).limit_failures;
    assert_equal(failures, 0); /* it was no limit */
    the_host.refuses = false;
    cr_assert_not_null(opaque(fief_alloc(f, 5 * MIB)));
    cr_assert(is_sound(f));
    fief_destroy(f);
    assert_all_back(&the_host);
}

static void assert_misaligned_is_refused(size_t by) {
    static host odd;
    char *memory = host_map(2 * UNIT, UNIT);
    fief *f = NULL;
    odd.next = memory + by;
    fief_config config = hosted("guest", &odd);
    assert_equal(fief_create(&f, &config), FIEF_NO_MEMORY);
    cr_assert_null(f);
    assert_all_back(&odd);
}

Test(provider, a_misaligned_span_is_refused_and_given_back) {
    static const size_t by[] = {16, 4096, UNIT / 2};
    for (unsigned i = 0; i < sizeof by / sizeof *by; i++)
        assert_misaligned_is_refused(by[i]);
}

Test(provider, a_misaligned_span_for_a_huge_block_is_refused_and_given_back) {
    fief *f = create(hosted("guest", &the_host));
    the_host.next = host_map(6 * MIB, UNIT) + 4096;
    unsigned out = the_host.out;
    cr_assert_null(opaque(fief_alloc(f, 5 * MIB)));
    assert_equal(the_host.out, out);
    cr_assert_not_null(opaque(fief_alloc(f, 5 * MIB)));
    fief_destroy(f);
    assert_all_back(&the_host);
}

/* ---- zeros ---- */

Test(provider, zeros_are_zeros_though_the_hosts_memory_is_not) {
    fief *f = create(hosted("guest", &the_host));
    for (unsigned turn = 0; turn < 2; turn++)
        FOR_KINDS (kind) {
            void *zeros = fief_zalloc(f, kind.size), *more = fief_calloc(f, kind.size, 3);
            cr_assert(is_zeros(zeros, kind.size), "%zu bytes", kind.size);
            cr_assert(is_zeros(more, 3 * kind.size), "3 times %zu bytes", kind.size);
            memset(zeros, 0xEE, kind.size);
            memset(more, 0xEE, 3 * kind.size);
            fief_free(f, zeros);
            fief_free(f, more);
        }
    fief_destroy(f);
}

Test(provider, a_huge_block_grows_and_keeps_its_content) {
    fief *f = create(hosted("guest", &the_host));
    size_t size = 600 * KIB;
    unsigned char *block = fief_alloc(f, size);
    memset(block, 0x5A, size);
    while (size < 20 * MIB) {
        size += size / 3;
        block = fief_realloc(f, block, size);
        cr_assert_not_null(block);
        cr_assert(host_holds(&the_host, block, size));
        for (size_t i = 0; i < 600 * KIB; i += 61)
            assert_equal(block[i], 0x5A);
    }
    block = fief_realloc(f, block, 600 * KIB);
    for (size_t i = 0; i < 600 * KIB; i++)
        assert_equal(block[i], 0x5A);
    assert_equal(exact_stats(f).live_blocks, 1);
    fief_destroy(f);
    assert_all_back(&the_host);
}

/* ---- what is wrong is found there too ---- */

static void assert_misuse_is_found(fief *f, fief *other, host *h) {
    FOR_KINDS (kind) {
        char *block = allocate_kind(f, kind);
        unsigned foreign = told.kinds[FIEF_MISUSE_FOREIGN_FREE], twice = told.kinds[FIEF_MISUSE_DOUBLE_FREE];
        unsigned inside = told.kinds[FIEF_MISUSE_MISALIGNED];
        fief_free(f, block + 1);
        cr_assert_eq(told.kinds[FIEF_MISUSE_MISALIGNED], inside + 1, "%zu bytes: %s", kind.size, told.text);
        fief_free(other, block);
        assert_equal(told.kinds[FIEF_MISUSE_FOREIGN_FREE], foreign + 1);
        assert_equal(told.last.owner, fief_id_of(f));
        assert_equal(fief_poll(f), 1);
        block = allocate_kind(f, kind);
        fief_free_remote(block);
        assert_equal(fief_poll(f), 1);
        block = allocate_kind(f, kind);
        fief_free(f, block);
        if (!host_holds(h, block, 1))
            continue; /* the host has it again */
        fief_free(f, block);
        assert_equal(told.kinds[FIEF_MISUSE_DOUBLE_FREE], twice + 1);
    }
    assert_equal(exact_stats(f).live_blocks, 0);
    cr_assert(is_sound(f) && is_sound(other));
}

Test(provider, foreign_frees_and_misuse_are_found) {
    static host other_host;
    fief *f = create(hosted("guest", &the_host));
    assert_misuse_is_found(f, create(watched("other", &told)), &the_host);
    assert_misuse_is_found(f, create(hosted("other guest", &other_host)), &the_host);
}

/* Where the host's memory collides with the system's in fief's map, all is slower and nothing is different. */
Test(provider, memory_whose_place_in_the_map_is_taken_serves_as_well) {
    fief *other = create(watched("other", &told));
    for (unsigned nth = 1; nth <= 3; nth++) {
        char *memory = host_map_colliding(other, UNIT, nth);
        if (memory == NULL)
            cr_skip_test("the system gives no memory at that address");
        the_host.next = memory;
        fief *f = create(hosted("guest", &the_host));
        assert_equal(fief_owner(memory), fief_id_of(f));
        assert_equal(fief_owner(other), fief_id_of(other));
        assert_misuse_is_found(f, other, &the_host);
        fief_destroy(f);
        assert_all_back(&the_host);
    }
}

/* The first three units have their places in the map to themselves, the fourth has not. */
Test(provider, a_span_where_a_shorter_one_was_before_is_its_new_owners) {
    fief *other = create(watched("other", &told)), *f = create(hosted("guest", &the_host));
    for (unsigned nth = 1; nth <= 3; nth++) {
        char *memory = host_map_colliding((char *)other - 3 * UNIT, 4 * UNIT, nth);
        if (memory == NULL)
            cr_skip_test("the system gives no memory at that address");
        munmap(memory + 3 * UNIT, UNIT);
        the_host.next = memory;
        fief_free(f, fief_alloc(f, 3 * UNIT));
        the_host.next = host_map_colliding((char *)other - 3 * UNIT, 4 * UNIT, nth);
        char *block = fief_alloc(f, 4 * UNIT);
        cr_assert_eq(block, memory);
        for (unsigned unit = 0; unit < 4; unit++)
            assert_equal(fief_owner(block + unit * UNIT), fief_id_of(f));
        assert_equal(fief_usable_size(block), 4 * UNIT);
        fief_free(f, block);
        assert_equal(exact_stats(f).live_blocks, 0);
        assert_equal(told.count, 0);
    }
}

Test(provider, a_late_free_is_found_after_the_host_has_the_memory_back) {
    fief *f = create(hosted("guest", &the_host)), *bob = create(watched("bob", &told));
    static void *blocks[KINDS];
    for (unsigned i = 0; i < KINDS; i++)
        blocks[i] = allocate_kind(f, kind_number(i));
    fief_destroy(f);
    for (unsigned i = 0; i < KINDS; i++) {
        fief_free(bob, blocks[i]);
        assert_equal(told.kinds[FIEF_MISUSE_LATE_FREE], i + 1);
        cr_assert_str_eq(told.owner_name, "guest");
    }
    assert_equal(exact_stats(bob).late_out, KINDS);
}
