/* debug/verbs: below FIEF_DEBUG_CHECK they are the plain verbs; above, each says what it was called for. */
#include "heap.h"

static void set_up(void) {
    conf("");
}

TestSuite(verbs, .init = set_up);

Test(verbs, below_check_they_are_the_plain_ones) {
    fief *f = heap_at(FIEF_DEBUG_OFF);
    fief_domain_free(f, FIEF_DOMAIN_RAW, fief_domain_alloc(f, FIEF_DOMAIN_OBJ, 40));
    fief_domain_free(f, FIEF_DOMAIN_RAW, fief_domain_realloc(f, FIEF_DOMAIN_MEM, fief_alloc_tagged(f, 40, 9), 80));
    fief_free_aligned_sized(f, fief_domain_calloc(f, FIEF_DOMAIN_OBJ, 4, 10), 4096, 1);
    cr_assert_eq(exact_stats(f).live_blocks, 0);
    assert_equal(heard.count, 0);
    fief_destroy(f);
}

Test(verbs, a_record_has_tag_domain_and_alignment) {
    fief_tag tag;
    assert_equal(fief_tag_register("a tag", &tag), FIEF_OK);
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        assert_equal(spot_at(f, fief_alloc_tagged(f, 40, tag)).record->tag, tag);
        assert_equal(spot_at(f, fief_alloc_tagged(f, 40, (fief_tag)(tag + 1))).record->tag, 0);
        assert_equal(spot_at(f, fief_domain_alloc(f, FIEF_DOMAIN_MEM, 40)).record->domain, FIEF_DOMAIN_MEM);
        assert_equal(spot_at(f, fief_alloc_aligned(f, 40, 512)).record->alignment_shift, 9);
        fief_destroy(f);
    }
}

Test(verbs, reports_name_the_verb) {
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        void *block = fief_alloc(f, 40);
        fief_free(f, block);
        fief_domain_free(f, FIEF_DOMAIN_PLAIN, opaque(block));
        cr_assert_str_eq(heard.operation, "fief_domain_free");
        fief_free_aligned_sized(f, opaque(block), 16, 40);
        cr_assert_str_eq(heard.operation, "fief_free_aligned_sized");
        cr_assert_null(opaque(fief_domain_realloc(f, FIEF_DOMAIN_PLAIN, opaque(block), 50)));
        cr_assert_str_eq(heard.operation, "fief_domain_realloc");
        assert_equal(heard.last.kind, FIEF_MISUSE_REALLOC_AFTER_FREE);
        fief_free_sized(f, opaque(block), 40);
        cr_assert_str_eq(heard.operation, "fief_free_sized");
        fief_destroy(f);
    }
}

Test(verbs, a_policy_is_others_to_read_as_well) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    assert_equal(fief_policy_set(f, FIEF_MISUSE_WILD, FIEF_POLICY_IGNORE), FIEF_OK);
    assert_equal(f->policies[FIEF_MISUSE_WILD], FIEF_POLICY_IGNORE);
    assert_equal(f->slot->policies[FIEF_MISUSE_WILD], FIEF_POLICY_IGNORE);
    fief_destroy(f);
}

Test(verbs, a_dead_handle_breaks_nowhere) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fief_break_at(f, 3);
    assert_equal(f->debug->break_at, 3);
    fief_destroy(f);
    fief_break_at(f, 4);
    assert_equal(heard.kinds[FIEF_MISUSE_DEAD_HANDLE], 1);
}
