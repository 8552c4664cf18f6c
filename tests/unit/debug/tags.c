/* debug/tags: one name, one number, for the whole process, from any thread. */
#include "debug/tags.h"

#include "os/os.h"
#include "support/child.h"
#include "support/compare.h"

#include <pthread.h>
#include <stdio.h>

enum { TAGS = 4095, DOMAINS = 255, BUILT_IN = 3, THREADS = 4, SHARED_NAMES = 200 };

static fief_tag tag(const char *name) {
    fief_tag number = 0;
    cr_assert_eq(fief_tag_register(name, &number), FIEF_OK, "%s", name);
    return number;
}

static fief_domain domain(const char *name) {
    fief_domain number = 0;
    cr_assert_eq(fief_domain_register(name, &number), FIEF_OK, "%s", name);
    return number;
}

Test(tags, what_was_never_registered_has_no_name) {
    cr_assert_str_empty(fi_tag_name(0));
    cr_assert_str_empty(fi_tag_name(1));
    cr_assert_str_empty(fi_tag_name(UINT16_MAX));
    cr_assert_str_empty(fi_domain_name(0));
    cr_assert_str_empty(fi_domain_name(BUILT_IN + 1));
    cr_assert_str_empty(fi_domain_name(UINT8_MAX));
}

Test(tags, a_name_has_one_number) {
    fief_tag tuple = tag("tuple"), list = tag("list");
    cr_assert_neq(tuple, 0);
    cr_assert_neq(list, 0);
    cr_assert_neq(tuple, list);
    assert_equal(tag("tuple"), tuple);
    cr_assert_str_eq(fi_tag_name(tuple), "tuple");
    cr_assert_str_eq(fi_tag_name(list), "list");
}

Test(tags, three_domains_are_built_in) {
    assert_equal(domain("raw"), FIEF_DOMAIN_RAW);
    assert_equal(domain("mem"), FIEF_DOMAIN_MEM);
    assert_equal(domain("obj"), FIEF_DOMAIN_OBJ);
    cr_assert_str_eq(fi_domain_name(FIEF_DOMAIN_OBJ), "obj");
    assert_equal(domain("gc"), BUILT_IN + 1);
    cr_assert_str_eq(fi_domain_name(BUILT_IN + 1), "gc");
}

Test(tags, tags_and_domains_do_not_share_numbers) {
    assert_equal(tag("x"), 1);
    assert_equal(domain("x"), BUILT_IN + 1);
}

Test(tags, a_name_is_copied_and_cut) {
    char name[] = "a name that is longer than thirty-one bytes";
    fief_tag number = tag(name);
    memset(name, 'z', sizeof name - 1);
    cr_assert_str_eq(fi_tag_name(number), "a name that is longer than thir");
    assert_equal(tag("a name that is longer than thirty"), number);
    assert_equal(tag("a name that is longer than thir"), number);
    cr_assert_neq(tag("a name that is longer than thi"), number);
}

Test(tags, nothing_is_no_name) {
    fief_tag number = 77;
    fief_domain other = 77;
    cr_assert_eq(fief_tag_register(NULL, &number), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_tag_register("", &number), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_tag_register("x", NULL), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_domain_register(NULL, &other), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_domain_register("", &other), FIEF_BAD_ARGUMENT);
    cr_assert_eq(fief_domain_register("x", NULL), FIEF_BAD_ARGUMENT);
    assert_equal(number, 77);
    assert_equal(other, 77);
}

Test(tags, there_are_so_many_and_the_old_ones_stay) {
    char name[16];
    for (unsigned i = 1; i <= TAGS; i++) {
        snprintf(name, sizeof name, "tag %u", i);
        assert_equal(tag(name), i);
    }
    fief_tag number = 77;
    cr_assert_eq(fief_tag_register("one more", &number), FIEF_NO_MEMORY);
    assert_equal(number, 77);
    assert_equal(tag("tag 4095"), TAGS);
    cr_assert_str_eq(fi_tag_name(TAGS), "tag 4095");
    cr_assert_str_empty(fi_tag_name(TAGS + 1));
}

Test(tags, there_are_so_many_domains) {
    char name[16];
    for (unsigned i = BUILT_IN + 1; i <= DOMAINS; i++) {
        snprintf(name, sizeof name, "domain %u", i);
        assert_equal(domain(name), i);
    }
    fief_domain number = 77;
    cr_assert_eq(fief_domain_register("one more", &number), FIEF_NO_MEMORY);
    assert_equal(number, 77);
    cr_assert_str_eq(fi_domain_name(DOMAINS), "domain 255");
}

Test(tags, exhaustion_passes) {
    fief_tag number = 77;
    fi_os_init();
    fi_os_fail_at(1);
    fief_status first = fief_tag_register("x", &number);
    cr_assert(first == FIEF_OK || first == FIEF_NO_MEMORY);
    fi_os_fail_at(0);
    assert_equal(tag("x"), 1);
}

/* ---- threads ---- */

/* Registers names that all threads share, and reads back what it was given. */
static void *register_shared(void *numbers) {
    char name[16];
    for (unsigned i = 0; i < SHARED_NAMES; i++) {
        fief_tag number = 0;
        snprintf(name, sizeof name, "shared %u", i);
        if (fief_tag_register(name, &number) != FIEF_OK || strcmp(fi_tag_name(number), name) != 0)
            return NULL;
        ((fief_tag *)numbers)[i] = number;
    }
    return numbers;
}

Test(tags, threads_agree) {
    static fief_tag numbers[THREADS][SHARED_NAMES];
    pthread_t threads[THREADS];
    for (unsigned t = 0; t < THREADS; t++)
        cr_assert_eq(pthread_create(&threads[t], NULL, register_shared, numbers[t]), 0);
    for (unsigned t = 0; t < THREADS; t++) {
        void *result;
        pthread_join(threads[t], &result);
        cr_assert_not_null(result);
        cr_assert_arr_eq(numbers[t], numbers[0], sizeof numbers[0]);
    }
}

static int register_in_child(void *arg) {
    fief_tag number = 0;
    (void)arg;
    return fief_tag_register("x", &number) == FIEF_OK && number == 1 ? 0 : 1;
}

Test(tags, a_child_knows_them_too) {
    tag("x");
    child_end end = run_in_child(register_in_child, NULL);
    assert_returned(end);
}
