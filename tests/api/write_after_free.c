/* Free blocks whose second word the program has written to: found when they are about to be handed out, reported,
 * and not handed out. Nothing is promised of their first word, a link: include/fief/inline.h. */
#include "support/wrong.h"

enum { COUNT = 12, IN_BETWEEN = 6, LAST_FREED = COUNT - 2, FIRST_FREED = 0, WORD = sizeof(void *) };

/* Blocks of one kind that were freed in this order; `which` is then written to. */
typedef struct overwritten {
    char *blocks[COUNT];
    unsigned which;
    size_t from, to; /* which bytes of it */
    int with;
} overwritten;

static void free_and_write(fief *f, block_kind kind, overwritten *o) {
    for (unsigned i = 0; i < COUNT; i++)
        o->blocks[i] = allocate_kind(f, kind);
    size_t usable = fief_usable_size(o->blocks[o->which]);
    for (unsigned i = 0; i < COUNT; i++)
        if (i % 2 == o->which % 2) /* the others stay, and so does the pool */
            fief_free(f, o->blocks[i]);
    memset(o->blocks[o->which] + o->from, o->with, (o->to < usable ? o->to : usable) - o->from);
}

/* Allocates until every free block has come round: of this kind, and of the size of block that it was given, for
 * small heaps serve a size by larger blocks at first. */
static bool is_handed_out(fief *f, block_kind kind, const void *block) {
    const block_kind kinds[] = {kind, {fief_usable_size(block), 0}};
    bool seen = false;
    for (unsigned i = 0; i < 1000; i++) {
        char *p = opaque(allocate_kind(f, kinds[i / 500]));
        cr_assert_not_null(p);
        memset(p, 0x77, kinds[i / 500].size);
        seen = seen || p == block;
    }
    return seen;
}

static bool is_small(block_kind kind) {
    return kind.size <= 16 * 1024 && kind.alignment <= 4096;
}

static void assert_found(unsigned which, size_t from, size_t to, int with, fief_misuse_policy policy) {
    FOR_KINDS (kind) {
        if (!is_small(kind))
            continue; /* these are given back at once */
        if (which != LAST_FREED && (kind.size > 1024 || kind.alignment > 256))
            continue; /* each pool has too few for one of them to be in between */
        overwritten o = {.which = which, .from = from, .to = to, .with = with};
        fief *f = wrong_heap("the heap", policy, 16);
        unsigned before = wrong_witness.count;
        free_and_write(f, kind, &o);
        wrong made = {o.blocks[which],
                      FIEF_MISUSE_WRITE_AFTER_FREE,
                      o.blocks[which],
                      fief_usable_size(o.blocks[which]),
                      f,
                      f};
        cr_assert_not(is_handed_out(f, kind, o.blocks[which]), "a block of %zu bytes", kind.size);
        assert_equal(exact_stats(f).misuses, 1);
        assert_equal(wrong_witness.count, before + (policy == FIEF_MISUSE_REPORT));
        if (policy == FIEF_MISUSE_REPORT)
            assert_reported(&wrong_witness, &made, wrong_witness.operation);
        cr_assert(is_sound(f));
        fief_destroy(f);
    }
}

Test(write_after_free, of_the_second_word) {
    static const int fillers[] = {0x00, 0xEE, 0xFF, 0x41};
    for (unsigned i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        assert_found(IN_BETWEEN, WORD, 2 * WORD, fillers[i], FIEF_MISUSE_REPORT);
        assert_found(FIRST_FREED, WORD, 2 * WORD, fillers[i], FIEF_MISUSE_IGNORE);
    }
}

Test(write_after_free, of_all_of_a_block) {
    static const int fillers[] = {0x00, 0xEE, 0xFF, 0x41};
    for (unsigned i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        assert_found(IN_BETWEEN, 0, SIZE_MAX, fillers[i], FIEF_MISUSE_REPORT);
        assert_found(FIRST_FREED, 0, SIZE_MAX, fillers[i], FIEF_MISUSE_IGNORE);
    }
}

/* The one that is at the head of its pool's list. */
Test(write_after_free, of_the_second_word_of_the_last_one_freed) {
    assert_found(LAST_FREED, WORD, 2 * WORD, 0xEE, FIEF_MISUSE_REPORT);
}

Test(write_after_free, of_all_of_the_last_one_freed) {
    assert_found(LAST_FREED, 0, SIZE_MAX, 0xEE, FIEF_MISUSE_REPORT);
}

/* What is behind the two words is nobody's until the block is handed out. */
Test(write_after_free, of_the_rest_is_not_noticed_and_harms_nothing) {
    fief *f = wrong_heap("the heap", FIEF_MISUSE_REPORT, 16);
    FOR_KINDS (kind) {
        if (!is_small(kind) || kind.size < 3 * WORD)
            continue;
        for (unsigned which = 0; which < COUNT; which++) {
            overwritten o = {.which = which, .from = 2 * WORD, .to = SIZE_MAX, .with = 0xEE};
            free_and_write(f, kind, &o);
            is_handed_out(f, kind, o.blocks[which]);
        }
    }
    assert_equal(exact_stats(f).misuses, 0);
    cr_assert(is_sound(f));
}

static int hand_out_again(void *arg) {
    fief *f = arg;
    return is_handed_out(f, (block_kind){64, 0}, f);
}

Test(write_after_free, by_default_aborts_when_the_block_is_to_be_handed_out) {
    fief *f = wrong_heap("strict", FIEF_MISUSE_ABORT, 16);
    overwritten o = {.which = IN_BETWEEN, .from = 0, .to = SIZE_MAX, .with = 0xEE};
    free_and_write(f, (block_kind){64, 0}, &o);
    wrong made = {o.blocks[IN_BETWEEN], FIEF_MISUSE_WRITE_AFTER_FREE, o.blocks[IN_BETWEEN], 64, f, f};
    child_end end = run_in_child(hand_out_again, f);
    assert_aborted(end);
    assert_written(end.said, &made, "fief_alloc", "  verdict  abort\n");
    assert_says(end, ", a block of 64 bytes\n");
}

/* Heaps go on, however many of their blocks are lost. */
Test(write_after_free, of_many_blocks_is_survived) {
    static char *blocks[5000];
    enum { BLOCKS = sizeof blocks / sizeof *blocks };
    fief *f = wrong_heap("the heap", FIEF_MISUSE_REPORT, 16);
    random_source rng = random_seeded(1);
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = fief_alloc(f, 16 + random_below(&rng, 1000));
    for (unsigned i = 0; i < BLOCKS; i += 2)
        fief_free(f, blocks[i]);
    for (unsigned i = 0; i < BLOCKS; i += 20) /* second words: they stay in their lists */
        memset(blocks[i] + WORD, 0xEE, WORD);
    cr_assert(is_sound(f));
    cr_assert_gt(exact_stats(f).misuses, 0);
}
