/* Interpreters that ask their host for large blocks alone: which those are, where they come from when it has none,
 * how their spans get longer, and when the host learns of the end. */
#include "support/compare.h"
#include "support/host.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/sound.h"

#include <fief/parcel.h>

enum { KIB = 1024, MIB = 1024 * KIB, UNIT = 256 * KIB };

static host the_host;
static witness told;

static fief_config hosted(const char *name, host *h) {
    fief_config config = watched(name, &told);
    config.provider = (fief_provider){h, host_alloc, host_free};
    config.provider_use = FIEF_PROVIDER_FOR_LARGE;
    config.provider_extend = host_extend;
    config.provider_end = host_end;
    return config;
}

static void end(fief *f, const host *h) {
    cr_assert(is_sound(f));
    assert_equal(fief_destroy(f), FIEF_OK);
    assert_equal(h->out, 0);
    assert_equal(h->bytes_out, 0);
    assert_equal(h->strangers, 0);
    assert_equal(told.count, 0);
}

static void *filled(fief *f, size_t size) {
    void *block = fief_alloc(f, size);
    cr_assert_not_null(block);
    return memset(block, 0x5A, size);
}

static bool is_filled(const unsigned char *block, size_t size) {
    for (size_t i = 0; i < size; i += 61)
        if (block[i] != 0x5A)
            return false;
    return true;
}

/* ---- what it is asked for ---- */

Test(provider_large, only_large_blocks_lie_in_the_hosts_memory) {
    fief *f = create(hosted("guest", &the_host));
    cr_assert(!host_holds(&the_host, f, 1));
    FOR_KINDS (kind) {
        void *block = allocate_kind(f, kind);
        bool large = kind.size > 508 * KIB || kind.alignment > 64 * KIB;
        cr_assert_eq(host_holds(&the_host, block, fief_usable_size(block)), large, "%zu bytes", kind.size);
        assert_equal((uintptr_t)block % (kind.alignment != 0 ? kind.alignment : 16), 0);
        assert_equal(fief_owner(block), fief_id_of(f));
        memset(block, 0xEE, fief_usable_size(block));
    }
    assert_at_least(the_host.out, 3);
    end(f, &the_host);
}

Test(provider_large, a_span_goes_back_with_its_block) {
    fief *f = create(hosted("guest", &the_host));
    for (unsigned i = 0; i < 100; i++) {
        void *block = filled(f, 3 * MIB);
        assert_equal(the_host.bytes_out, 3 * MIB);
        fief_free(f, block);
        assert_equal(the_host.out, 0);
    }
    assert_equal(exact_stats(f).live_blocks, 0);
    end(f, &the_host);
}

Test(provider_large, zeros_are_zeros_though_the_hosts_memory_is_not) {
    fief *f = create(hosted("guest", &the_host));
    const unsigned char *zeros = fief_zalloc(f, 2 * MIB);
    for (size_t i = 0; i < 2 * MIB; i++)
        assert_equal(zeros[i], 0);
    end(f, &the_host);
}

/* ---- a host that has nothing ---- */

Test(provider_large, where_it_refuses_the_systems_memory_serves) {
    fief *f = create(hosted("guest", &the_host));
    unsigned char *hosted_block = filled(f, 2 * MIB);
    the_host.refuses = true;
    unsigned char *block = filled(f, 2 * MIB);
    cr_assert(!host_holds(&the_host, block, 1));
    assert_equal(the_host.asked, 2);
    block = fief_realloc(f, block, 9 * MIB); /* its pages move, as they do without a host */
    cr_assert(is_filled(block, 2 * MIB));
    hosted_block = fief_realloc(f, hosted_block, 9 * MIB); /* copied */
    cr_assert(is_filled(hosted_block, 2 * MIB) && !host_holds(&the_host, hosted_block, 1));
    assert_equal(the_host.out, 0);
    the_host.refuses = false;
    cr_assert(host_holds(&the_host, filled(f, MIB), MIB));
    fief_free(f, block);
    end(f, &the_host);
}

