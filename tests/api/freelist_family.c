/* Families of lists: one call, all or nothing. */
#include "support/levels.h"
#include "support/lists.h"

enum { HEADER = 24, ITEM = 8, LENGTHS = 20 };

static fief_freelist_family *make_family(fief *f, size_t capacity, size_t reserve) {
    fief_freelist_config config = list_config(HEADER + ITEM, capacity, reserve);
    fief_freelist_family *family = NULL;
    config.name = "tuple";
    cr_assert_eq(fief_freelist_family_create(f, &config, LENGTHS, ITEM, &family), FIEF_OK);
    return family;
}

static void init(void) {
    conf("");
}

TestSuite(freelist_family, .init = init);

Test(freelist_family, each_list_has_its_size) {
    fief *f = create(named("family"));
    fief_freelist_family *family = make_family(f, 10, 1);
    assert_equal(exact_stats(f).live_blocks, LENGTHS);
    for (unsigned i = 0; i < LENGTHS; i++) {
        fief_freelist *list = fief_freelist_at(family, i);
        char name[32];
        snprintf(name, sizeof name, "tuple[%u]", i);
        cr_assert_str_eq(list_stats(list).name, name);
        assert_equal(list_stats(list).block_bytes, HEADER + ITEM * (i + 1));
        void *block = fief_freelist_pop(list);
        assert_at_least(fief_usable_size(block), HEADER + ITEM * (i + 1));
        fief_freelist_push(list, block);
        cr_assert_eq(fief_freelist_pop(list), block);
        fief_freelist_push(list, block);
    }
    fief_trim(f);
    assert_equal(exact_stats(f).live_blocks, LENGTHS);
    fief_freelist_family_destroy(family);
    fief_freelist_family_destroy(NULL);
    assert_equal(exact_stats(f).live_blocks, 0);
    fief_destroy(f);
}

Test(freelist_family, it_ends_with_its_interpreter) {
    FOR_LEVELS (level) {
        static witness heard;
        fief_config config = at_level(level, &heard);
        config.on_leak = FIEF_LEAK_STRICT;
        fief *f = create(config);
        fief_freelist_family *family = make_family(f, 10, 2);
        for (unsigned i = 0; i < LENGTHS; i++)
            fief_freelist_push(fief_freelist_at(family, i), opaque(fief_freelist_pop(fief_freelist_at(family, i))));
        make_family(f, 0, 0);
        fief_destroy(f);
        assert_equal(heard.count, 0);
    }
}

Test(freelist_family, all_or_nothing) {
    fief_config limited = named("family");
    limited.limit.hard_bytes = 256 * 1024;
    fief *f = create(limited);
    fief_freelist_config config = list_config(HEADER + ITEM, 10, 1000);
    fief_freelist_family *family = (fief_freelist_family *)&config;
    assert_equal(fief_freelist_family_create(f, &config, LENGTHS, 100, &family), FIEF_NO_MEMORY);
    cr_assert_null(family);
    assert_equal(exact_stats(f).live_blocks, 0);
    config.reserve = 1;
    assert_equal(fief_freelist_family_create(f, &config, LENGTHS, 100, &family), FIEF_OK);
    fief_destroy(f);
}

Test(freelist_family, arguments_are_checked) {
    fief *f = create(named("family"));
    fief_freelist_config config = list_config(HEADER, 10, 0);
    fief_freelist_family *family;
    assert_equal(fief_freelist_family_create(f, &config, 0, 8, &family), FIEF_BAD_ARGUMENT);
    cr_assert_null(family);
    assert_equal(fief_freelist_family_create(f, &config, FIEF_FREELIST_MOST_LISTS + 1, 8, &family),
                 FIEF_BAD_ARGUMENT);
    assert_equal(fief_freelist_family_create(f, &config, 2, FIEF_FREELIST_MOST_BYTES - HEADER + 1, &family),
                 FIEF_BAD_ARGUMENT);
    assert_equal(fief_freelist_family_create(f, &config, 3, SIZE_MAX / 2, &family), FIEF_BAD_ARGUMENT);
    assert_equal(fief_freelist_family_create(f, NULL, 2, 8, &family), FIEF_BAD_ARGUMENT);
    assert_equal(fief_freelist_family_create(f, &config, 2, 8, NULL), FIEF_BAD_ARGUMENT);
    assert_equal(fief_freelist_family_create(f, &config, 2, FIEF_FREELIST_MOST_BYTES - HEADER, &family), FIEF_OK);
    assert_equal(list_stats(fief_freelist_at(family, 1)).block_bytes, FIEF_FREELIST_MOST_BYTES);
    fief_freelist_family_destroy(family);
    assert_equal(fief_freelist_family_create(f, &config, 1, SIZE_MAX, &family), FIEF_OK); /* there is no step */
    fief_destroy(f);
}
