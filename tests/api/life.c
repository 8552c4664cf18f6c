/* fief_create, fief_destroy: an interpreter's beginning and its end; and what a handle is worth after it. */
#include "support/child.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/interpreter.h"
#include "support/pages.h"

#include <signal.h>
#include <stdint.h>

/* ---- creating ---- */

Test(life, the_defaults_need_no_configuration) {
    fief *f = NULL;
    assert_equal(fief_create(&f, NULL), FIEF_OK);
    cr_assert_not_null(fief_alloc(f, 100));
    assert_equal(fief_destroy(f), FIEF_OK);
}

Test(life, there_must_be_somewhere_to_put_the_handle) {
    assert_equal(fief_create(NULL, NULL), FIEF_BAD_ARGUMENT);
}

static void assert_refused(fief_config config, const char *why) {
    fief *f = (fief *)(void *)&config; /* must become NULL */
    cr_assert_eq(fief_create(&f, &config), FIEF_BAD_ARGUMENT, "%s", why);
    cr_assert_null(f, "%s", why);
}

static void *no_memory(void *ctx, size_t bytes, size_t alignment) {
    (void)ctx, (void)bytes, (void)alignment;
    return NULL;
}

static void take_nothing_back(void *ctx, void *span, size_t bytes) {
    (void)ctx, (void)span, (void)bytes;
}

Test(life, a_configuration_of_another_size_is_refused) {
    static const size_t sizes[] = {0, 1, sizeof(fief_config) - 1, sizeof(fief_config) + 8, SIZE_MAX};
    fief_config config = FIEF_CONFIG_INIT;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        config.size = sizes[i];
        assert_refused(config, "size");
    }
}

Test(life, an_alignment_other_than_8_and_16_is_refused) {
    static const size_t alignments[] = {0, 1, 4, 12, 24, 32, 4096};
    fief_config config = FIEF_CONFIG_INIT;
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        config.alignment = alignments[i];
        assert_refused(config, "alignment");
    }
}

Test(life, policies_that_do_not_exist_are_refused) {
    fief_config config = FIEF_CONFIG_INIT;
    config.on_foreign = (fief_foreign_policy)3;
    assert_refused(config, "on_foreign");
    config = (fief_config)FIEF_CONFIG_INIT;
    config.on_misuse = (fief_misuse_policy)3;
    assert_refused(config, "on_misuse");
}

Test(life, half_a_provider_is_refused) {
    fief_config config = FIEF_CONFIG_INIT;
    config.provider.alloc = no_memory;
    assert_refused(config, "no free");
    config.provider = (fief_provider){NULL, NULL, take_nothing_back};
    assert_refused(config, "no alloc");
}

Test(life, a_use_of_a_provider_that_does_not_exist_is_refused) {
    fief_config config = FIEF_CONFIG_INIT;
    config.provider_use = (fief_provider_use)2;
    assert_refused(config, "provider_use");
}

/* What it has not got is not read: here it would be nonsense. */
Test(life, the_first_versions_configuration_still_serves) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "from the first version";
    config.size = offsetof(fief_config, provider_use);
    memset((char *)&config + config.size, 0xEE, sizeof config - config.size);
    fief *f = NULL;
    assert_equal(fief_create(&f, &config), FIEF_OK);
    cr_assert_str_eq(fief_name(f), "from the first version");
    cr_assert_not_null(opaque(fief_alloc(f, 1 << 20)));
    assert_equal(fief_destroy(f), FIEF_OK);
}

Test(life, limits_that_do_not_fit_each_other_are_refused) {
    fief_config config = FIEF_CONFIG_INIT;
    config.limit = (fief_limit){.hard_bytes = 100, .soft_bytes = 101};
    assert_refused(config, "soft");
    config.limit = (fief_limit){.hard_bytes = 100, .reserve_bytes = 101};
    assert_refused(config, "reserve");
}

Test(life, without_memory_there_is_no_interpreter) {
    fief_config config = FIEF_CONFIG_INIT;
    fief_leaks before, after;
    config.provider = (fief_provider){NULL, no_memory, take_nothing_back};
    fief_leaks_read(&before);
    for (unsigned i = 0; i < 1000; i++) {
        fief *f = (fief *)(void *)&config;
        assert_equal(fief_create(&f, &config), FIEF_NO_MEMORY);
        cr_assert_null(f);
    }
    fief_leaks_read(&after);
    assert_equal(after.interpreters, before.interpreters);
}

Test(life, every_status_has_a_text_of_its_own) {
    static const fief_status statuses[] = {FIEF_OK, FIEF_NO_MEMORY, FIEF_BAD_ARGUMENT, FIEF_BAD_STATE};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < i; j++)
            cr_assert_str_neq(fief_status_text(statuses[i]), fief_status_text(statuses[j]));
    cr_assert_str_not_empty(fief_status_text((fief_status)99));
}

/* ---- ending ---- */

Test(life, ending_nothing_is_fine) {
    assert_equal(fief_destroy(NULL), FIEF_OK);
}

