/* Type tags and domains: what a block says of itself. */
#include "support/levels.h"

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(tags_domains, .init = set_up);

/* ---- tags ---- */

/* What a report says of a block. */
static const fief_report *ask(fief *f, char *block) {
    fief_free(f, opaque(block + 8));
    return &heard.last;
}

static char tag_seen[64], domain_seen[64];

static void keep_names(const fief_report *report, void *arg) {
    witness_report(report, arg);
    snprintf(tag_seen, sizeof tag_seen, "%s", report->tag);
    snprintf(domain_seen, sizeof domain_seen, "%s", report->domain);
}

static fief *heap_at(fief_debug level) {
    fief_config config = at_level(level, &heard);
    config.report = keep_names;
    return create(config);
}

Test(tags_domains, a_tag_is_shown_in_reports) {
    fief_tag tag;
    assert_equal(fief_tag_register("a table", &tag), FIEF_OK);
    FOR_LEVELS(level) {
        fief *f = heap_at(level);
        ask(f, fief_alloc_tagged(f, 40, tag));
        cr_assert_str_eq(tag_seen, level != FIEF_DEBUG_OFF ? "a table" : "");
        cr_assert_eq(strstr(heard.text, "tag \"a table\"") != NULL, level != FIEF_DEBUG_OFF);
        ask(f, fief_alloc(f, 40));
        cr_assert_str_eq(tag_seen, "");
        fief_destroy(f);
    }
}

Test(tags_domains, a_tag_that_was_never_registered_is_none) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        ask(f, fief_alloc_tagged(f, 40, 4000));
        cr_assert_str_eq(tag_seen, "");
        ask(f, fief_alloc_tagged(f, 40, UINT16_MAX));
        cr_assert_str_eq(tag_seen, "");
        fief_destroy(f);
    }
}

Test(tags_domains, a_realloc_keeps_tag_and_domain) {
    fief_tag tag;
    assert_equal(fief_tag_register("kept", &tag), FIEF_OK);
    static const size_t sizes[] = {50, 30, 3000, 20, 100000, 10};
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        char *tagged = fief_alloc_tagged(f, 40, tag), *object = fief_domain_alloc(f, FIEF_DOMAIN_OBJ, 40);
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            tagged = fief_realloc(f, tagged, sizes[i]);
            object = fief_domain_realloc(f, FIEF_DOMAIN_OBJ, object, sizes[i]);
            ask(f, tagged);
            cr_assert_str_eq(tag_seen, "kept");
            ask(f, object);
            cr_assert_str_eq(domain_seen, "obj");
        }
        fief_destroy(f);
    }
}

/* ---- domains ---- */

static void free_as(fief *f, int domain, void *block) {
    if (domain == FIEF_DOMAIN_PLAIN)
        fief_free(f, block);
    else
        fief_domain_free(f, (fief_domain)domain, block);
}

Test(tags_domains, a_block_goes_back_through_its_own_domain) {
    FOR_LEVELS(level) {
        fief *f = heap_at(level);
        for (int from = FIEF_DOMAIN_PLAIN; from <= FIEF_DOMAIN_OBJ; from++)
            for (int to = FIEF_DOMAIN_PLAIN; to <= FIEF_DOMAIN_OBJ; to++) {
                unsigned before = heard.kinds[FIEF_MISUSE_WRONG_DOMAIN];
                void *block = fief_domain_alloc(f, (fief_domain)from, 40);
                bool wrong = from != to && level != FIEF_DEBUG_OFF;
                free_as(f, to, block);
                assert_equal(heard.kinds[FIEF_MISUSE_WRONG_DOMAIN], before + wrong);
                assert_equal(exact_stats(f).live_blocks, wrong);
                if (wrong)
                    free_as(f, from, block);
            }
        fief_destroy(f);
    }
}

Test(tags_domains, a_realloc_through_another_domain_does_nothing) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        char *block = fief_domain_alloc(f, FIEF_DOMAIN_MEM, 40);
        memset(block, 0x21, 40);
        cr_assert_null(opaque(fief_domain_realloc(f, FIEF_DOMAIN_RAW, block, 80)));
        cr_assert_null(opaque(fief_realloc(f, block, 80)));
        assert_equal(heard.kinds[FIEF_MISUSE_WRONG_DOMAIN], 2 * (unsigned)level);
        cr_assert(fief_usable_size(block) == 40 && block[39] == 0x21);
        cr_assert_not_null(strstr(heard.text, "domain plain, not mem"));
        fief_destroy(f);
    }
}

Test(tags_domains, domains_of_the_runtimes_own_are_told_by_name) {
    fief_domain domain;
    assert_equal(fief_domain_register("strings", &domain), FIEF_OK);
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        char *block = fief_domain_calloc(f, domain, 3, 10);
        ask(f, block);
        cr_assert_str_eq(domain_seen, "strings");
        block = fief_domain_realloc(f, domain, block, 300);
        fief_domain_free(f, domain, block);
        assert_equal(exact_stats(f).live_blocks, 0);
        assert_equal(heard.kinds[FIEF_MISUSE_WRONG_DOMAIN], 0);
        fief_destroy(f);
    }
}

/* ---- sizes and alignments that are said ---- */

Test(tags_domains, sized_frees_say_the_size_that_was_asked_for) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        for (size_t size = 0; size < 100000; size = size * 3 + 7) {
            void *block = fief_alloc(f, size);
            unsigned before = heard.kinds[FIEF_MISUSE_WRONG_SIZE];
            fief_free_sized(f, block, size + 1);
            cr_assert_null(opaque(fief_realloc_sized(f, block, size + 1, size + 2)));
            assert_equal(heard.kinds[FIEF_MISUSE_WRONG_SIZE], before + 2);
            fief_free_sized(f, block, size);
            assert_equal(heard.kinds[FIEF_MISUSE_WRONG_SIZE], before + 2);
        }
        assert_equal(exact_stats(f).live_blocks, 0);
        fief_destroy(f);
    }
}

Test(tags_domains, aligned_frees_say_the_alignment_that_was_asked_for) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
            void *block = fief_alloc_aligned(f, 100, alignment);
            fief_free_aligned_sized(f, block, alignment, 100);
            assert_equal(heard.count, 0);
        }
        void *block = fief_alloc_aligned(f, 100, 64);
        fief_free_aligned_sized(f, block, 128, 100);
        assert_equal(heard.kinds[FIEF_MISUSE_WRONG_ALIGNMENT], 1);
        fief_free_aligned_sized(f, block, 64, 101);
        assert_equal(heard.kinds[FIEF_MISUSE_WRONG_SIZE], 1);
        fief_free_aligned_sized(f, block, 64, 100);
        assert_equal(exact_stats(f).live_blocks, 0);
        heard = (witness){0};
        fief_destroy(f);
    }
}
