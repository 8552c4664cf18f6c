/* debug/explain: what is told of any address, whatever its record says. */
#include "debug/explain.h"

#include "heap/find.h"

#include "heap.h"
#include "support/random.h"

static void set_up(void) {
    conf("");
}

TestSuite(explain, .init = set_up);

static fi_details explain(const void *p) {
    fi_details details = {.tag = "", .domain = ""};
    fi_explain(p, fi_find(p).owner_id, &details);
    return details;
}

Test(explain, a_blocks_record_is_told) {
    fief_tag tag;
    assert_equal(fief_tag_register("told", &tag), FIEF_OK);
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        cr_assert_not_null(fief_alloc(f, 1));
        char *block = fief_alloc_tagged(f, 100, tag);
        for (unsigned at = 0; at < 100; at += 33) {
            fi_details d = explain(block + at);
            cr_assert(d.known && !d.freed);
            cr_assert(d.requested_size == 100 && d.serial == 2 && d.alignment == 16);
            cr_assert_str_eq(d.tag, "told");
            assert_at_least(d.slot_bytes, 100);
        }
        fief_free(f, block);
        fi_details d = explain(block);
        cr_assert(d.known && d.freed && d.freed_by == fief_id_of(f));
        fief_destroy(f);
    }
}

Test(explain, of_what_is_no_block_nothing_is_known) {
    fief *f = heap_at(FIEF_DEBUG_CHECK), *free = heap_at(FIEF_DEBUG_OFF);
    static int somewhere;
    cr_assert_not(explain(&somewhere).known);
    cr_assert_not(explain(NULL).known);
    cr_assert_not(explain((void *)UINTPTR_MAX).known);
    cr_assert_not(explain(f).known);
    cr_assert_not(explain(fief_alloc(free, 10)).known);
    fief_destroy(f);
    fief_destroy(free);
}

Test(explain, blocks_of_the_ended_are_remembered) {
    FOR_DEBUG_LEVELS(level)
    for (size_t size = 10; size < 1000000; size *= 20) {
        fief *f = heap_at(level);
        char *block = fief_alloc(f, size);
        fief_destroy(f);
        fi_details d = explain(block + size / 2);
        cr_assert(d.known && d.requested_size == size && d.block == block, "%zu at level %d", size, (int)level);
        fief_trim(NULL);
        (void)explain(block);
    }
}

/* A granule that never had a block of its own: the middle of a large one. */
Test(explain, any_address_in_an_ended_large_block_may_be_asked_about) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    char *block = fief_alloc(f, 300000), *huge = fief_alloc(f, 3000000);
    fief_destroy(f);
    for (size_t at = 0; at < 300000; at += 4096)
        (void)explain(block + at);
    for (size_t at = 0; at < 3000000; at += 4096)
        (void)explain(huge + at);
}

/* What is found is bounded by where the block lies, so that whoever copies it stays in there. */
Test(explain, a_record_that_was_overwritten_is_told_within_bounds) {
    random_source rng = random_seeded(7);
    FOR_DEBUG_LEVELS(level) {
        fief *f = heap_at(level);
        char *block = fief_alloc(f, 100);
        fi_spot spot = spot_at(f, block);
        fi_record whole = *spot.record;
        for (unsigned i = 0; i < 20000; i++) {
            for (size_t byte = 0; byte < sizeof whole; byte++)
                ((unsigned char *)spot.record)[byte] = (unsigned char)(random_next(&rng) >> 40);
            fi_details d = explain(block + random_below(&rng, 100));
            cr_assert(d.tag != NULL && d.domain != NULL);
            fi_found found = fi_find(block);
            cr_assert(found.block == NULL || found.block_bytes <= spot.slot_bytes + fi_round_up(100, 4096));
        }
        *spot.record = whole;
        fief_destroy(f);
    }
}
