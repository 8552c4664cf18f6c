/* debug/links: a free block whose link was written to is found before the link is followed. */
#include "debug/links.h"

#include "debug/quarantine.h"
#include "heap.h"
#include "heap/pools.h"

static void set_up(void) {
    conf("");
}

TestSuite(links, .init = set_up);

/* Three blocks that came back: the next allocations of their size get them, or others. */
static fief *heap_with_free(fi_block *blocks[3]) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    for (unsigned i = 0; i < 3; i++)
        blocks[i] = fief_alloc(f, 200);
    for (unsigned i = 0; i < 3; i++)
        fief_free(f, blocks[i]);
    fi_quarantine_drain(f, 0);
    return f;
}

static void allocate_many(fief *f) {
    for (unsigned i = 0; i < 2000; i++)
        cr_assert_not_null(fief_alloc(f, 200));
}

Test(links, each_record_has_a_copy) {
    fi_block *blocks[3];
    fief *f = heap_with_free(blocks);
    for (unsigned i = 0; i < 3; i++)
        assert_equal(spot_at(f, blocks[i]).record->next, (uintptr_t)blocks[i]->next);
    allocate_many(f);
    assert_equal(heard.count, 0);
    fief_destroy(f);
}

Test(links, a_wrong_one_is_told_and_not_followed) {
    for (unsigned which = 0; which < 3; which++)
        for (unsigned wrong = 0; wrong < 6; wrong++) {
            fi_block *blocks[3];
            fief *f = heap_with_free(blocks);
            char *live = fief_alloc(f, 3000);
            fi_block *const links[] = {NULL,
                                       (fi_block *)1,
                                       (fi_block *)(uintptr_t)0x4141414141414141,
                                       blocks[which],
                                       (fi_block *)(void *)live,
                                       (fi_block *)(void *)(live + 8)};
            unsigned before = heard.count;
            blocks[which]->next = opaque(links[wrong]);
            allocate_many(f);
            assert_equal(heard.count, before + 1);
            assert_equal(heard.last.kind, FIEF_MISUSE_WRITE_AFTER_FREE);
            cr_assert_eq(heard.last.pointer, blocks[which]);
            fief_destroy(f);
        }
}

Test(links, a_trim_looks_at_them_too) {
    fi_block *blocks[3];
    fief *f = heap_with_free(blocks);
    (void)!fief_alloc(f, 200); /* the rest are in the handle's list */
    for (unsigned i = 0; i < 3; i++)
        if (blocks[i]->mark == (uintptr_t)blocks[i]) {
            blocks[i]->next = (fi_block *)(uintptr_t)0x1234;
            break;
        }
    fief_trim(f);
    fief_trim(f);
    allocate_many(f);
    assert_equal(heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], 1);
    fief_destroy(f);
}
