/* Who is who: ids, names, owners of any address at all, a thread's current interpreter; and statuses' texts. */
#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/random.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- ids ---- */

Test(identity, ids_count_up_from_1_and_are_never_reused) {
    fief_id last = 0;
    for (unsigned i = 0; i < 5000; i++) {
        fief *f = create(named("short"));
        fief_id id = fief_id_of(f);
        cr_assert_gt(id, last);
        assert_equal(i == 0 ? id : 1, 1);
        last = id;
        assert_equal(fief_destroy(f), FIEF_OK);
        cr_assert_null(fief_find(id));
    }
    for (fief_id id = 0; id <= last + 10; id++)
        cr_assert_null(fief_find(id));
}

Test(identity, whoever_lives_is_found) {
    enum { COUNT = 1000 };
    static fief *fs[COUNT];
    static fief_id ids[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        fs[i] = create(named("many"));
        ids[i] = fief_id_of(fs[i]);
    }
    for (unsigned i = 0; i < COUNT; i += 2)
        fief_destroy(fs[i]);
    for (unsigned i = 0; i < COUNT; i++)
        cr_assert_eq(fief_find(ids[i]), i % 2 == 0 ? NULL : fs[i]);
    cr_assert_null(fief_find(FIEF_ID_NONE));
    cr_assert_null(fief_find(ids[COUNT - 1] + 1));
    cr_assert_null(fief_find(UINT64_MAX));
}

static void look_for_itself(fief *f, void *arg) {
    const fief_id *id = arg;
    cr_assert_null(fief_find(*id));
    assert_equal(fief_id_of(f), *id);
    cr_assert_str_eq(fief_name(f), "closing");
}

Test(identity, who_is_closing_is_not_found) {
    fief *f = create(named("closing"));
    fief_id id = fief_id_of(f);
    cr_assert_eq(fief_find(id), f);
    fief_at_exit(f, look_for_itself, &id);
    fief_destroy(f);
}

/* ---- names ---- */

Test(identity, a_name_is_copied_and_cut) {
    char name[200], wanted[64];
    for (unsigned length = 0; length < 150; length++) {
        memset(name, 'a' + (int)(length % 26), length);
        name[length] = '\0';
        snprintf(wanted, sizeof wanted, "%.63s", name);
        fief *f = create(named(name));
        memset(name, '?', sizeof name);
        cr_assert_str_eq(fief_name(f), wanted);
        fief_destroy(f);
    }
}

Test(identity, without_a_name_it_is_called_by_its_number) {
    char wanted[64];
    for (unsigned i = 0; i < 200; i++) {
        fief *f = create(named(NULL));
        snprintf(wanted, sizeof wanted, "interpreter %ju", (uintmax_t)fief_id_of(f));
        cr_assert_str_eq(fief_name(f), wanted);
    }
}

Test(identity, two_may_have_one_name) {
    fief *one = create(named("twin")), *two = create(named("twin"));
    cr_assert_str_eq(fief_name(one), fief_name(two));
    cr_assert_neq(fief_id_of(one), fief_id_of(two));
}

/* ---- owners ---- */

Test(identity, an_owner_owns_every_byte_of_its_blocks_and_its_handle) {
    fief *f = create(named("one")), *other = create(named("two"));
    FOR_KINDS (kind) {
        const char *block = allocate_kind(f, kind), *others = allocate_kind(other, kind);
        size_t usable = fief_usable_size(block);
        for (size_t at = 0; at < usable; at += 1 + at / 8)
            assert_equal(fief_owner(block + at), fief_id_of(f));
        assert_equal(fief_owner(block + usable - 1), fief_id_of(f));
        assert_equal(fief_owner(others), fief_id_of(other));
    }
    assert_equal(fief_owner(f), fief_id_of(f));
    assert_equal(fief_owner(other), fief_id_of(other));
}

Test(identity, what_is_gone_is_nobodys) {
    fief *f = create(named("gone"));
    static void *blocks[KINDS];
    for (unsigned i = 0; i < KINDS; i++)
        blocks[i] = allocate_kind(f, kind_number(i));
    fief_destroy(f);
    for (unsigned i = 0; i < KINDS; i++) {
        assert_equal(fief_owner(blocks[i]), FIEF_ID_NONE);
        assert_equal(fief_usable_size(blocks[i]), 0);
    }
    assert_equal(fief_owner(f), FIEF_ID_NONE);
}

/* No address may be dereferenced, whatever it is. */
static void assert_nobodys(const void *p) {
    assert_equal(fief_owner(p), FIEF_ID_NONE);
    assert_equal(fief_usable_size(p), 0);
}