Test(provider_large, a_misaligned_span_goes_back_and_the_systems_memory_serves) {
    fief *f = create(hosted("guest", &the_host));
    the_host.next = host_map(6 * MIB, UNIT) + 4096;
    void *block = filled(f, 5 * MIB);
    cr_assert(!host_holds(&the_host, block, 1));
    end(f, &the_host);
}

/* ---- longer spans ---- */

Test(provider_large, a_block_grows_with_its_span) {
    the_host.room_bytes = 32 * MIB;
    fief *f = create(hosted("guest", &the_host));
    unsigned char *block = filled(f, MIB), *longer = fief_realloc(f, block, MIB + 1);
    cr_assert_eq(longer, block);
    assert_equal(the_host.extended, 1);
    assert_equal(the_host.bytes_out, MIB + UNIT);
    longer = fief_realloc(f, block, 20 * MIB);
    cr_assert_eq(longer, block);
    assert_equal(exact_stats(f).arenas, 2);
    assert_equal(fief_usable_size(block), 20 * MIB);
    cr_assert(is_filled(block, MIB));
    memset(opaque(longer), 0x5A, 20 * MIB);
    for (size_t at = 0; at < 20 * MIB; at += UNIT)
        assert_equal(fief_owner(block + at), fief_id_of(f));
    assert_equal(exact_stats(f).reserved_bytes, the_host.bytes_out + UNIT);
    end(f, &the_host);
}

Test(provider_large, within_its_span_a_block_grows_without_the_host) {
    fief *f = create(hosted("guest", &the_host));
    unsigned char *block = filled(f, 2 * MIB - 10000);
    cr_assert_eq(fief_realloc(f, block, 2 * MIB), (void *)block);
    assert_equal(the_host.extend_asked, 0);
    end(f, &the_host);
}

Test(provider_large, a_span_that_stays_as_it_is_gives_its_block_to_another) {
    the_host.stays = true;
    the_host.room_bytes = 32 * MIB;
    fief *f = create(hosted("guest", &the_host));
    unsigned char *block = filled(f, MIB), *moved = fief_realloc(f, block, 3 * MIB);
    assert_equal(the_host.extend_asked, 1);
    cr_assert(moved != block && is_filled(moved, MIB));
    assert_equal(the_host.out, 1);
    assert_equal(fief_owner(moved + 3 * MIB), FIEF_ID_NONE);
    assert_equal(fief_owner(block + MIB), FIEF_ID_NONE);
    end(f, &the_host);
}

/* The limit comes first, and refuses for good. */
Test(provider_large, beyond_the_limit_the_host_is_not_asked) {
    fief_config config = hosted("guest", &the_host);
    config.limit.hard_bytes = 4 * MIB;
    fief *f = create(config);
    unsigned char *block = filled(f, 2 * MIB);
    cr_assert_null(opaque(fief_realloc(f, block, 5 * MIB)));
    cr_assert_null(opaque(fief_alloc(f, 5 * MIB)));
    assert_equal(the_host.asked, 1);
    assert_equal(the_host.extend_asked, 0);
    cr_assert(is_filled(block, 2 * MIB));
    assert_equal(fief_destroy(f), FIEF_OK);
    assert_equal(the_host.out, 0);
}

/* Behind the span's places in fief's map begin another's: it can't be made longer. */
Test(provider_large, a_span_whose_next_place_in_the_map_is_taken_stays_as_it_is) {
    fief *other = create(named("other"));
    for (unsigned nth = 1; nth <= 3; nth++) {
        char *memory = host_map_colliding((char *)other - 3 * UNIT, 3 * UNIT, nth);
        if (memory == NULL)
            cr_skip_test("the system gives no memory at that address");
        fief *f = create(hosted("guest", &the_host));
        the_host.next = memory;
        unsigned char *block = filled(f, 3 * UNIT);
        cr_assert_eq((char *)block, memory);
        unsigned asked = the_host.extend_asked;
        unsigned char *moved = fief_realloc(f, block, 4 * UNIT);
        assert_equal(the_host.extend_asked, asked);
        cr_assert(moved != block && is_filled(moved, 3 * UNIT));
        assert_equal(fief_owner(other), fief_id_of(other));
        end(f, &the_host);
    }
}

