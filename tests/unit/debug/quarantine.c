/* debug/quarantine: first in, first out, by bytes; and a look at what leaves. */
#include "debug/quarantine.h"

#include "heap.h"
#include "support/child.h"

static void set_up(void) {
    conf("");
}

TestSuite(quarantine, .init = set_up);

static fief *heap_holding(size_t bytes) {
    fief_config config = at_level(FIEF_DEBUG_CHECK, &heard);
    config.quarantine_bytes = bytes;
    return create(config);
}

Test(quarantine, the_oldest_leave_when_there_are_too_many) {
    fief *f = heap_holding(10 * 128);
    unsigned char *blocks[20];
    for (unsigned i = 0; i < 20; i++)
        blocks[i] = fief_alloc(f, 100);
    for (unsigned i = 0; i < 20; i++) {
        fief_free(f, blocks[i]);
        assert_at_most(f->debug->quarantine.bytes, 10 * 128);
        for (unsigned k = 0; k < 20; k++)
            assert_equal(state_at(f, blocks[k]), k > i         ? FI_RECORD_LIVE
                                                 : k + 10 <= i ? FI_RECORD_FREE
                                                               : FI_RECORD_HELD);
    }
    fief_destroy(f);
}

Test(quarantine, a_block_larger_than_all_of_it_leaves_at_once) {
    fief *f = heap_holding(4096);
    fief_free(f, fief_alloc(f, 100));
    fief_free(f, fief_alloc(f, 100000));
    assert_equal(f->debug->quarantine.bytes, 0);
    cr_assert(f->debug->quarantine.oldest == 0 && !fi_quarantine_drain(f, 0));
    fief_free(f, fief_alloc(f, 100));
    cr_assert(fi_quarantine_drain(f, 0));
    fief_destroy(f);
}

Test(quarantine, what_was_written_to_is_told_when_it_leaves) {
    fief *f = heap_holding(1 << 20);
    unsigned char *block = opaque(fief_alloc(f, 100));
    fief_free(f, block);
    block[0] = 1;
    block[99] = 2;
    size_t wrong = 0;
    cr_assert(fi_quarantine_check(f, &wrong));
    assert_equal(wrong, 1);
    cr_assert(heard.last.damage == 0 && heard.last.damaged_bytes == 2);
    block[5] = 1;
    fi_quarantine_drain(f, 0);
    assert_equal(heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], 2);
    assert_equal(heard.last.damage, 5);
    fief_destroy(f);
}

/* ---- links that were overwritten ---- */

static const uint64_t wrong_links[] = {0, 1, 4711, UINT64_MAX, (uint64_t)1 << 40, (uint64_t)1 << 63};

Test(quarantine, a_look_at_a_broken_list_says_so) {
    for (unsigned i = 0; i < sizeof wrong_links / sizeof *wrong_links; i++) {
        fief *f = heap_holding(1 << 20);
        void *blocks[3] = {fief_alloc(f, 10), fief_alloc(f, 10), fief_alloc(f, 10)};
        for (unsigned k = 0; k < 3; k++)
            fief_free(f, blocks[k]);
        fi_record *record = spot_at(f, blocks[1]).record;
        uint64_t link = record->next;
        size_t wrong = 0;
        record->next = wrong_links[i];
        cr_assert_not(fi_quarantine_check(f, &wrong));
        assert_equal(fief_check(f), 1);
        assert_equal(heard.kinds[FIEF_MISUSE_CORRUPTION], i + 1);
        record->next = fi_record_ref_to(spot_at(f, blocks[0]).pool, spot_at(f, blocks[0]).index); /* a circle */
        cr_assert_not(fi_quarantine_check(f, &wrong));
        record->next = link;
        cr_assert(fi_quarantine_check(f, &wrong) && wrong == 0);
        fief_destroy(f);
    }
}

static int drain_broken(void *arg) {
    fief *f = heap_holding(1 << 20);
    void *first = fief_alloc(f, 10), *second = fief_alloc(f, 10);
    fief_free(f, first);
    fief_free(f, second);
    spot_at(f, first).record->next = *(const uint64_t *)arg;
    fi_quarantine_drain(f, 0);
    return 0;
}

Test(quarantine, letting_go_of_a_broken_list_asserts) {
    for (unsigned i = 0; i < sizeof wrong_links / sizeof *wrong_links; i++) {
        uint64_t link = wrong_links[i];
        child_end end = run_in_child(drain_broken, &link);
        assert_aborted(end);
        assert_says(end, "fief: broken invariant: ");
    }
}