static void assert_nobody_owns_the_rest_of_the_world(void) {
    static int in_static_memory;
    int on_the_stack = 0;
    void *of_malloc = malloc(100), *large_of_malloc = malloc(10 << 20);
    char *page = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const void *const addresses[] = {NULL,
                                     (void *)1,
                                     (void *)8,
                                     (void *)4096,
                                     &on_the_stack,
                                     &in_static_memory,
                                     of_malloc,
                                     large_of_malloc,
                                     page,
                                     (void *)(uintptr_t)fief_owner,
                                     (void *)(uintptr_t)malloc,
                                     "a string",
                                     (void *)UINT64_C(0x00007fffffffffff),
                                     (void *)UINT64_C(0x0000800000000000),
                                     (void *)UINT64_C(0x8000000000000000),
                                     (void *)UINT64_C(0xffff800000000000),
                                     (void *)UINTPTR_MAX};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        assert_nobodys(addresses[i]);
    munmap(page, 1 << 20);
    assert_nobodys(page);
    free(of_malloc);
    free(large_of_malloc);
}

Test(identity, before_anything_was_created_nobody_owns_anything) {
    assert_nobody_owns_the_rest_of_the_world();
}

Test(identity, the_rest_of_the_world_is_nobodys) {
    create(named("one"));
    assert_nobody_owns_the_rest_of_the_world();
}

/* Its memory in the map's window, and all that the map knows under the same entries. */
Test(identity, addresses_that_differ_in_their_high_bits_are_nobodys) {
    fief *f = create(named("one"));
    const char *block = fief_alloc(f, 64);
    for (unsigned bit = 37; bit < 64; bit++)
        assert_nobodys((const void *)((uintptr_t)block ^ ((uintptr_t)1 << bit)));
}

Test(identity, millions_of_random_numbers_can_be_asked_about) {
    enum { COUNT = 3000000 };
    fief *f = create(named("one"));
    uintptr_t home = (uintptr_t)f;
    random_source rng = random_seeded(5);
    unsigned owned = 0;
    cr_assert_not_null(opaque(fief_alloc(f, 1 << 20)));
    for (unsigned i = 0; i < COUNT; i++) {
        uintptr_t number = random_next(&rng);
        unsigned kind = i % 3; /* anything; a user's address; one near fief's own */
        number = kind == 0 ? number : kind == 1 ? number >> 17 : home + (number >> 30) - ((uintptr_t)1 << 33);
        fief_id id = fief_owner((const void *)number);
        cr_assert(id == FIEF_ID_NONE || id == fief_id_of(f));
        owned += id != FIEF_ID_NONE;
        fief_usable_size((const void *)number);
    }
    assert_at_most(owned, COUNT / 100);
}

/* ---- a thread's current one ---- */

Test(identity, at_first_there_is_no_current_one) {
    cr_assert_null(fief_current());
    create(named("one"));
    cr_assert_null(fief_current());
}

Test(identity, entering_nests) {
    fief *one = create(named("one")), *two = create(named("two"));
    fief *before_one = fief_enter(one);
    cr_assert_null(before_one);
    fief *before_two = fief_enter(two);
    cr_assert_eq(before_two, one);
    fief *before_two_again = fief_enter(two);
    fief *before_none = fief_enter(NULL);
    cr_assert_null(fief_current());
    fief_leave(before_none);
    cr_assert_eq(fief_current(), two);
    fief_leave(before_two_again);
    fief_leave(before_two);
    cr_assert_eq(fief_current(), one);
    fief_leave(before_one);
    cr_assert_null(fief_current());
}

static void *enter_on_a_thread(void *arg) {
    fief *previous = fief_current();
    fief_enter(arg);
    return previous == NULL && fief_current() == arg ? arg : NULL;
}

Test(identity, each_thread_has_its_own) {
    fief *one = create(named("one"));
    fief_enter(one);
    for (unsigned i = 0; i < 20; i++) {
        pthread_t thread;
        void *result;
        fief *other = create(named("other"));
        cr_assert_eq(pthread_create(&thread, NULL, enter_on_a_thread, other), 0);
        cr_assert_eq(pthread_join(thread, &result), 0);
        cr_assert_eq(result, other);
        cr_assert_eq(fief_current(), one);
    }
}

/* ---- texts ---- */

Test(identity, every_status_has_a_text_and_so_has_nonsense) {
    for (int status = -10; status < 100; status++) {
        const char *text = fief_status_text((fief_status)status);
        cr_assert_not_null(text);
        cr_assert_str_not_empty(text);
        cr_assert_eq(fief_status_text((fief_status)status), text, "it is static");
    }
    static const fief_status statuses[] = {FIEF_OK, FIEF_NO_MEMORY, FIEF_BAD_ARGUMENT, FIEF_BAD_STATE};
    for (unsigned i = 0; i < 4; i++)
        cr_assert_str_neq(fief_status_text(statuses[i]), fief_status_text((fief_status)99));
}