/* ---- the end ---- */

Test(provider_large, it_learns_of_the_end_when_all_is_back) {
    fief *f = create(hosted("guest", &the_host));
    filled(f, MIB);
    filled(f, 5 * MIB);
    assert_equal(the_host.ended, 0);
    end(f, &the_host);
    assert_equal(the_host.ended, 1);
    assert_equal(the_host.out_at_end, 0);
}

Test(provider_large, what_is_kept_is_out_at_the_end) {
    fief_config config = hosted("guest", &the_host);
    config.on_leak = FIEF_LEAK_KEEP;
    fief *f = create(config);
    unsigned char *kept = filled(f, MIB);
    fief_free(f, filled(f, MIB));
    assert_equal(fief_destroy(f), FIEF_OK);
    assert_equal(the_host.ended, 1);
    assert_equal(the_host.out_at_end, 1);
    cr_assert(is_filled(kept, MIB));
}

Test(provider_large, a_host_of_everything_learns_of_the_end_too) {
    fief_config config = hosted("guest", &the_host);
    config.provider_use = FIEF_PROVIDER_FOR_ALL;
    fief *f = create(config);
    filled(f, MIB);
    end(f, &the_host);
    assert_equal(the_host.ended, 1);
    assert_equal(the_host.out_at_end, 0);
    fief *none = NULL;
    the_host.refuses = true;
    assert_equal(fief_create(&none, &config), FIEF_NO_MEMORY);
    assert_equal(the_host.ended, 1);
}

static int receive(fief *target, fief_parcel *parcel, void *block) {
    return fief_parcel_receive(target, parcel, (void **)block) == FIEF_OK ? 0 : 1;
}

/* Its memory is the system's, and stays so with the receiver. */
Test(provider_large, a_parcel_is_no_business_of_the_hosts) {
    fief *maker = create(hosted("maker", &the_host)), *taker = create(hosted("taker", &the_host));
    fief_parcel *parcel;
    void *root = NULL;
    assert_equal(fief_parcel_create(maker, NULL, &parcel), FIEF_OK);
    unsigned char *block = filled(fief_parcel_heap(parcel), 2 * MIB);
    fief_parcel_root_set(parcel, block);
    assert_equal(the_host.asked, 0);
    assert_equal(fief_parcel_send(maker, parcel, fief_id_of(taker), receive, &root), FIEF_XI_QUEUED);
    fief_poll(taker);
    cr_assert_eq(root, (void *)block);
    block = fief_realloc(taker, block, 9 * MIB);
    cr_assert(is_filled(block, 2 * MIB) && !host_holds(&the_host, block, 1));
    assert_equal(fief_destroy(maker), FIEF_OK);
    end(taker, &the_host);
    assert_equal(the_host.ended, 2);
}

/* ---- debug levels ---- */

static void check_level(fief_debug level) {
    fief_config config = hosted("guest", &the_host);
    config.debug = level;
    fief *f = create(config);
    FOR_KINDS (kind) {
        void *block = allocate_kind(f, kind);
        cr_assert_not_null(block);
        fief_free(f, block);
    }
    unsigned char *block = filled(f, MIB);
    cr_assert_eq(host_holds(&the_host, block, MIB), level != FIEF_DEBUG_GUARD, "what is guarded is the system's");
    block = fief_realloc(f, block, 3 * MIB);
    cr_assert(is_filled(block, MIB));
    fief_free(f, block);
    end(f, &the_host);
}

Test(provider_large, debug_levels_work_with_it) {
    check_level(FIEF_DEBUG_CHECK);
    check_level(FIEF_DEBUG_FULL);
    check_level(FIEF_DEBUG_GUARD);
}