Test(life, an_interpreter_ends_with_all_its_blocks) {
    for (unsigned turn = 0; turn < 50; turn++) {
        fief *f = create(named("full"));
        for (size_t size = 1; size < 4 << 20; size *= 2)
            memset(fief_alloc(f, size), 1, size);
        assert_equal(fief_destroy(f), FIEF_OK);
    }
}

Test(life, an_ended_interpreters_memory_is_the_systems_once_the_warm_arenas_are_released) {
    fief *f = create(named("ended"));
    char *small = fief_alloc(f, 100), *large = fief_alloc(f, 100000), *huge = fief_alloc(f, 5 << 20);
    fief_destroy(f);
    cr_assert_not(is_readable(huge));
    fief_trim(NULL);
    cr_assert_not(is_readable(small));
    cr_assert_not(is_readable(large));
}

Test(life, a_zeroed_interpreter_never_sees_what_others_wrote) {
    enum { SIZE = 4096, COUNT = 200 };
    fief *secretive = create(named("secretive"));
    for (unsigned i = 0; i < COUNT; i++)
        memset(fief_alloc(secretive, SIZE), 0x5E, SIZE);
    fief_destroy(secretive);
    fief_config config = named("curious");
    config.zeroed = true;
    fief *curious = create(config);
    for (unsigned i = 0; i < COUNT; i++) {
        const unsigned char *block = fief_alloc(curious, SIZE);
        for (size_t k = 2 * sizeof(void *); k < SIZE; k++) /* the first two words are the free block's */
            assert_equal(block[k], 0);
    }
}

/* ---- after the end ---- */

static witness told;
static void *left_behind;

static fief *dead(void) {
    fief *f = create(watched("the late", &told));
    left_behind = fief_alloc(f, 64);
    fief_destroy(f);
    return f;
}

static bool visit_nothing(void *block, size_t usable, void *arg) {
    (void)block, (void)usable, (void)arg;
    return true;
}

static void do_nothing(fief *f, void *arg) {
    (void)f, (void)arg;
}

static bool alloc_small(fief *f) {
    return fief_alloc(f, 64) == NULL;
}
static bool alloc_nothing(fief *f) {
    return fief_alloc(f, 0) == NULL;
}
static bool alloc_coarse(fief *f) {
    return fief_alloc(f, 4000) == NULL;
}
static bool alloc_large(fief *f) {
    return fief_alloc(f, 100000) == NULL;
}
static bool zalloc(fief *f) {
    return fief_zalloc(f, 64) == NULL;
}
static bool alloc_zeros(fief *f) {
    return fief_calloc(f, 8, 8) == NULL;
}
static bool alloc_aligned(fief *f) {
    return fief_alloc_aligned(f, 64, 256) == NULL;
}
static bool realloc_nothing(fief *f) {
    return fief_realloc(f, NULL, 64) == NULL;
}
static bool realloc_block(fief *f) {
    return fief_realloc(f, left_behind, 64) == NULL;
}
static bool free_block(fief *f) {
    fief_free(f, left_behind);
    return true;
}
static bool free_sized(fief *f) {
    fief_free_sized(f, left_behind, 64);
    return true;
}
static bool poll_it(fief *f) {
    return fief_poll(f) == 0;
}
static bool trim(fief *f) {
    return fief_trim(f) == 0;
}
static bool publish(fief *f) {
    fief_stats_publish(f);
    return true;
}
static bool destroy(fief *f) {
    return fief_destroy(f) == FIEF_BAD_STATE;
}

Test(life, a_dead_handle_is_reported_by_whatever_uses_it) {
    bool (*const verbs[])(fief * f) = {alloc_small,   alloc_nothing, alloc_coarse,  alloc_large,
                                       zalloc,        alloc_zeros,   alloc_aligned, realloc_nothing,
                                       realloc_block, free_block,    free_sized,    poll_it,
                                       trim,          publish,       destroy};
    fief *f = dead();
    for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        cr_assert(verbs[i](f), "verb %u", i);
        assert_equal(told.kinds[FIEF_MISUSE_DEAD_HANDLE], i + 1);
        cr_assert_str_eq(told.owner_name, "the late");
        assert_equal(told.last.owner_state, FIEF_DEAD);
    }
}

Test(life, a_dead_handle_has_a_bad_state_where_there_is_a_status) {
    fief *f = dead();
    fief_limit limit = {0, 0, 0, NULL, NULL};
    assert_equal(fief_limit_set(f, &limit), FIEF_BAD_STATE);
    assert_equal(fief_visit(f, visit_nothing, NULL), FIEF_BAD_STATE);
    assert_equal(fief_at_exit(f, do_nothing, NULL), FIEF_BAD_STATE);
}

static int use_after_the_end(void *arg) {
    (void)arg;
    fief *f = create(named("gone"));
    fief_destroy(f);
    return fief_alloc(f, 64) != NULL;
}

Test(life, by_default_a_dead_handle_aborts_and_is_named) {
    child_end end = run_in_child(use_after_the_end, NULL);
    assert_aborted(end);
    assert_says(end, "fief: dead handle in fief_alloc\n");
    assert_says(end, "\"gone\" (dead)");
}
